//! A coordinator with locks, and what belongs to it, in a folder of its own.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kaskade_rpc::channel::Connection;
use tempfile::TempDir;
use tonic::Code;

use super::wire::call;
use super::{binary, kaskade, succeed};

/// Every wait ends after so long; a machine under load gets its time.
const DEADLINE: Duration = Duration::from_secs(120);

/// Waits until `condition` gives something.
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for what takes as long as it takes: a thousand jobs.
pub(crate) fn wait_for_long<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + 20 * DEADLINE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Waits until the server at the other end has read a table with `token`.
pub(crate) async fn wait_for_token(connection: Connection, token: &str) {
    let begun = Instant::now();
    let list = "/kaskade.v1.Jobs/List";
    while call(connection.clone(), list, Some(token), Bytes::new()).await != Code::Ok {
        assert!(begun.elapsed() < DEADLINE, "the table is not read again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A folder with certificates in `certs`, the table `tokens` of `ann` (submitter), `bob`
/// (submitter), `eve` (viewer), `root` (admin), `w` (worker), and `old`, whose admin token has
/// expired; each has a file NAME.token.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    succeed(path, &["cert", "init", "certs"]);
    let users = [
        ("ann", "submitter"),
        ("bob", "submitter"),
        ("eve", "viewer"),
        ("root", "admin"),
        ("w", "worker"),
        ("old", "admin"),
    ];
    for (user, role) in users {
        let out = format!("{user}.token");
        let create = ["token", "create", "tokens", "--user", user, "--role", role, "--out", &out];
        succeed(path, &create);
    }
    let table = fs::read_to_string(path.join("tokens")).expect("a table");
    let mut rows: Vec<String> = table.lines().map(str::to_owned).collect();
    let row = rows.iter_mut().find(|row| row.contains(" old ")).expect("a row");
    let mut columns: Vec<&str> = row.split(' ').collect();
    columns[3] = "1000";
    *row = columns.join(" ");
    fs::write(path.join("tokens"), rows.join("\n") + "\n").expect("the table can be written");
    fs::create_dir(path.join("graphs")).expect("the folder is new");
    folder
}

/// The secret of `user`.
pub(crate) fn token(folder: &Path, user: &str) -> String {
    let text = fs::read_to_string(folder.join(format!("{user}.token"))).expect("a token");
    text.trim().to_owned()
}

/// A process that ends with its owner.
pub(crate) struct Server {
    child: Child,
    log: std::path::PathBuf,
    /// Where it listens, of a coordinator.
    pub(crate) url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a coordinator on a free port of loopback with `arguments`, and with no more than
    /// `descriptors` files and connections at a time.
    pub(crate) fn coordinator(folder: &Path, arguments: &[&str], descriptors: u64) -> Self {
        let mut all = vec!["coordinator", "--graphs", "graphs", "--state", "state"];
        all.extend(["--listen", "127.0.0.1:0"]);
        all.extend(arguments);
        let mut server = Self::spawn(folder, "coordinator.log", &all, descriptors);
        server.url = wait_for("the coordinator to listen", || {
            assert!(server.is_alive(), "{}", server.log());
            let log = server.log();
            let line = log.lines().find_map(|line| line.strip_prefix("listening on "))?;
            log.ends_with('\n').then(|| line.to_owned())
        });
        server
    }

    /// Starts a worker of `coordinator` with `arguments`.
    pub(crate) fn worker(folder: &Path, name: &str, url: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["worker", "--coordinator", url, "--cache", name, "--threads", "1"];
        all.extend(arguments);
        Self::spawn(folder, &format!("{name}.log"), &all, 1024)
    }

    fn spawn(folder: &Path, log: &str, arguments: &[&str], descriptors: u64) -> Self {
        let log = folder.join(log);
        let out = File::create(&log).expect("the folder can be written");
        let err = out.try_clone().expect("a file can be shared");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"")).arg(binary());
        command.args(arguments).current_dir(folder);
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Self { child: child.expect("the program starts"), log, url: String::new() }
    }

    /// `host:port`.
    pub(crate) fn place(&self) -> &str {
        self.url.split_once("://").expect("a URL").1
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        number.expect("a number of KiB")
    }

    /// Its open files and connections.
    pub(crate) fn n_descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("the process lives").count()
    }

    /// Asserts that it lives and has not panicked.
    pub(crate) fn assert_sound(&mut self) {
        assert!(self.is_alive(), "{}", self.log());
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }
}

/// The flags by which a client of `user` reaches the coordinator with all locks at `url`.
pub(crate) fn as_client<'a>(url: &'a str, token_file: &'a str) -> Vec<&'a str> {
    let mut flags = vec!["--coordinator", url, "--tls-ca", "certs/ca.pem"];
    flags.extend(["--tls-cert", "certs/client.pem", "--tls-key", "certs/client.key"]);
    flags.extend(["--token-file", token_file]);
    flags
}

/// Waits until the coordinator with all locks at `url` has `n` workers.
pub(crate) fn wait_for_workers(folder: &Path, url: &str, n: usize) {
    wait_for(&format!("{n} workers"), || {
        let list = [&["list", "--json"][..], &as_client(url, "eve.token")].concat();
        let listed = String::from_utf8(kaskade(folder, &list).stdout).expect("UTF-8");
        let listed: serde_json::Value = serde_json::from_str(&listed).ok()?;
        (listed["workers"].as_u64()? == n as u64).then_some(())
    });
}

/// What a coordinator with all locks is started with.
pub(crate) const LOCKS: [&str; 8] = [
    "--tls-cert",
    "certs/server.pem",
    "--tls-key",
    "certs/server.key",
    "--tls-ca",
    "certs/ca.pem",
    "--tokens",
    "tokens",
];

/// What a worker with all locks is started with.
pub(crate) const WORKER_LOCKS: [&str; 8] = [
    "--tls-cert",
    "certs/worker.pem",
    "--tls-key",
    "certs/worker.key",
    "--tls-ca",
    "certs/ca.pem",
    "--token-file",
    "w.token",
];
