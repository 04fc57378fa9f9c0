//! The arcs of each channel, and the rule that decides them.

use kaskade_model::AnyShard;
use kaskade_model::diffusion::{
    ArcProbability, ArcWeight, Endpoints, LiveArcModel, LiveArcs, ModelError, OnChannel,
    OverInDegreeCascade, WeightedCascade, channel_in_degrees, channel_ranks, check_sums,
    with_channel_weights,
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
    /// By shard and channel, where nodes choose among their in-arcs: the ranks of its arcs.
    ranks: Vec<Vec<Vec<u32>>>,
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
        let (n_nodes, chooses) = (plan.n_nodes, plan.model.chooses_in_arcs());
        let counted = channels.iter().filter(|channel| is_counted(plan, channel));
        let counted: Vec<u8> = counted.map(|channel| channel.place).collect();
        let in_degrees = |shard: &AnyShard| channel_in_degrees(shard, n_nodes, &counted);
        let choosing = if chooses { &channels[..] } else { &[] };
        let ranks = |shard: &AnyShard| {
            let ranks = choosing.iter().map(|channel| channel_ranks(shard, n_nodes, channel.place));
            ranks.collect()
        };
        let endpoints = channels
            .iter()
            .map(|channel| Endpoints::of_arcs(&channel.probability, n_nodes, columns));
        let layers = Self {
            endpoints: endpoints.collect::<Result<_, _>>()?,
            in_degrees: shards.iter().map(in_degrees).collect(),
            ranks: shards.iter().map(ranks).collect(),
            counted,
        };
        for channel in choosing {
            let weight = channel.probability.channel_weight().ok_or(ModelError::ChannelWeight)?;
            let ArcWeight::Constant(weight) = weight else { continue };
            for (shard_idx, shard) in shards.iter().enumerate() {
                let in_degrees = layers.in_degrees(shard_idx, channel.place).unwrap_or_default();
                check_sums((shard.nodes(), in_degrees), weight)?;
            }
        }
        Ok(layers)
    }

    /// The bytes that the in-degrees take for each node of a worker's shards.
    pub(crate) fn bytes_per_own_node(dynamics: &Dynamics) -> u64 {
        // As if nodes chose, for whoever does not know.
        (size_of::<u32>() * dynamics.channels.len()) as u64
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

/// Whether in-degrees matter in `channel` of `plan`: for its arcs, or for how many a node waits.
fn is_counted(plan: &JobPlan, channel: &Channel) -> bool {
    let nodes_wait = matches!(plan.dynamics.rule, NodeRule::Threshold(_));
    nodes_wait || plan.model.chooses_in_arcs() || channel.probability.reads_in_degrees()
}

const MISSING: ModelError = ModelError::MissingSection {
    section: "channels of its arcs",
    reader: "a job with channels",
    rebuild: "--channel NAME=FILE --views out,in",
};
