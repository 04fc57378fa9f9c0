//! The flags that say what nodes do with what reaches them; each stands for a key of the spec.

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use kaskade_model::dynamics::{ActivationRule, Tie};
use kaskade_model::spec::{ChannelSpec, DelaySpec, LaunchSpec, ModelSpec, RateSpec, ThresholdSpec};

/// What nodes do with what reaches them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct DynamicsArgs {
    /// How many active in-neighbours a node waits for (threshold): a share in [0, 1], count:K,
    /// count:LOW-HIGH or uniform:LOW-HIGH
    #[arg(long, value_name = "T")]
    pub(crate) threshold: Option<ThresholdSpec>,
    /// The probability a round that an infectious node recovers (sir, seir, sis, sirs)
    #[arg(long, value_name = "P")]
    pub(crate) recovery: Option<f64>,
    /// The probability a round that an exposed node becomes infectious (seir)
    #[arg(long, value_name = "P")]
    pub(crate) incubation: Option<f64>,
    /// The probability a round that an immune node becomes susceptible (sirs)
    #[arg(long, value_name = "P")]
    pub(crate) waning: Option<f64>,
    /// The probability that a good word stays one (negative-opinion)
    #[arg(long, value_name = "P")]
    pub(crate) quality: Option<f64>,
    /// Who wins a node that several campaigns reach in one round (competitive): random or first
    /// [default: random]
    #[arg(long, value_parser = tie())]
    pub(crate) tie: Option<Tie>,
    /// The probability a round that source and target meet; the first meeting counts
    #[arg(long, value_name = "P")]
    pub(crate) meeting: Option<f64>,
    /// Rounds that a message is under way
    #[arg(long, value_name = "ROUNDS")]
    pub(crate) delay: Option<u32>,
    /// A channel of the graph that messages go along, and the probability of its arcs, a number or
    /// a word [default: that of --probability]; repeat it for each. More is said in a spec
    #[arg(long, value_name = "NAME[:P]")]
    pub(crate) channel: Vec<ChannelSpec>,
    /// Over how many of the channels a node must be reached: any or all [default: any]
    #[arg(long, value_parser = activation())]
    pub(crate) activation: Option<ActivationRule>,
    /// The last round that counts
    #[arg(long, value_name = "ROUND")]
    pub(crate) deadline: Option<u32>,
    /// The probability that an active node passes the message on [default: 1]
    #[arg(long, value_name = "P")]
    pub(crate) forward: Option<f64>,
    /// The probability that an active node endorses the message [default: not asked]
    #[arg(long, value_name = "P")]
    pub(crate) endorse: Option<f64>,
    /// The probability that a seed starts [default: 1]
    #[arg(long, value_name = "P")]
    pub(crate) launch_probability: Option<f64>,
}

impl DynamicsArgs {
    /// Lays the flags over `model`, `channel` and `launch`, where `stands` says that a flag stands above the
    /// key of the spec.
    pub(crate) fn apply(
        &self,
        model: &mut ModelSpec,
        channel: &mut Vec<ChannelSpec>,
        launch: &mut LaunchSpec,
        stands: &mut impl FnMut(&str, &'static str) -> bool,
    ) {
        if !self.channel.is_empty() && stands("channel", "channel") {
            channel.clone_from(&self.channel);
        }
        let mut lay = Lay(stands);
        lay.over(self.activation, &mut model.activation, "activation", "model.activation");
        lay.over(self.threshold, &mut model.threshold, "threshold", "model.threshold");
        lay.over(self.recovery, &mut model.recovery, "recovery", "model.recovery");
        lay.over(self.incubation, &mut model.incubation, "incubation", "model.incubation");
        lay.over(self.waning, &mut model.waning, "waning", "model.waning");
        lay.over(self.quality, &mut model.quality, "quality", "model.quality");
        lay.over(self.tie, &mut model.tie, "tie", "model.tie");
        lay.over(self.meeting, &mut model.meeting, "meeting", "model.meeting");
        lay.over(self.delay.map(DelaySpec::Rounds), &mut model.delay, "delay", "model.delay");
        lay.over(self.deadline, &mut model.deadline, "deadline", "model.deadline");
        lay.over(self.forward.map(RateSpec::Same), &mut model.forward, "forward", "model.forward");
        lay.over(self.endorse.map(RateSpec::Same), &mut model.endorse, "endorse", "model.endorse");
        let probability = &mut launch.probability;
        lay.over(self.launch_probability, probability, "launch_probability", "launch.probability");
    }
}

struct Lay<'a, F>(&'a mut F);

impl<F: FnMut(&str, &'static str) -> bool> Lay<'_, F> {
    fn over<T>(&mut self, flag: Option<T>, key: &mut Option<T>, name: &str, dotted: &'static str) {
        if flag.is_some() && (self.0)(name, dotted) {
            *key = flag;
        }
    }
}

fn activation() -> impl TypedValueParser<Value = ActivationRule> {
    PossibleValuesParser::new(["any", "all"]).map(|word| match word.as_str() {
        "all" => ActivationRule::All,
        _ => ActivationRule::Any,
    })
}

fn tie() -> impl TypedValueParser<Value = Tie> {
    PossibleValuesParser::new(["random", "first"]).map(|word| match word.as_str() {
        "first" => Tie::First,
        _ => Tie::Random,
    })
}
