//! A real cluster: one coordinator and some workers as child processes on this machine.
//!
//! Nothing sleeps for luck: every wait is on a condition with a deadline, and a deadline
//! that passes shows the children's logs. Dropping the cluster kills what is left of it.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A running cluster.
#[derive(Debug)]
pub struct ProcessCluster {
    binary: PathBuf,
    folder: TempDir,
    state: PathBuf,
    port: u16,
    options: ClusterOptions,
    coordinator: Option<Process>,
    workers: Vec<Process>,
    /// The logs of processes that have ended.
    ended: Vec<PathBuf>,
    n_started: usize,
}

/// How a cluster is started, beyond what every one has.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// Compute threads of each worker; 0 leaves them to the worker.
    pub n_threads: usize,
    /// More arguments of the coordinator.
    pub coordinator: Vec<String>,
    /// Where job log and results are; `None` for a folder of the cluster's own.
    pub state: Option<PathBuf>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    log: PathBuf,
}

/// Every wait ends after so long; a machine under load gets its time.
const DEADLINE: Duration = Duration::from_secs(120);

/// The pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

impl ProcessCluster {
    /// Starts a coordinator and `n_workers` workers of `n_threads` threads with the program
    /// `binary`, and waits until all are registered.
    ///
    /// # Panics
    /// When they are not within the deadline; the message has their logs.
    #[must_use]
    pub fn start(binary: &Path, n_workers: usize, n_threads: usize) -> Self {
        Self::start_with(binary, n_workers, ClusterOptions { n_threads, ..Default::default() })
    }

    /// Starts a cluster as `options` say.
    ///
    /// # Panics
    /// As [`ProcessCluster::start`].
    #[must_use]
    pub fn start_with(binary: &Path, n_workers: usize, options: ClusterOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder for the cluster");
        let mut cluster = Self {
            binary: binary.to_owned(),
            state: options.state.clone().unwrap_or_else(|| folder.path().join("state")),
            folder,
            port: free_port(),
            options,
            coordinator: None,
            workers: Vec::new(),
            ended: Vec::new(),
            n_started: 0,
        };
        std::fs::create_dir(cluster.graphs()).expect("the folder is new");
        cluster.start_coordinator();
        for _ in 0..n_workers {
            cluster.start_worker();
        }
        cluster.wait_for_workers(n_workers);
        cluster
    }

    /// The folder of graph directories: what is built there is registered.
    #[must_use]
    pub fn graphs(&self) -> PathBuf {
        self.folder.path().join("graphs")
    }

    /// A path for a file of the test, gone with the cluster.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address that clients use.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the coordinator, for the first time or again on the same state.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start_coordinator(&mut self) {
        self.start_coordinator_with(&[]);
    }

    /// Starts the coordinator with `environment`.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start_coordinator_with(&mut self, environment: &[(&str, &str)]) {
        let mut command = self.program();
        command.arg("coordinator").args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.arg("--graphs").arg(self.graphs());
        command.arg("--state").arg(&self.state).args(&self.options.coordinator);
        command.envs(environment.iter().copied());
        self.coordinator = Some(self.spawn(command, "coordinator"));
    }

    /// The folder of job log and results.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The port that the coordinator listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts one more worker, with a cache of its own.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start_worker(&mut self) {
        self.start_worker_with(&[], &[]);
    }

    /// Starts one more worker with `arguments` and `environment`. Without a `--coordinator` among the
    /// arguments it goes to this cluster's, and its cache is its own.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start_worker_with(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        let name = format!("worker-{}", self.n_started);
        let mut command = self.program();
        command.arg("worker").args(arguments).envs(environment.iter().copied());
        if !arguments.contains(&"--coordinator") {
            command.args(["--coordinator", &self.url()]);
        }
        if self.options.n_threads > 0 {
            command.args(["--threads", &self.options.n_threads.to_string()]);
        }
        if !arguments.contains(&"--cache") {
            command.arg("--cache").arg(self.folder.path().join(&name).join("cache"));
        }
        let worker = self.spawn(command, &name);
        self.workers.push(worker);
    }

    /// Workers that were started and not taken away.
    #[must_use]
    pub fn n_workers(&self) -> usize {
        self.workers.len()
    }

    /// The process number of worker `index` of those that were not taken away.
    #[must_use]
    pub fn worker_pid(&self, index: usize) -> u32 {
        self.workers[index].child.id()
    }

    /// The process number of the coordinator.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn coordinator_pid(&self) -> u32 {
        self.coordinator.as_ref().expect("the coordinator runs").child.id()
    }

    /// Waits until worker `index` ends by itself, and takes it away.
    pub fn wait_for_worker_end(&mut self, index: usize) -> ExitStatus {
        let mut worker = self.workers.remove(index);
        let ended = self.wait_for("a worker to end", || worker.child.try_wait().ok().flatten());
        self.ended.push(worker.log);
        ended
    }

    /// Waits until the coordinator ends by itself.
    ///
    /// # Panics
    /// When there is none.
    pub fn wait_for_coordinator_end(&mut self) -> ExitStatus {
        let mut coordinator = self.coordinator.take().expect("the coordinator runs");
        let ended =
            self.wait_for("the coordinator to end", || coordinator.child.try_wait().ok().flatten());
        self.ended.push(coordinator.log);
        ended
    }

    /// Kills the worker that was started as number `index` of those alive, with SIGKILL.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_worker(&mut self, index: usize) {
        let mut worker = self.workers.remove(index);
        worker.child.kill().expect("a child can be killed");
        worker.child.wait().expect("a killed child ends");
        self.ended.push(worker.log);
    }

    /// Kills the coordinator with SIGKILL.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_coordinator(&mut self) {
        let mut coordinator = self.coordinator.take().expect("the coordinator runs");
        coordinator.child.kill().expect("a child can be killed");
        coordinator.child.wait().expect("a killed child ends");
        self.ended.push(coordinator.log);
    }

    /// Runs a client command against this cluster; its exit code, output and messages.
    ///
    /// # Panics
    /// When the program cannot be started or does not end within the deadline.
    #[must_use]
    pub fn client(&self, arguments: &[&str]) -> ClientOutput {
        let mut command = self.program();
        command.args(arguments).env("KASKADE_COORDINATOR", self.url());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(self.file("client.out"))
            .stderr(self.file("client.err"))
            .spawn()
            .expect("the program starts");
        let status = self.wait_for("a client command to end", || {
            child.try_wait().expect("a child can be waited for")
        });
        let read = |name| std::fs::read_to_string(self.scratch(name)).unwrap_or_default();
        let code = status.code().unwrap_or(-1);
        ClientOutput { code, stdout: read("client.out"), stderr: read("client.err") }
    }

    /// Runs a client command that prints one JSON object and succeeds.
    ///
    /// # Panics
    /// When it fails; the message has what it said, and the logs.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.client(&all);
        match serde_json::from_str(&output.stdout) {
            Ok(value) if output.code == 0 => value,
            _ => panic!("{all:?} gave {output:?}\n{}", self.logs()),
        }
    }

    /// Waits until `condition` gives something.
    ///
    /// # Panics
    /// After the deadline; the message has the logs.
    pub fn wait_for<T>(&self, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = condition() {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", self.logs());
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until exactly `n_workers` are registered.
    pub fn wait_for_workers(&self, n_workers: usize) {
        self.wait_for(&format!("{n_workers} workers"), || {
            let listed = self.client(&["list", "--json"]);
            let jobs: Value = serde_json::from_str(&listed.stdout).ok()?;
            (jobs["workers"].as_u64()? == n_workers as u64).then_some(())
        });
    }

    /// The logs of all processes so far, the last lines of each.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let running = self.coordinator.iter().chain(&self.workers).map(|process| &process.log);
        for path in self.ended.iter().chain(running) {
            let log = std::fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(40)..];
            text.push_str(&format!("--- {}\n{}\n", path.display(), last.join("\n")));
        }
        text
    }

    /// The program, deaf to the settings of whoever runs the tests.
    fn program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        let settings = std::env::vars_os()
            .filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("KASKADE_")));
        for (name, _) in settings {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.folder.path());
        command
    }

    fn spawn(&mut self, mut command: Command, name: &str) -> Process {
        self.n_started += 1;
        let log = self.scratch(&format!("{name}-{}.log", self.n_started));
        let out = File::create(&log).expect("the folder can be written");
        let err = out.try_clone().expect("a file can be shared");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Process { child: child.expect("the program starts"), log }
    }

    fn file(&self, name: &str) -> File {
        File::create(self.scratch(name)).expect("the folder can be written")
    }
}

impl Drop for ProcessCluster {
    fn drop(&mut self) {
        for process in self.coordinator.iter_mut().chain(&mut self.workers) {
            // One that has ended by itself is as good.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

/// Sends `signal`, as `kill` knows it (`-STOP`), to process `pid`.
///
/// # Panics
/// When there is no such process.
pub fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {pid}");
}

/// What a client command left behind.
#[derive(Clone, Debug)]
pub struct ClientOutput {
    /// The exit code, -1 when a signal ended it.
    pub code: i32,
    /// Its data.
    pub stdout: String,
    /// Its messages.
    pub stderr: String,
}

/// A port on loopback that was free a moment ago.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port: io::Result<u16> = address.map(|address| address.port());
    port.expect("a free port on loopback")
}
