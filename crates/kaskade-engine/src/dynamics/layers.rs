//! The arcs of each channel, and the rule that decides them.

use kaskade_model::AnyShard;
use kaskade_model::diffusion::{
    ArcProbability, Endpoints, LiveArcModel, LiveArcs, ModelError, OnChannel, OverInDegreeCascade,
    WeightedCascade, channel_in_degrees,
};
use kaskade_model::dynamics::{Channel, Dynamics, NodeColumns, NodeRule};
use kaskade_model::job::JobPlan;

use crate::kernel::JobModel;

/// What the channels of a job need to know of the shards' arcs.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// The places of the channels in which in-degrees matter.
    counted: Vec<u8>,
    /// By shard and channel of those: its nodes' in-degrees in the channel.
    in_degrees: Vec<Vec<Vec<u32>>>,
    /// By channel: what its arcs read of the nodes.
    endpoints: Vec<Endpoints>,
}

impl Layers {
    /// Of the channels of `plan` on `shards`. O(nodes of the graph + arcs) for each shard, where
    /// in-degrees matter.
    ///
    /// # Errors
    /// [`ModelError::MissingSection`] when arcs have no channels, or [`ModelError::Traits`].
    pub(crate) fn new(
        shards: &[AnyShard],
        plan: &JobPlan,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, ModelError> {
        let channels = &plan.dynamics.channels;
        let lacks = |shard: &AnyShard| shard.n_arcs() > 0 && shard.arc_channels().is_none();
        if !channels.is_empty() && shards.iter().any(lacks) {
            return Err(MISSING);
        }
        let counted = counted(&plan.dynamics).map(|channel| channel.place).collect::<Vec<_>>();
        let of_shard = |shard: &AnyShard| channel_in_degrees(shard, plan.n_nodes, &counted);
        let endpoints = channels
            .iter()
            .map(|channel| Endpoints::of_arcs(&channel.probability, plan.n_nodes, columns));
        Ok(Self {
            endpoints: endpoints.collect::<Result<_, _>>()?,
            in_degrees: shards.iter().map(of_shard).collect(),
            counted,
        })
    }

    /// The bytes that the in-degrees take for each node of a worker's shards.
    pub(crate) fn bytes_per_own_node(dynamics: &Dynamics) -> u64 {
        (size_of::<u32>() * counted(dynamics).count()) as u64
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

/// The channels of `dynamics` in which in-degrees matter: for the arcs, or for how many a node waits.
fn counted(dynamics: &Dynamics) -> impl Iterator<Item = &Channel> {
    let nodes_wait = matches!(dynamics.rule, NodeRule::Threshold(_));
    let channels = dynamics.channels.iter();
    channels.filter(move |channel| nodes_wait || channel.probability.reads_in_degrees())
}

const MISSING: ModelError = ModelError::MissingSection {
    section: "channels of its arcs",
    reader: "a job with channels",
    rebuild: "--channel NAME=FILE --views out,in",
};
