//! `kaskade worker`.

use kaskade_rpc::machine;
use kaskade_worker::config::ExchangeConfig;
use kaskade_worker::{PhaseTimes, WorkerConfig};

use super::server::serve;
use crate::args::server::WorkerArgs;
use crate::error::CliError;
use crate::shares;
use crate::size::Size;

/// Runs a worker until it is told to stop, or its coordinator is gone for good.
pub(super) fn worker(args: WorkerArgs, phases: PhaseTimes) -> Result<(), CliError> {
    let memory_bytes = args.memory.resolve(machine::free_memory_bytes(), shares::MEMORY_SHARE);
    let config = WorkerConfig {
        security: args.client.security.load()?,
        peers: args.client.security.load_for_peers(&args.tokens)?,
        coordinator: args.client.coordinator,
        cache: args.cache,
        listen: args.listen,
        advertise: args.advertise,
        metrics: args.observe.metrics,
        phases,
        memory_bytes: memory_bytes.unwrap_or(u64::MAX),
        load: args.load.into(),
        n_threads: args.threads.map_or_else(machine::n_cores, |threads| threads as usize),
        exchange: ExchangeConfig {
            n_streams: args.streams as usize,
            credit_bytes: match args.stream_memory {
                Size::Auto => ExchangeConfig::DEFAULT.credit_bytes,
                size => size.resolve(machine::free_memory_bytes(), 1.0).unwrap_or(u64::MAX),
            },
        },
        find_coordinator: WorkerConfig::DEFAULT_FIND_COORDINATOR,
        find_again: WorkerConfig::DEFAULT_FIND_AGAIN,
    };
    serve(|shutdown| async move { Ok(kaskade_worker::run(config, shutdown).await?) })
}
