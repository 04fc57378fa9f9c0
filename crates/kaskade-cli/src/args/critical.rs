//! `kaskade critical-mass`.

use clap::{ArgGroup, Args, ValueEnum};

use super::job::SpecArgs;
use super::run::EngineArgs;

/// The flags of `critical-mass`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("goal").required(true).args(["reach", "takes_off"])))]
pub(crate) struct CriticalMassArgs {
    /// The job.
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// What is made larger: the number of seeds, of the kind that the job has, or the probability
    /// of all arcs
    #[arg(long, value_name = "WHAT")]
    pub(crate) over: Over,
    /// The share of the nodes that is to be reached, for example 10%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) reach: Option<f64>,
    /// That it breaks out: that it gets beyond the valley between cascades that die and cascades
    /// that explode
    #[arg(long)]
    pub(crate) takes_off: bool,
    /// The share of cascades that have to do so [default: for --reach their mean has to, for
    /// --takes-off 50%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) chance: Option<f64>,
    /// With --reach: reached are not all nodes, but those of this measure, for example campaign.own
    #[arg(long, value_name = "NAME", conflicts_with = "takes_off")]
    pub(crate) measure: Option<String>,
    /// The confidence of the interval of the answer
    #[arg(long, value_name = "SHARE", value_parser = confidence, default_value = "95%")]
    pub(crate) confidence: f64,
    /// With --over probability: what probabilities are multiples of
    #[arg(long, value_name = "P", value_parser = share, default_value = "0.001")]
    pub(crate) step: f64,
    /// The largest number of seeds to try [default: all nodes]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) most_seeds: Option<u64>,
    /// How this process runs it.
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// What is made larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Over {
    /// The number of seeds
    Seeds,
    /// The probability of all arcs
    Probability,
}

/// `10%` and `0.1` alike.
fn share(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        // The decimal point is moved in the text: dividing by 100 would round.
        Some(percent) => format!("{}e-2", percent.trim_end()).parse(),
        None => text.parse(),
    };
    match number {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("use a share above 0 such as 10% or 0.1".to_owned()),
    }
}

fn confidence(text: &str) -> Result<f64, String> {
    let confidence = share(text)?;
    let is_one = (0.5..1.0).contains(&confidence);
    is_one.then_some(confidence).ok_or_else(|| "use a share from 50% to below 100%".to_owned())
}
