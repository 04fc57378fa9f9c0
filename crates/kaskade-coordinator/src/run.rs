//! A coordinator's life: replay the log, serve, stop.

use std::time::Duration;

use kaskade_rpc::health::Health;
use kaskade_rpc::machine::unix_seconds;
use kaskade_rpc::security::Gate;
use kaskade_rpc::security::audit::AuditLog;
use kaskade_rpc::server::Listener;
use kaskade_rpc::{control, graphs, health, jobs, metrics, reflection, server};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::CoordinatorConfig;
use crate::error::CoordinatorError;
use crate::job_log;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::report::ResultStore;
use crate::scheduler::{Bounds, MAILBOX_REQUESTS, Membership, Request, Scheduler};
use crate::service::{ControlService, GraphsService, JobsService, SchedulerHandle};

/// The job log's name in the state folder.
const JOB_LOG: &str = "jobs.redb";

/// The audit log's name in the state folder.
const AUDIT_LOG: &str = "audit.jsonl";

/// Runs a coordinator until `shutdown`, and for as long after it as batches in hand take, within
/// a grace. `listening` is called with its own address as a URL once clients and workers may
/// connect.
///
/// # Errors
/// [`CoordinatorError`]: the address is refused, the job log is damaged, or a folder cannot
/// be used.
pub async fn run(
    config: CoordinatorConfig,
    listening: impl FnOnce(&str),
    shutdown: CancellationToken,
) -> Result<(), CoordinatorError> {
    let listener = server::bind(config.listen, &config.security)?;
    let bind_metrics = |address| metrics::bind(address, &config.security);
    let scrapes = config.metrics.map(bind_metrics).transpose()?;
    std::fs::create_dir_all(&config.state)
        .map_err(CoordinatorError::file("create", &config.state))?;
    // Without tokens nobody is known, and there is nothing to note of whom.
    let audit = config.security.tokens.is_some().then(|| {
        let path = config.state.join(AUDIT_LOG);
        AuditLog::open(&path).map_err(CoordinatorError::file("open", path))
    });
    let gate = Gate::new(config.security.tokens.clone(), audit.transpose()?);
    // Reading metrics is no action.
    let gate_of_metrics = Gate::new(config.security.tokens.clone(), None);
    let registry = Registry::open(config.graphs.clone())?;
    let results = ResultStore::open(&config.state)?;
    let (log, logged) = job_log::open(&config.state.join(JOB_LOG))?;
    let is_known = |name: &str| logged.iter().any(|job| job.record.job.as_str() == name);
    results.sweep(is_known)?;
    // Any number that another run of the coordinator is unlikely to have.
    let instance = unix_seconds().to_bits() ^ u64::from(std::process::id());
    let membership = Membership::new(instance, config.heartbeat, config.dead_after);
    let (mailbox, requests) = mpsc::channel(MAILBOX_REQUESTS);
    let scheduler = Scheduler::new(
        log,
        logged,
        registry.clone(),
        results.clone(),
        Bounds { limits: config.limits, quotas: config.quotas, keep_jobs: config.keep_jobs },
        membership,
        mailbox.clone(),
    );
    let counted = scheduler.metrics();
    let mut scheduler = tokio::spawn(scheduler.run(requests, shutdown.clone()));
    let handle = SchedulerHandle(mailbox);
    let health = Health::of(health::JOBS).await;
    let url = listener.url();
    let serving = server::builder(gate)
        .add_service(jobs::server(JobsService { scheduler: handle.clone(), results }))
        .add_service(graphs::server(GraphsService { registry: registry.clone() }))
        .add_service(control::server(ControlService { scheduler: handle.clone(), registry }))
        .add_service(health.server())
        .add_service(reflection::server(&SERVICES))
        .serve_with_incoming(listener.incoming);
    let scraped = serve_metrics(scrapes, gate_of_metrics, handle.clone(), counted);
    listening(&url);
    let served = tokio::select! {
        served = serving => served.map_err(CoordinatorError::Server),
        // It outlives every service, unless it is told to stop or panics.
        ended = &mut scheduler => return ended.map_err(CoordinatorError::Scheduler),
        () = scraped => return Ok(()),
        () = watch(&health, &handle, &shutdown) => return Ok(()),
    };
    // Whatever is in the log is durable; the scheduler holds nothing else that must last.
    scheduler.abort();
    served
}

/// What reflection lists.
const SERVICES: [&str; 3] = ["kaskade.v1.Jobs", "kaskade.v1.Graphs", "kaskade.v1.Control"];

/// The time between two looks at the scheduler.
const LOOK: Duration = Duration::from_secs(1);

/// How long it may take to answer, and still count as serving.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps `health` true: jobs are served as long as the scheduler answers and nobody has told it
/// to stop. Never ends.
async fn watch(health: &Health, scheduler: &SchedulerHandle, shutdown: &CancellationToken) {
    loop {
        let answered = tokio::time::timeout(PATIENCE, scheduler.ask(Request::Measure)).await;
        let is_serving = matches!(answered, Ok(Ok(_))) && !shutdown.is_cancelled();
        health.set(is_serving).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shutdown.cancelled(), if is_serving => {}
        }
    }
}

/// Serves the page of metrics, if there is an address for it. Never ends.
async fn serve_metrics(
    listener: Option<Listener>,
    gate: Gate,
    scheduler: SchedulerHandle,
    counted: Metrics,
) {
    if let Some(listener) = listener {
        let page = move || {
            let (scheduler, counted) = (scheduler.clone(), counted.clone());
            async move {
                let snapshot = scheduler.ask(Request::Measure).await.ok()?;
                Some(counted.page(&snapshot))
            }
        };
        metrics::serve(listener, gate, page).await;
    }
    std::future::pending().await
}
