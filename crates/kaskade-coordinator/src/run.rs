//! A coordinator's life: replay the log, serve, stop.

use kaskade_rpc::security::Gate;
use kaskade_rpc::security::audit::AuditLog;
use kaskade_rpc::{control, graphs, jobs, server};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::CoordinatorConfig;
use crate::error::CoordinatorError;
use crate::job_log;
use crate::registry::Registry;
use crate::report::ResultStore;
use crate::scheduler::{Bounds, MAILBOX_REQUESTS, Membership, Scheduler, unix_seconds};
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
    std::fs::create_dir_all(&config.state)
        .map_err(CoordinatorError::file("create", &config.state))?;
    // Without tokens nobody is known, and there is nothing to note of whom.
    let audit = config.security.tokens.is_some().then(|| {
        let path = config.state.join(AUDIT_LOG);
        AuditLog::open(&path).map_err(CoordinatorError::file("open", path))
    });
    let gate = Gate::new(config.security.tokens.clone(), audit.transpose()?);
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
    let mut scheduler = tokio::spawn(scheduler.run(requests, shutdown));
    let handle = SchedulerHandle(mailbox);
    let url = listener.url();
    let serving = server::builder(gate)
        .add_service(jobs::server(JobsService { scheduler: handle.clone(), results }))
        .add_service(graphs::server(GraphsService { registry: registry.clone() }))
        .add_service(control::server(ControlService { scheduler: handle, registry }))
        .serve_with_incoming(listener.incoming);
    listening(&url);
    let served = tokio::select! {
        served = serving => served.map_err(CoordinatorError::Server),
        // It outlives every service, unless it is told to stop or panics.
        ended = &mut scheduler => return ended.map_err(CoordinatorError::Scheduler),
    };
    // Whatever is in the log is durable; the scheduler holds nothing else that must last.
    scheduler.abort();
    served
}
