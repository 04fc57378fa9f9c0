//! `kaskade run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kaskade_model::lanes::MAX_LANE_WORDS;
use kaskade_store::Load;

use super::job::{SpecArgs, threads};
use super::kernel::KernelChoice;
use super::observe::TraceArgs;

/// The flags of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The job.
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// How this process runs it.
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// The result directory to write [default: `out` of the spec, else none]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace an earlier result
    #[arg(long)]
    pub(crate) force: bool,
}

/// How this process runs a job; no flag changes a result.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = threads())]
    pub(crate) threads: Option<u64>,
    /// W: 64·W simulations advance together, 1 to 8; changes speed and memory, no result
    /// [default: by simulations, threads and free memory]
    #[arg(
        long,
        env = "KASKADE_LANE_WORDS",
        value_name = "W",
        value_parser = clap::value_parser!(u64).range(1..=MAX_LANE_WORDS as u64)
    )]
    pub(crate) lane_words: Option<u64>,
    /// Force a kernel, for tests: forward or backward (linear-threshold), an instruction set
    /// (portable, avx2, avx512), or both with a comma; changes speed, no result [default: auto]
    #[arg(long, env = "KASKADE_KERNEL", value_name = "KERNEL")]
    pub(crate) kernel: Option<KernelChoice>,
    /// What to check of the graph before the first round
    #[arg(long, env = "KASKADE_VERIFY", value_name = "HOW", default_value = "full")]
    pub(crate) verify: VerifyChoice,
    /// How the graph comes into memory
    #[arg(long, env = "KASKADE_LOAD", value_name = "HOW", default_value = "mmap")]
    pub(crate) load: LoadChoice,
    /// Where generated graphs are kept [default: $XDG_CACHE_HOME/kaskade or ~/.cache/kaskade]
    #[arg(long, env = "KASKADE_CACHE", value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// The trace.
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

/// How a graph comes into memory; `docs/loading.md` says what each costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoadChoice {
    /// Mapped: pages come when they are read, and may be given up again
    Mmap,
    /// Mapped, and read from front to back at once
    Populate,
    /// Read into memory of the process, in huge pages where the kernel gives them
    Ram,
}

impl From<LoadChoice> for Load {
    fn from(choice: LoadChoice) -> Self {
        match choice {
            LoadChoice::Mmap => Self::Mmap,
            LoadChoice::Populate => Self::Populate,
            LoadChoice::Ram => Self::Ram,
        }
    }
}

/// How much of a graph to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyChoice {
    /// Every byte; reads each file once, a few seconds a gigabyte
    Full,
    /// Headers only; a damaged section then gives wrong results
    Header,
}
