//! Networks that delay, drop, cut, close by half, repeat, and fall silent.

use std::net::SocketAddr;
use std::time::Duration;

use kaskade_testkit::fault_proxy::{Fault, FaultProxy};
use kaskade_testkit::process_cluster::{ClusterOptions, ProcessCluster, free_port};

use crate::binary;
use crate::victim::{LONG, SHORT, Victim, recoveries};

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// A cluster whose workers `0..n_proxied` are reached by their peers through a proxy each, and one
/// that is not.
fn behind_proxies(n_proxied: usize, simulations: u32) -> (Victim, Vec<FaultProxy>) {
    let options = ClusterOptions { n_threads: 1, ..Default::default() };
    let mut cluster = ProcessCluster::start_with(binary(), 0, options);
    let proxies: Vec<FaultProxy> = (0..n_proxied)
        .map(|_| {
            let port = free_port();
            let proxy = FaultProxy::start(local(port));
            let (listen, advertise) = (local(port).to_string(), proxy.address().to_string());
            cluster.start_worker_with(&["--listen", &listen, "--advertise", &advertise], &[]);
            proxy
        })
        .collect();
    cluster.start_worker();
    cluster.wait_for_workers(n_proxied + 1);
    (Victim::on(cluster, simulations), proxies)
}

/// A cluster one of whose two workers reaches the coordinator through a proxy.
fn behind_a_proxy(simulations: u32, arguments: &[&str]) -> (Victim, FaultProxy) {
    let coordinator = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let options = ClusterOptions { n_threads: 1, coordinator, state: None };
    let mut cluster = ProcessCluster::start_with(binary(), 1, options);
    let proxy = FaultProxy::start(local(cluster.port()));
    let url = format!("http://{}", proxy.address());
    cluster.start_worker_with(&["--coordinator", &url], &[]);
    cluster.wait_for_workers(2);
    (Victim::on(cluster, simulations), proxy)
}

/// Two workers that cannot hear each other, though the coordinator hears both.
#[test]
fn f7_a_link_between_workers_that_falls_silent_is_noticed() {
    let (victim, proxies) = behind_proxies(1, LONG);
    victim.submit("job", "partition");
    victim.wait_in_mid_job("job", 0);
    proxies[0].arm(Fault::Silence, 0, 0);
    let noticed = victim.wait_for_recovery("job", 0);
    assert!(noticed < Duration::from_secs(15), "{noticed:?}");
    assert!(proxies[0].n_fired() > 0);
    proxies[0].heal();
    let status = victim.finish("job");
    let what = recoveries(&status)[0]["what"].as_str().unwrap();
    assert!(what.contains("lost its peer"), "both are named: {what}");
}

#[test]
fn f8_a_short_silence_is_borne_and_a_long_one_is_a_loss() {
    let (victim, proxy) = behind_a_proxy(2 * LONG, &["--dead-after", "2"]);
    victim.submit("job", "partition");
    let done = victim.wait_in_mid_job("job", 0);
    proxy.arm(Fault::Silence, 0, 0);
    victim.cluster.wait_for("the silence", || (proxy.n_fired() > 10).then_some(()));
    proxy.heal();
    victim.wait_in_mid_job("job", done);
    assert!(recoveries(&victim.status("job")).is_empty(), "shorter than what is borne");

    proxy.arm(Fault::Silence, 0, 0);
    victim.wait_for_recovery("job", 0);
    victim.cluster.wait_for_workers(1);
    proxy.heal();
    victim.cluster.wait_for_workers(2);
    let status = victim.finish("job");
    let what = recoveries(&status)[0]["what"].as_str().unwrap();
    assert!(what.contains("no sign of life"), "{what}");
}

/// Between workers: every kind of fault several times within a job.
#[test]
fn f9_faults_between_workers_change_nothing() {
    let faults = [
        (Fault::Delay(Duration::from_millis(20)), 0),
        (Fault::Drop, 40),
        (Fault::CutMidFrame, 10),
        (Fault::HalfClose, 10),
        (Fault::Duplicate, 2),
    ];
    let (victim, proxies) = behind_proxies(2, SHORT);
    for (number, (fault, spare)) in faults.into_iter().enumerate() {
        let id = format!("f9-{number}");
        let fired_before: u64 = proxies.iter().map(FaultProxy::n_fired).sum();
        proxies.iter().for_each(|proxy| proxy.arm(fault, spare, 3));
        victim.submit(&id, "partition");
        let status = victim.finish(&id);
        proxies.iter().for_each(FaultProxy::heal);
        let fired: u64 = proxies.iter().map(FaultProxy::n_fired).sum();
        assert!(fired > fired_before, "{fault:?} never fired");
        let is_harmless = matches!(fault, Fault::Delay(_) | Fault::Duplicate);
        assert_eq!(recoveries(&status).is_empty(), is_harmless, "{fault:?}: {status}");
    }
}

/// Between a worker and the coordinator.
#[test]
fn f9_faults_of_a_session_change_nothing() {
    let faults = [
        (Fault::Delay(Duration::from_millis(20)), 0),
        (Fault::Drop, 12),
        (Fault::CutMidFrame, 4),
        (Fault::HalfClose, 4),
        (Fault::Duplicate, 1),
    ];
    let (victim, proxy) = behind_a_proxy(SHORT, &[]);
    for (number, (fault, spare)) in faults.into_iter().enumerate() {
        let id = format!("f9-{number}");
        let fired_before = proxy.n_fired();
        proxy.arm(fault, spare, 2);
        victim.submit(&id, "partition");
        victim.cluster.wait_for("the fault", || (proxy.n_fired() > fired_before).then_some(()));
        victim.finish(&id);
        proxy.heal();
        victim.cluster.wait_for_workers(2);
    }
}
