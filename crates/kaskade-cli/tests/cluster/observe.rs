//! What a cluster shows of itself while it works: metrics, traces, stragglers, health.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use kaskade_testkit::process_cluster::{ClusterOptions, ProcessCluster, free_port, signal};
use serde_json::Value;

use super::binary;
use super::victim::{LONG, SHORT, Victim};

/// The page of metrics at `port`: every sample by its name and labels.
fn scrape(port: u16) -> Option<BTreeMap<String, f64>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, page) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/openmetrics-text"), "{head}");
    assert!(page.ends_with("# EOF\n"), "{page}");
    let mut described = Vec::new();
    let mut samples = BTreeMap::new();
    for line in page.lines() {
        if let Some(described_here) = line.strip_prefix("# TYPE ") {
            described.push(described_here.split(' ').next().expect("a name").to_owned());
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a name and a value");
            let name = series.split('{').next().expect("a name");
            let is_described = described.iter().any(|known| name.starts_with(known.as_str()));
            assert!(is_described, "{name} has no type");
            let is_plain =
                name.bytes().all(|c| c.is_ascii_lowercase() || b"_0123456789".contains(&c));
            assert!(is_plain, "{name}");
            let before = samples.insert(series.to_owned(), value.parse().expect("a number"));
            assert_eq!(before, None, "{series} twice");
        }
    }
    Some(samples)
}

fn cluster(arguments: &[&str]) -> ProcessCluster {
    let coordinator = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let options = ClusterOptions { n_threads: 1, coordinator, state: None };
    ProcessCluster::start_with(binary(), 0, options)
}

#[test]
fn metrics_tell_what_goes_on() {
    let (port, of_worker) = (free_port(), free_port());
    let address = format!("127.0.0.1:{port}");
    let mut cluster = cluster(&["--metrics", &address]);
    cluster.start_worker_with(&["--metrics", &format!("127.0.0.1:{of_worker}")], &[]);
    cluster.start_worker();
    cluster.wait_for_workers(2);
    let victim = Victim::on(cluster, LONG);
    let idle = scrape(port).expect("a page");
    assert_eq!(idle["kaskade_workers{state=\"idle\"}"], 2.0, "{idle:?}");
    assert_eq!(idle["kaskade_simulations_finished_total"], 0.0);

    victim.submit("a", "partition");
    victim.submit("b", "partition");
    victim.wait_in_mid_job("a", 500);
    let busy = victim.cluster.wait_for("batches in flight", || {
        scrape(port).filter(|page| page["kaskade_batches_in_flight"] > 0.0)
    });
    assert_eq!(busy["kaskade_workers{state=\"at_work\"}"], 2.0, "{busy:?}");
    assert_eq!(busy["kaskade_jobs{state=\"running\"}"], 1.0);
    assert_eq!(busy["kaskade_queue_jobs"], 1.0);
    assert!(busy["kaskade_exchange_bytes_total"] > 0.0);
    assert!(busy["kaskade_job_log_write_seconds_count"] > 0.0);
    assert!(busy["process_resident_memory_bytes"] > 1e6);
    assert!(busy.contains_key("process_major_page_faults_total"));
    let ages = busy.iter().filter(|(name, _)| name.starts_with("kaskade_worker_heartbeat_age_"));
    let ages: Vec<f64> = ages.map(|(_, age)| *age).collect();
    assert!(ages.len() == 2 && ages.iter().all(|age| *age < 30.0), "{ages:?}");
    for id in ["a", "b"] {
        victim.finish(id);
    }
    let done = scrape(port).expect("a page");
    assert_eq!(done["kaskade_simulations_finished_total"], 2.0 * f64::from(LONG), "{done:?}");
    assert_eq!(done["kaskade_jobs_ended_total{state=\"succeeded\"}"], 2.0);
    assert_eq!(done["kaskade_jobs_submitted_total"], 2.0);
    assert_eq!((done["kaskade_queue_jobs"], done["kaskade_batches_in_flight"]), (0.0, 0.0));

    let worker = scrape(of_worker).expect("a page");
    assert_eq!(worker["kaskade_coordinator_connected"], 1.0);
    assert_eq!(worker["kaskade_batches_in_flight"], 0.0);
    assert_eq!(worker["kaskade_batches_finished_total"], done["kaskade_batches_finished_total"]);
    for phase in ["round", "expand", "exchange", "absorb"] {
        let seconds = worker[&format!("kaskade_phase_seconds_total{{phase=\"{phase}\"}}")];
        assert!(seconds > 0.0, "{phase} in {worker:?}");
    }
    assert!(worker["kaskade_exchange_received_bytes_total"] > 0.0);
    let sent = "kaskade_exchange_sent_bytes_total";
    assert!(worker[sent] > 0.0 && worker[sent] < done["kaskade_exchange_bytes_total"]);
}

/// The spans of a trace file, by id.
fn spans(path: &str) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(path).expect("a trace");
    let events: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let begun = events.into_iter().filter(|event| event["ph"] == "b");
    begun
        .map(|event| (event["args"]["span_id"].as_str().expect("an id").to_owned(), event))
        .collect()
}

/// The names of the spans that contain `span`, inmost first.
fn ancestors(spans: &BTreeMap<String, Value>, span: &Value) -> Vec<String> {
    let parent = span["args"]["parent_id"].as_str().and_then(|id| spans.get(id));
    parent.map_or_else(Vec::new, |parent| {
        let mut names = vec![parent["name"].as_str().expect("a name").to_owned()];
        names.extend(ancestors(spans, parent));
        names
    })
}

#[test]
fn traces_join_into_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("ASCII").to_owned();
    let paths = ["coordinator.json", "w0.json", "w1.json"].map(path);
    let mut cluster = cluster(&["--trace", &paths[0]]);
    for path in &paths[1..] {
        cluster.start_worker_with(&["--trace", path], &[]);
    }
    cluster.wait_for_workers(2);
    let mut victim = Victim::on(cluster, SHORT);
    victim.submit("traced", "partition");
    victim.finish("traced");
    for index in [1, 0] {
        signal(victim.cluster.worker_pid(index), "-TERM");
        assert!(victim.cluster.wait_for_worker_end(index).success());
    }
    signal(victim.cluster.coordinator_pid(), "-TERM");
    assert!(victim.cluster.wait_for_coordinator_end().success());

    let mut all = BTreeMap::new();
    for path in &paths {
        let spans = spans(path);
        assert!(!spans.is_empty(), "{path}");
        all.extend(spans);
    }
    let named = |name: &'static str| all.values().filter(move |span| span["name"] == name);
    for phase in ["expand", "exchange", "absorb"] {
        let mut n_phases = 0;
        for span in named(phase) {
            // The last job is the coordinator's, whose file knows nothing of rounds.
            assert_eq!(ancestors(&all, span), ["round", "batch", "job", "job"], "{span}");
            assert_eq!(span["args"]["job_id"], "traced", "{span}");
            n_phases += 1;
        }
        assert!(n_phases > 3, "{phase}: {n_phases}");
    }
    assert_eq!(named("job").count(), 3, "the coordinator's and one each");
    let traces: Vec<&Value> = all.values().map(|span| &span["args"]["trace_id"]).collect();
    assert!(traces.iter().all(|id| id.is_string() && *id == traces[0]), "{traces:?}");
    let of_coordinator = named("batch").filter(|span| span["args"]["worker_id"].is_null());
    assert!(of_coordinator.count() >= 3);
}

/// Does something at the end of its scope, however that is left.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// F10: a worker that is much slower than the others is told of, and nothing is taken from it.
#[test]
fn a_straggler_is_marked() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    // It is slow, and on a busy machine slower still; it is not dead.
    let mut cluster = cluster(&["--metrics", &address, "--dead-after", "100"]);
    for _ in 0..3 {
        cluster.start_worker();
    }
    cluster.wait_for_workers(3);
    let victim = Victim::on(cluster, 3 * LONG);
    let slow = victim.cluster.worker_pid(1);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // It runs for a tenth of the time.
            while !is_over.load(Ordering::Relaxed) {
                signal(slow, "-STOP");
                thread::sleep(Duration::from_millis(180));
                signal(slow, "-CONT");
                thread::sleep(Duration::from_millis(20));
            }
        });
        // Also where the test fails: the scope waits for its threads.
        let _end = OnDrop(|| is_over.store(true, Ordering::Relaxed));
        victim.submit("f10", "partition");
        // On the page and in the list at the same time: it may catch up in between.
        let straggler = victim.cluster.wait_for("a straggler, told of everywhere", || {
            let listed = victim.cluster.json(&["list"]);
            let is_done = listed["jobs"][0]["state"] == "succeeded";
            assert!(!is_done, "too short a job for this machine");
            let workers = listed["worker_list"].as_array()?.clone();
            let found = workers.into_iter().find(|worker| worker["straggler"].is_number())?;
            let said = victim.cluster.client(&["list"]).stdout;
            let is_it = |name: &&String| name.starts_with("kaskade_worker_straggler{");
            let on_page = scrape(port)?.keys().filter(is_it).count();
            (on_page == 1 && said.contains("holds the others up")).then_some(found)
        });
        assert_eq!(straggler["pid"].as_u64(), Some(u64::from(slow)), "{straggler}");
        assert!(straggler["straggler"].as_f64().unwrap() > 2.0, "{straggler}");
    });
    let status = victim.finish("f10");
    assert_eq!(status["recoveries"].as_array().map(Vec::len), Some(0), "nobody died: {status}");
    let gone = victim.cluster.json(&["list"]);
    let mut stragglers = gone["worker_list"].as_array().unwrap().iter().map(|w| &w["straggler"]);
    assert!(stragglers.all(Value::is_null), "no job, no straggler: {gone}");
}

#[test]
fn probes_tell_who_serves() {
    let mut cluster = cluster(&[]);
    let url = cluster.url();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    cluster.start_worker_with(&["--listen", &listen], &[]);
    cluster.wait_for_workers(1);
    let worker = format!("http://{listen}");
    let wait_for = |cluster: &ProcessCluster, url: &str, what, code| {
        let probe = ["probe", url, "--ready-for", what];
        cluster.wait_for(&format!("{what} at {url} to give {code}"), || {
            (cluster.client(&probe).code == code).then_some(())
        });
    };
    wait_for(&cluster, &url, "jobs", 0);
    wait_for(&cluster, &worker, "exchange", 0);
    wait_for(&cluster, &url, "live", 0);
    wait_for(&cluster, &worker, "live", 0);
    assert_eq!(cluster.client(&["probe", &url, "--ready-for", "exchange"]).code, 4, "no worker");
    cluster.kill_coordinator();
    wait_for(&cluster, &worker, "exchange", 5);
    wait_for(&cluster, &worker, "live", 0);
    wait_for(&cluster, &url, "live", 5);
}
