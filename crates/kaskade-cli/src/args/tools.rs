//! Small commands around the others.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

/// The flags of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A graph or result directory, a file of one, or the job log of a coordinator that does
    /// not run
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
}

/// The flags of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The template
    #[arg(long, value_name = "NAME", default_value = "independent-cascade")]
    pub(crate) template: Template,
    /// Print the JSON Schema of specs instead, for editors
    #[arg(long, conflicts_with = "template")]
    pub(crate) schema: bool,
}

/// A spec to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// Independent cascade with weighted-cascade probabilities
    #[value(alias = "ic")]
    IndependentCascade,
    /// Linear threshold with weights of 1/in-degree
    #[value(alias = "lt")]
    LinearThreshold,
    /// Nodes that wait for a share or a number of their in-neighbours
    Threshold,
    /// Infectious until recovered, then immune
    Sir,
    /// The same with an incubation before
    Seir,
    /// Infectious until recovered, then susceptible again
    Sis,
    /// Infectious until recovered, then immune for a time
    Sirs,
    /// A message that may turn bad at every node
    NegativeOpinion,
    /// Several campaigns, of which every node takes one
    Competitive,
}

/// The flags of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}
