//! The arcs of each channel, and the rule that decides them.

use kaskade_model::Shard;
use kaskade_model::diffusion::{
    ArcProbability, Endpoints, LiveArcModel, LiveArcs, ModelError, OnChannel, OverInDegreeCascade,
    WeightedCascade, channel_in_degrees,
};
use kaskade_model::dynamics::Channel;
use kaskade_model::job::JobPlan;

use crate::kernel::JobModel;

/// What the channels of a job need to know of the shards' arcs.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// By channel and shard: its nodes' in-degrees in the channel, where its arcs depend on them.
    in_degrees: Vec<Vec<Vec<u32>>>,
}

impl Layers {
    /// Of the channels of `plan` on `shards`. O(nodes of the graph + arcs) for each channel of
    /// weighted cascades.
    ///
    /// # Errors
    /// [`ModelError::MissingSection`] when arcs have no channels.
    pub(crate) fn new<S: Shard>(shards: &[S], plan: &JobPlan) -> Result<Self, ModelError> {
        let channels = &plan.dynamics.channels;
        let lacks = |shard: &S| shard.n_arcs() > 0 && shard.arc_channels().is_none();
        if !channels.is_empty() && shards.iter().any(lacks) {
            return Err(MISSING);
        }
        let of_channel = |channel: &Channel| match channel.probability {
            ArcProbability::WeightedCascade | ArcProbability::OverInDegree(_) => {
                let of_shard = |shard: &S| channel_in_degrees(shard, plan.n_nodes, channel.place);
                shards.iter().map(of_shard).collect()
            }
            _ => Vec::new(),
        };
        Ok(Self { in_degrees: channels.iter().map(of_channel).collect() })
    }

    /// Calls `body` with the rule of `channel`, number `number` of the job with `seed`, on `shard`,
    /// the partition's number `shard_idx`.
    ///
    /// # Errors
    /// [`ModelError`] when the shard lacks what the rule reads.
    pub(crate) fn with_rule<S: Shard, T>(
        &self,
        (channel, number): (&Channel, usize),
        seed: u64,
        (shard, shard_idx): (&S, usize),
        body: impl FnOnce(&dyn LiveArcs) -> T,
    ) -> Result<T, ModelError> {
        // A shard without arcs has none.
        let (channels, place) = (shard.arc_channels().unwrap_or_default(), channel.place);
        let body = |rule: &dyn LiveArcs| body(&OnChannel { rule, channels, place });
        match (self.in_degrees[number].get(shard_idx), &channel.probability) {
            (Some(in_degrees), ArcProbability::OverInDegree(share)) => {
                Ok(body(&OverInDegreeCascade::new(in_degrees, *share)?))
            }
            (Some(in_degrees), _) => Ok(body(&WeightedCascade(in_degrees))),
            (None, probability) => {
                let model = &LiveArcModel::IndependentCascade(probability.clone());
                JobModel { model, seed, endpoints: &Endpoints::Nothing }.with_rule(shard, body)
            }
        }
    }
}

const MISSING: ModelError = ModelError::MissingSection {
    section: "channels of its arcs",
    reader: "a job with channels",
    rebuild: "--channel NAME=FILE --views out,in",
};
