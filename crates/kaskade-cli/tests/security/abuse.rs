//! What strangers try: nonsense, bombs, slowness, numbers. A server answers or closes, keeps
//! its memory, and serves who may be there.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use kaskade_rpc::PROTOCOL_VERSION;
use kaskade_rpc::security::role::RPCS;
use kaskade_rpc::security::tokens::Token;
use kaskade_rpc::security::{ClientSecurity, secret};
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http;

use super::server::{LOCKS, Server, folder, token, wait_for};
use super::wire::{call, connect};
use super::{is_full, succeed};

/// What memory may grow by, whatever comes (B1).
const MAX_GROWTH_KIB: u64 = 32 << 10;

/// The beginning of an HTTP/2 connection, with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// A coordinator with tokens, on loopback without TLS.
fn plain(folder: &Path) -> Server {
    Server::coordinator(folder, &["--tokens", "tokens"], 1024)
}

/// A good client's call: it lists the jobs. How long it took, process and all.
fn good_call(folder: &Path, server: &Server) -> Duration {
    let begun = Instant::now();
    succeed(folder, &["list", "--coordinator", &server.url, "--token-file", "eve.token"]);
    begun.elapsed()
}

/// Median and longest of `durations`.
fn spread(mut durations: Vec<Duration>) -> (Duration, Duration) {
    durations.sort();
    (durations[durations.len() / 2], durations[durations.len() - 1])
}

fn dial(address: &str) -> TcpStream {
    let address: SocketAddr = address.parse().expect("an address");
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(20));
    let stream = stream.expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    stream
}

/// Whether the server closed `stream`, within `patience`.
fn is_closed(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).expect("a socket");
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return ![ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind());
            }
        }
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A connection of nonsense, its kind by number.
fn nonsense(numbers: &mut Numbers, kind: usize) -> Vec<u8> {
    let n = (numbers.next() % 300) as usize;
    let mut bytes = PREFACE.to_vec();
    match kind % 8 {
        0 => return numbers.bytes(n),
        1 => bytes.truncate(n % PREFACE.len()),
        2 => bytes.extend(numbers.bytes(n)),
        // Headers that are no HPACK, and such as never end.
        3 => bytes.extend(frame(1, 5, 1, &numbers.bytes(n))),
        4 => {
            bytes.extend(frame(1, 0, 1, &numbers.bytes(n)));
            for _ in 0..64 {
                bytes.extend(frame(9, 0, 1, &numbers.bytes(n)));
            }
        }
        // A frame that says it is as long as can be.
        5 => bytes.extend([0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 1]),
        // Empty data and resets of streams that there are not.
        6 => {
            for stream in 0..200 {
                bytes.extend(frame(0, 0, stream, &[]));
                bytes.extend(frame(3, 0, stream, &[0; 4]));
            }
        }
        _ => {
            bytes.extend(frame(
                (numbers.next() % 12) as u8,
                numbers.next() as u8,
                1,
                &numbers.bytes(n),
            ));
        }
    }
    bytes
}

#[test]
fn nonsense_is_closed_and_costs_nothing() {
    let folder = folder();
    let folder = folder.path();
    let mut server = plain(folder);
    let n = if is_full() { 10_000 } else { 400 };
    let mut numbers = Numbers(1);
    // What it needs anyway, it has after the first few.
    for kind in 0..80 {
        let _ = dial(server.place()).write_all(&nonsense(&mut numbers, kind));
    }
    good_call(folder, &server);
    let before = server.resident_kib();
    for kind in 0..n {
        let mut stream = dial(server.place());
        // A server that has closed already takes no more.
        let _ = stream.write_all(&nonsense(&mut numbers, kind));
        if kind % 50 == 0 {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            assert!(is_closed(&mut stream, Duration::from_secs(20)), "nonsense {kind} stays");
        }
    }
    good_call(folder, &server);
    server.assert_sound();
    let growth = server.resident_kib().saturating_sub(before);
    println!("{n} connections of nonsense: {growth} KiB more, of {before}");
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB more after {n} connections");
    wait_for("the connections to be gone", || (server.n_descriptors() < 40).then_some(()));
}

/// Calls `path` with the bytes of a body that may be no message.
async fn send_body(
    mut connection: kaskade_rpc::channel::Connection,
    path: &str,
    body: String,
) -> Option<Code> {
    let request = http::Request::builder()
        .method("POST")
        .uri(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(body))
        .expect("a request");
    std::future::poll_fn(|context| {
        Service::<http::Request<Body>>::poll_ready(&mut connection, context)
    })
    .await
    .ok()?;
    let answered = tokio::time::timeout(Duration::from_secs(20), connection.call(request)).await;
    let response = answered.expect("an answer in time").ok()?;
    let status = tonic::Status::from_header_map(response.headers());
    Some(status.map_or(Code::Ok, |status| status.code()))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_lie_are_refused_before_they_cost() {
    let folder = folder();
    let folder = folder.path();
    let mut server = plain(folder);
    let mut numbers = Numbers(2);
    let n = if is_full() { 10_000 } else { 300 };
    let of = |user: &str| Token::read(&folder.join(format!("{user}.token"))).unwrap();
    let as_user = |user| ClientSecurity { tls: None, token: Some(of(user)) };
    let person = connect(&server.url, &as_user("root")).await;
    let worker = connect(&server.url, &as_user("w")).await;
    let mut before = None;
    for attempt in 0..n + 42 {
        if attempt == 42 {
            before = Some(server.resident_kib());
        }
        let (path, roles) = RPCS[attempt % RPCS.len()];
        let is_workers = roles == [kaskade_rpc::security::Role::Worker];
        let connection = if is_workers { &worker } else { &person };
        match attempt / RPCS.len() % 4 {
            // Bytes that are no protobuf, or one by chance: no call needs more than an answer.
            0 => {
                let bytes = numbers.bytes(1 + attempt % 200);
                let code = call(connection.clone(), path, None, bytes.into()).await;
                assert_ne!(code, Code::Unknown, "{path}");
            }
            // A message of 2 GiB that never comes, a compressed one, and one cut short.
            1 => {
                let lie = "\0\x7f\x7f\x7f\x7fabc".to_owned();
                let _ = send_body(connection.clone(), path, lie).await;
            }
            2 => {
                let compressed = "\x01\0\0\0\x05hello".to_owned();
                let _ = send_body(connection.clone(), path, compressed).await;
            }
            _ => {
                let _ = send_body(connection.clone(), path, "\0\0\0".to_owned()).await;
            }
        }
    }
    // A field that says it has 4 GiB, many empty ones, and depth.
    for bytes in [
        b"\x0a\xff\xff\xff\xff\x0f".to_vec(),
        b"\x0a\x00".repeat(100_000),
        b"\x0b".repeat(100_000),
        b"\x0a\x04\xff\xfe\xfd\xfc".to_vec(),
    ] {
        for (path, roles) in RPCS {
            let is_workers = roles == [kaskade_rpc::security::Role::Worker];
            let connection = if is_workers { &worker } else { &person };
            call(connection.clone(), path, None, bytes.clone().into()).await;
        }
    }
    let before = before.expect("it was measured");
    // More than names can be, many at a time.
    let large = Bytes::from(vec![b' '; 1 << 20]);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let path = "/kaskade.v1.Jobs/Status";
        let (connection, large) = (person.clone(), large.clone());
        calls.spawn(async move { call(connection, path, None, large).await });
    }
    let codes = calls.join_all().await;
    assert!(codes.contains(&Code::ResourceExhausted), "{codes:?}");
    // Each is refused in mid-message. What its sender had under way then meets a stream that is
    // gone; where that comes to more than `limits::RESET_STREAMS`, which hangs on who runs when, the
    // connection is closed, and with it the calls that were left.
    let is_refused =
        |code: &Code| matches!(code, Code::ResourceExhausted | Code::Unknown | Code::Unavailable);
    assert!(codes.iter().all(is_refused), "{codes:?}");
    let growth = server.resident_kib().saturating_sub(before);
    println!("{n} calls that lie: {growth} KiB more, of {before}");
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB more");
    good_call(folder, &server);
    server.assert_sound();
}

/// `SubmitRequest` of protocol version 2.
pub(crate) fn submit_request(job: &str, spec: &[u8]) -> Bytes {
    let mut message = BytesMut::new();
    message.put_slice(&[0x08, 2, 0x12, job.len() as u8]);
    message.put_slice(job.as_bytes());
    message.put_u8(0x1a);
    let mut left = spec.len();
    while left >= 0x80 {
        message.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    message.put_u8(left as u8);
    message.put_slice(spec);
    message.freeze()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_specs_and_names_are_refused_with_a_sentence() {
    let folder = folder();
    let folder = folder.path();
    let mut server = plain(folder);
    let token = format!("Bearer {}", token(folder, "root"));
    let submit = "/kaskade.v1.Jobs/Submit";
    let spec = |probability: &str, simulations: &str, more: &str| {
        format!(
            r#"{{"version":1,"graph":{{"name":"g"}},"model":{{"kind":"independent-cascade","probability":{probability}}},"seeds":{{"random":1}},"run":{{"simulations":{simulations}}}{more}}}"#
        )
    };
    let deep = "[".repeat(1 << 20);
    let ids = format!(r#"{{"version":1,"seeds":{{"ids":[{}1]}}}}"#, "1,".repeat(4 << 20));
    let specs = [
        spec("NaN", "10", ""),
        spec("-0.5", "10", ""),
        spec("1.5", "10", ""),
        spec("1e999", "10", ""),
        spec("0.1", "-1", ""),
        spec("0.1", "0", ""),
        spec("0.1", "99999999999999999999999", ""),
        spec("0.1", "10", r#","unknown":1"#),
        spec("0.1", "10", r#","seeds":{"random":1}"#),
        spec(r#""../../etc""#, "10", ""),
        "{}".to_owned(),
        "null".to_owned(),
        deep,
        ids,
        "\u{0}".to_owned(),
    ];
    let connection = connect(&server.url, &ClientSecurity::default()).await;
    for spec in &specs {
        let begun = Instant::now();
        let message = submit_request("j", spec.as_bytes());
        let code = call(connection.clone(), submit, Some(&token), message).await;
        let start = &spec[..spec.len().min(200)];
        assert_eq!(code, Code::InvalidArgument, "{start}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{start}");
    }

    // Names are names: none of these is a path, and nothing is written beside the graphs.
    let before = every_file(folder);
    let long = "a".repeat(4096);
    let names = [
        "..",
        "../g",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "%2e%2e",
        "a\0b",
        "a#b",
        "file:g",
        ".push-a",
        "a/../../b",
        "\u{1b}[31m",
        "a b",
        "",
        long.as_str(),
    ];
    for name in names {
        let name_field = |field: u8| {
            let mut message = vec![field << 3 | 2];
            let n = name.len();
            if n >= 0x80 {
                message.push(n as u8 | 0x80);
                message.push((n >> 7) as u8);
            } else {
                message.push(n as u8);
            }
            message.extend(name.as_bytes());
            Bytes::from(message)
        };
        for path in [
            "/kaskade.v1.Jobs/Status",
            "/kaskade.v1.Jobs/Watch",
            "/kaskade.v1.Jobs/Results",
            "/kaskade.v1.Jobs/Cancel",
            "/kaskade.v1.Graphs/FinishPush",
        ] {
            let code = call(connection.clone(), path, Some(&token), name_field(1)).await;
            assert_eq!(code, Code::InvalidArgument, "{path} {name:?}");
        }
        let version_and = |name: Bytes| {
            Bytes::from(
                [&[0x08, PROTOCOL_VERSION as u8][..], &name, &[0x1a, 2, b'{', b'}']].concat(),
            )
        };
        let begin = version_and(name_field(2));
        let begun =
            call(connection.clone(), "/kaskade.v1.Graphs/BeginPush", Some(&token), begin).await;
        assert_eq!(begun, Code::InvalidArgument, "BeginPush {name:?}");
    }
    assert_eq!(every_file(folder), before);
    server.assert_sound();
    assert!(!server.log().contains('\u{1b}'), "nothing of it reaches a terminal: {}", server.log());
}

/// Every file below `folder` but logs and what the state holds.
fn every_file(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("state") {
                folders.push(path.clone())
            }
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Slowloris: connections that say nothing, or a byte now and then, are gone in time, and who
/// may be there is served meanwhile.
#[test]
fn who_dawdles_is_closed() {
    let folder = folder();
    let folder = folder.path();
    let mut plain = plain(folder);
    let other = tempfile::tempdir().unwrap();
    for name in ["certs", "tokens", "graphs"] {
        std::os::unix::fs::symlink(folder.join(name), other.path().join(name)).unwrap();
    }
    let mut locked = Server::coordinator(other.path(), &LOCKS, 1024);
    let n = if is_full() { 500 } else { 60 };
    let undisturbed: Vec<Duration> = (0..15).map(|_| good_call(folder, &plain)).collect();
    let mut disturbed = Vec::new();
    let mut streams: Vec<TcpStream> =
        (0..n).map(|idx| dial(if idx % 3 == 2 { locked.place() } else { plain.place() })).collect();
    let begun = Instant::now();
    let mut sent = 0;
    // Longer than the deadline: the bytes that come meanwhile buy no time.
    while begun.elapsed() < Duration::from_secs(12) {
        for stream in streams.iter_mut().step_by(2) {
            let _ = stream.write_all(&PREFACE[sent % PREFACE.len()..][..1]);
        }
        sent += 1;
        disturbed.push(good_call(folder, &plain));
        std::thread::sleep(Duration::from_millis(700));
    }
    for (idx, stream) in streams.iter_mut().enumerate() {
        assert!(is_closed(stream, Duration::from_secs(3)), "connection {idx} of {n} is open");
    }
    let (undisturbed, disturbed) = (spread(undisturbed), spread(disturbed));
    println!("a good call beside {n} slow connections: {disturbed:?}, else {undisturbed:?}");
    plain.assert_sound();
    locked.assert_sound();
}

/// B5: more connections than descriptors.
#[test]
fn running_out_of_descriptors_is_survived() {
    let folder = folder();
    let folder = folder.path();
    let mut server = Server::coordinator(folder, &["--tokens", "tokens"], 64);
    let address: SocketAddr = server.place().parse().unwrap();
    // Those beyond what the system queues are not let in at all.
    let patience = Duration::from_millis(200);
    let streams: Vec<_> =
        (0..200).filter_map(|_| TcpStream::connect_timeout(&address, patience).ok()).collect();
    assert!(streams.len() > 64, "{}", streams.len());
    assert!(server.n_descriptors() < 64, "{}", server.n_descriptors());
    server.assert_sound();
    drop(streams);
    good_call(folder, &server);
    server.assert_sound();
}

/// A token that cannot be used at all is one that nobody has.
#[test]
fn a_table_that_goes_bad_lets_nobody_in() {
    let folder = folder();
    let folder = folder.path();
    let mut server = plain(folder);
    good_call(folder, &server);
    let table = fs::read_to_string(folder.join("tokens")).unwrap();
    secret::replace(&folder.join("tokens"), "nonsense\n").unwrap();
    let list = ["list", "--coordinator", &server.url, "--token-file", "eve.token"];
    wait_for("the table to be missed", || {
        (super::kaskade(folder, &list).status.code() == Some(6)).then_some(())
    });
    assert!(server.log().contains("nobody is let in until the tokens can be read"));
    secret::replace(&folder.join("tokens"), &table).unwrap();
    wait_for("the table to be read", || {
        super::kaskade(folder, &list).status.success().then_some(())
    });
    server.assert_sound();
}
