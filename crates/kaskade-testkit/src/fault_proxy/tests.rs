use std::sync::mpsc;

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A data frame with one message of four bytes.
fn data(byte: u8) -> Vec<u8> {
    [&[0, 0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4][..], &[byte; 4]].concat()
}

/// What a server behind `proxy` hears on its first connection, until that ends.
fn server() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hearing) = mpsc::channel();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        let _ = connection.read_to_end(&mut all);
        heard.send(all).unwrap();
    });
    (address, hearing)
}

/// What arrives of two data frames, of which `fault` may hit the second.
fn through(fault: Fault, budget: u64) -> (Vec<u8>, u64) {
    let (address, hearing) = server();
    let proxy = FaultProxy::start(address);
    proxy.arm(fault, if fault == Fault::Drop { 2 } else { 1 }, budget);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.write_all(&[PREFACE, &data(1), &data(2)].concat()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let heard = hearing.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(proxy.n_connections(), 1);
    (heard, proxy.n_fired())
}

#[test]
fn faults_hit_where_they_say() {
    let whole = [PREFACE, &data(1), &data(2)].concat();
    let first = [PREFACE, &data(1)].concat();
    assert_eq!(through(Fault::Duplicate, 1), ([&whole[..], &data(2)].concat(), 1));
    assert_eq!(through(Fault::HalfClose, 1), (first.clone(), 1));
    assert_eq!(through(Fault::Drop, 1), (first.clone(), 1));
    let (heard, n_fired) = through(Fault::CutMidFrame, 1);
    assert!(heard.len() > first.len() && heard.len() < whole.len() && n_fired == 1);
    assert_eq!(through(Fault::CutMidFrame, 0), (whole.clone(), 0), "the budget is spent");
    assert_eq!(through(Fault::Delay(Duration::from_millis(1)), 0), (whole, 3));
}

#[test]
fn silence_keeps_what_was_said_until_it_heals() {
    let (address, hearing) = server();
    let proxy = FaultProxy::start(address);
    proxy.arm(Fault::Silence, 0, 0);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.write_all(PREFACE).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(hearing.recv_timeout(5 * LOOK).is_err(), "nothing passes");
    assert!(proxy.n_fired() > 0);
    proxy.heal();
    assert_eq!(hearing.recv_timeout(Duration::from_secs(20)).unwrap(), PREFACE);
}
