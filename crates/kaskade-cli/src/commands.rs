//! A file per command: what it does, from resolved arguments to what it prints.

mod build;
mod cache;
mod cancel;
mod cert;
mod compare;
mod connection;
mod coordinator;
mod critical;
mod doctor;
mod export;
mod follow;
mod generate;
mod info;
mod init;
mod inspect;
mod list;
mod manual;
mod plan;
mod probe;
mod progress;
mod push;
mod replay;
mod report;
mod rerun;
mod results;
mod run;
mod sample;
mod server;
mod status;
mod submit;
mod sweep;
mod token;
mod verify;
mod verify_result;
mod watch;
mod worker;

use std::env;
use std::ffi::OsString;

use clap::FromArgMatches;
use kaskade_rpc::machine;
use kaskade_worker::PhaseTimes;
use rayon::ThreadPool;
use tracing::Level;

use crate::args::graph::GraphCommand;
use crate::args::job::typed_flags;
use crate::args::security::{CertCommand, TokenCommand};
use crate::args::{Cli, Command};
use crate::console::Console;
use crate::error::CliError;
use crate::logging::{self, TraceFile, Watchers};
use crate::settings;

/// Does what the command line says.
///
/// # Errors
/// [`CliError`], still to be reported.
pub(crate) fn dispatch() -> Result<(), CliError> {
    let arguments: Vec<OsString> = env::args_os().collect();
    let grammar = settings::command(&arguments)?;
    let matches = grammar.clone().try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let typed = matches.subcommand().map(|(_, flags)| typed_flags(flags)).unwrap_or_default();
    let console = Console::new(&cli.global);
    let is_server = matches!(cli.command, Command::Coordinator(_) | Command::Worker(_));
    let least = if is_server { Level::INFO } else { Level::WARN };
    let watchers = watchers(&cli.command)?;
    let phases = watchers.phases.clone().unwrap_or_default();
    let _trace = logging::start(&cli.global, least, watchers);
    match cli.command {
        Command::Generate(args) => generate::generate(&args, &console),
        Command::Graph(GraphCommand::Build(args)) => build::build(args, &console),
        Command::Graph(GraphCommand::Info(args)) => info::info(&args, &console),
        Command::Graph(GraphCommand::Verify(args)) => verify::verify(&args, &console),
        Command::Graph(GraphCommand::Push(args)) => push::push(args, &console),
        Command::Graph(GraphCommand::Plan(args)) => plan::plan(&args, &console),
        Command::Graph(GraphCommand::Export(args)) => export::export(args, &console),
        Command::Graph(GraphCommand::Sample(args)) => sample::sample(&args, &console),
        Command::Run(args) => run::run(&args, &typed, &console),
        Command::CriticalMass(args) => critical::critical_mass(&args, &typed, &console),
        Command::Verify(args) => verify_result::verify(&args, &console),
        Command::Rerun(args) => rerun::rerun(&args, &console),
        Command::Compare(args) => compare::compare(&args, &console),
        Command::Report(args) => report::report(&args, &console),
        Command::Replay(args) => replay::replay(&args, &console),
        Command::Coordinator(args) => coordinator::coordinator(args, &console),
        Command::Worker(args) => worker::worker(args, phases),
        Command::Submit(args) => submit::submit(&args, &typed, &console),
        Command::List(args) => list::list(&args, &console),
        Command::Status(args) => status::status(&args, &console),
        Command::Watch(args) => watch::watch(&args, &console),
        Command::Results(args) => results::results(&args, &console),
        Command::Cancel(args) => cancel::cancel(&args, &console),
        Command::Doctor(args) => doctor::doctor(&args, &console),
        Command::Probe(args) => probe::probe(&args, &console),
        Command::Cert(CertCommand::Init(args)) => cert::init(&args, &console),
        Command::Cert(CertCommand::Issue(args)) => cert::issue(&args, &console),
        Command::Token(TokenCommand::Create(args)) => token::create(&args, &console),
        Command::Token(TokenCommand::List(args)) => token::list(&args, &console),
        Command::Token(TokenCommand::Revoke(args)) => token::revoke(&args, &console),
        Command::Inspect(args) => inspect::inspect(&args, &console),
        Command::Init(args) => init::init(&args, &console),
        Command::Completions(args) => manual::completions(&args, grammar, &console),
        Command::Man => manual::pages(&grammar, &console),
    }
}

/// Who else watches what `command` does.
fn watchers(command: &Command) -> Result<Watchers, CliError> {
    let (trace, is_counted) = match command {
        Command::Run(args) => (&args.engine.trace, false),
        Command::CriticalMass(args) => (&args.engine.trace, false),
        Command::Rerun(args) => (&args.engine.trace, false),
        Command::Replay(args) => (&args.engine.trace, false),
        Command::Coordinator(args) => (&args.observe.trace, false),
        Command::Worker(args) => (&args.observe.trace, args.observe.metrics.is_some()),
        _ => return Ok(Watchers::default()),
    };
    let trace = trace.trace.as_deref().map(TraceFile::create).transpose()?;
    Ok(Watchers { trace, phases: is_counted.then(PhaseTimes::default) })
}

/// A pool of `threads` compute threads, or of as many as there are cores.
fn thread_pool(threads: Option<u64>) -> Result<ThreadPool, CliError> {
    let n_threads = threads.map_or_else(machine::n_cores, |threads| threads as usize);
    rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .thread_name(|idx| format!("compute-{idx}"))
        .build()
        .map_err(|source| CliError::Threads { n_threads, source })
}
