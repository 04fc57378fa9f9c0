//! The arcs of each channel, and the rule that decides them.

use kaskade_model::AnyShard;
use kaskade_model::coin::Threshold;
use kaskade_model::diffusion::{
    ArcProbability, ArcWeight, Endpoints, LiveArcModel, LiveArcs, ModelError, OnChannel,
    OverInDegreeCascade, WeightedCascade, channel_in_degrees, channel_ranks, check_sums,
    with_channel_weights,
};
use kaskade_model::dynamics::{Channel, Dynamics, NodeColumns, NodeRule};
use kaskade_model::job::JobPlan;
use rayon::prelude::*;

use crate::kernel::JobModel;

/// What the channels of a job need to know of the shards' arcs.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// The places of the channels in which in-degrees matter.
    counted: Vec<u8>,
    /// By shard and channel of those: its nodes' in-degrees in the channel.
    in_degrees: Vec<Vec<Vec<u32>>>,
    /// By shard and channel, where nodes choose among their in-arcs: the ranks of its arcs.
    ranks: Vec<Vec<Vec<u32>>>,
    /// By channel: what its arcs read of the nodes.
    endpoints: Vec<Endpoints>,
}

impl Layers {
    /// Of the channels of `plan` on `shards`. O(nodes of the graph + arcs) for each shard, where
    /// in-degrees matter, and once more where nodes choose; shards side by side.
    ///
    /// # Errors
    /// [`ModelError`] when arcs have no channels, or their weights are none; or that of the columns.
    pub(crate) fn new(
        shards: &[AnyShard],
        plan: &JobPlan,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, ModelError> {
        let JobPlan { dynamics, n_nodes, .. } = plan;
        let (channels, chooses) = (&dynamics.channels, plan.model.chooses_in_arcs());
        let lacks = |shard: &AnyShard| shard.n_arcs() > 0 && shard.arc_channels().is_none();
        if !channels.is_empty() && shards.iter().any(lacks) {
            return Err(MISSING);
        }
        let counted: Vec<u8> = counted(dynamics, chooses).map(|channel| channel.place).collect();
        let chosen: Vec<u8> = match chooses {
            true => channels.iter().map(|channel| channel.place).collect(),
            false => Vec::new(),
        };
        let endpoints = channels
            .iter()
            .map(|channel| Endpoints::of_arcs(&channel.probability, *n_nodes, columns));
        let in_degrees = |shard: &AnyShard| channel_in_degrees(shard, *n_nodes, &counted);
        let mut layers = Self {
            endpoints: endpoints.collect::<Result<_, _>>()?,
            in_degrees: shards.par_iter().map(in_degrees).collect(),
            ranks: Vec::new(),
            counted,
        };
        if chooses {
            channels.iter().try_for_each(|channel| layers.check_weights(shards, channel))?;
        }
        let ranks = |shard: &AnyShard| channel_ranks(shard, *n_nodes, &chosen);
        layers.ranks = shards.par_iter().map(ranks).collect();
        Ok(layers)
    }

    /// Refuses `channel` where a node cannot choose one of its in-arcs by its probability.
    fn check_weights(&self, shards: &[AnyShard], channel: &Channel) -> Result<(), ModelError> {
        match channel.probability.channel_weight().ok_or(ModelError::ChannelWeight)? {
            ArcWeight::Constant(weight) => {
                shards.iter().enumerate().try_for_each(|(shard_idx, shard)| {
                    let in_degrees = self.in_degrees(shard_idx, channel.place).unwrap_or_default();
                    let checked = check_sums((shard.nodes(), in_degrees), weight);
                    checked.map_err(|error| error.over_channel(&channel.name))
                })
            }
            ArcWeight::OverInDegree(share) => Ok(Threshold::check_share(share, 1.0)?),
            ArcWeight::WeightedCascade | ArcWeight::Column => Ok(()),
        }
    }

    /// The in-degrees of the nodes of the partition's shard number `shard_idx` over the channel at
    /// `place`, if they matter.
    pub(super) fn in_degrees(&self, shard_idx: usize, place: u8) -> Option<&[u32]> {
        let at = self.counted.iter().position(|&counted| counted == place)?;
        Some(&self.in_degrees[shard_idx][at])
    }

    /// Calls `body` with the rule of `channel`, number `number` of the job with `seed`, on `shard`,
    /// the partition's number `shard_idx`.
    ///
    /// # Errors
    /// [`ModelError`] when the shard lacks what the rule reads.
    pub(crate) fn with_rule<T>(
        &self,
        (channel, number): (&Channel, usize),
        seed: u64,
        (shard, shard_idx): (&AnyShard, usize),
        body: impl FnOnce(&dyn LiveArcs) -> T,
    ) -> Result<T, ModelError> {
        // A shard without arcs has none.
        let (channels, place) = (shard.arc_channels().unwrap_or_default(), channel.place);
        let body = |rule: &dyn LiveArcs| body(&OnChannel { rule, channels, place });
        if let Some(ranks) = self.ranks[shard_idx].get(number) {
            let weight = channel.probability.channel_weight().ok_or(ModelError::ChannelWeight)?;
            let in_degrees = self.in_degrees(shard_idx, place).unwrap_or_default();
            return with_channel_weights(weight, (in_degrees, ranks), body);
        }
        match (&channel.probability, self.in_degrees(shard_idx, place)) {
            (ArcProbability::OverInDegree(share), Some(in_degrees)) => {
                Ok(body(&OverInDegreeCascade::new(in_degrees, *share)?))
            }
            (ArcProbability::WeightedCascade, Some(in_degrees)) => {
                Ok(body(&WeightedCascade(in_degrees)))
            }
            (probability, _) => {
                let model = &LiveArcModel::IndependentCascade(probability.clone());
                let endpoints = &self.endpoints[number];
                JobModel { model, seed, endpoints }.with_rule(shard, body)
            }
        }
    }
}

/// The bytes that channels take on a worker with `n_nodes` nodes and `n_arcs` arcs into them, in a job
/// with `dynamics` whose nodes choose among their in-arcs or not.
#[must_use]
pub fn channel_bytes(dynamics: &Dynamics, chooses: bool, n_nodes: u64, n_arcs: u64) -> u64 {
    let n_ranked = if chooses { dynamics.channels.len() } else { 0 };
    let of_nodes = n_nodes.saturating_mul(counted(dynamics, chooses).count() as u64);
    let of_arcs = n_arcs.saturating_mul(n_ranked as u64);
    of_nodes.saturating_add(of_arcs).saturating_mul(size_of::<u32>() as u64)
}

/// The channels of `dynamics` in which in-degrees matter: for the arcs, for how many of its
/// neighbours a node waits, or because it chooses one of them.
fn counted(dynamics: &Dynamics, chooses: bool) -> impl Iterator<Item = &Channel> {
    let is_asked = chooses || matches!(dynamics.rule, NodeRule::Threshold(_));
    let channels = dynamics.channels.iter();
    channels.filter(move |channel| is_asked || channel.probability.reads_in_degrees())
}

const MISSING: ModelError = ModelError::MissingSection {
    section: "channels of its arcs",
    reader: "a job with channels",
    rebuild: "--channel NAME=FILE --views out,in",
};
