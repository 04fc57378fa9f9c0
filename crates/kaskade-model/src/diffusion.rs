//! Diffusion models, each a page that says which coin an arc throws.
//!
//! Both models here are *live-arc* models (Kempe, Kleinberg and Tardos, KDD 2003,
//! Theorems 4.5 and 4.6): a simulation fixes a random set of live arcs, and the
//! cascade is what the seeds reach over it. A rule ([`LiveArcs`]) therefore only
//! names the draw of an arc; rounds, lanes and direction belong to the engine.

mod channels;
mod endpoints;
mod independent_cascade;
mod linear_threshold;
mod node_factors;
mod segment_matrix;

pub use channels::{OnChannel, channel_in_degrees, channel_ranks};
pub use endpoints::Endpoints;
pub use independent_cascade::{
    ColumnCascade, ConstantCascade, OverInDegreeCascade, TrivalencyCascade, WeightedCascade,
};
pub use linear_threshold::{check_sums, sums_to_at_most_one, with_channel_weights};
pub use node_factors::{FactorColumns, NodeFactors};
pub use segment_matrix::{NodeSegments, SegmentMatrix};

use linear_threshold::{
    ColumnThreshold, ConstantThreshold, FixedWeight, SharedThreshold, UniformThreshold,
    check_column, ranks,
};
use node_factors::FactorCascade;
use segment_matrix::SegmentCascade;

use crate::adjacency::Shard;
use crate::coin::{BlockCoins, Draw, InvalidProbability, MAX_BLOCK_PROBABILITY, Threshold};
use crate::dynamics::TraitError;
use crate::ids::NodeId;

/// An arc of a shard.
#[derive(Clone, Copy, Debug)]
pub struct Arc {
    /// The source's global id.
    pub source: NodeId,
    /// The target's global id.
    pub target: NodeId,
    /// The target's offset into its shard's nodes.
    pub target_idx: u32,
    /// Where the arc was found.
    pub place: Place,
}

/// Where a shard keeps an arc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this position of the out-view.
    Out(usize),
    /// At this rank among its target's sources: the in-view.
    In(u32),
}

/// The rule of a model on one shard: the draw that decides an arc in every simulation.
pub trait LiveArcs: Sync {
    /// The draw of `arc`; pure, so evaluating it twice or nowhere changes nothing.
    fn draw(&self, arc: Arc) -> Draw;

    /// Writes the draw of each of `arcs` to `draws`, which is as long.
    fn draw_all(&self, arcs: &[Arc], draws: &mut [Draw]) {
        draws.iter_mut().zip(arcs).for_each(|(draw, &arc)| *draw = self.draw(arc));
    }

    /// Of a model in which a node listens to at most one of its in-arcs: the rank of the one
    /// that the node at `target_idx` chooses where its draws come from `uniform`. The arc of that
    /// rank, and it alone, is live.
    fn chosen_in_arc(&self, _target_idx: u32, _uniform: u32) -> Option<u32> {
        None
    }
}

/// A model with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveArcModel {
    /// Every arc is live on its own (Goldenberg, Libai and Muller 2001).
    IndependentCascade(ArcProbability),
    /// Every node listens to at most one in-arc, chosen by weight (Granovetter 1978 in
    /// the live-arc form of Kempe et al.).
    LinearThreshold(ArcWeight),
}

/// Where an independent cascade takes an arc's probability from.
#[derive(Clone, Debug, PartialEq)]
pub enum ArcProbability {
    /// The same for all arcs.
    Constant(f64),
    /// 1 over the target's in-degree.
    WeightedCascade,
    /// So much over the target's in-degree, at most 1.
    OverInDegree(f64),
    /// 0.1, 0.01 or 0.001, drawn once per arc.
    Trivalency,
    /// The graph's arc column.
    Column,
    /// A factor of the source times one of the target.
    Factors(FactorColumns),
    /// By the segments of source and target.
    Segments(SegmentMatrix),
}

impl ArcProbability {
    /// The same as a weight by which a node chooses one of its in-arcs over a channel, if it can be one.
    #[must_use]
    pub fn channel_weight(&self) -> Option<ArcWeight> {
        match *self {
            Self::Constant(weight) => Some(ArcWeight::Constant(weight)),
            Self::WeightedCascade => Some(ArcWeight::WeightedCascade),
            Self::OverInDegree(share) => Some(ArcWeight::OverInDegree(share)),
            Self::Trivalency | Self::Column | Self::Factors(_) | Self::Segments(_) => None,
        }
    }

    /// Refuses numbers that are no probabilities.
    ///
    /// # Errors
    /// [`InvalidProbability`].
    pub fn check(&self) -> Result<(), InvalidProbability> {
        match self {
            Self::Constant(probability) => Threshold::from_probability(*probability).map(drop),
            Self::OverInDegree(share) => Threshold::check_share(*share, f64::from(u32::MAX)),
            Self::Segments(matrix) => matrix.check().map_err(|(_, error)| error),
            Self::WeightedCascade | Self::Trivalency | Self::Column | Self::Factors(_) => Ok(()),
        }
    }
}

/// Where linear threshold takes an arc's weight from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArcWeight {
    /// The same for all arcs; no node's sum may exceed 1.
    Constant(f64),
    /// 1 over the target's in-degree: every node with an in-arc listens to exactly one.
    WeightedCascade,
    /// So much, at most 1, over the target's in-degree: a node listens to any with that probability.
    OverInDegree(f64),
    /// The graph's arc column; no node's sum may exceed 1.
    Column,
}

/// What a caller does with the rule of a model on a shard. A visitor instead of a
/// boxed rule, so that a loop over arcs is compiled once per rule with the draw inlined.
pub trait RuleVisitor<S: Shard + ?Sized> {
    /// What the visit gives.
    type Output;

    /// Called once, with the rule.
    fn visit(self, rule: &impl LiveArcs) -> Self::Output;
}

impl LiveArcModel {
    /// Hands `visitor` the rule of this model on `shard`, for a job with `seed`, where `endpoints`
    /// are what it reads of the nodes.
    ///
    /// # Errors
    /// Those of [`LiveArcModel::check`], or [`ModelError::OtherEndpoints`].
    pub fn visit_rule<S: Shard + ?Sized, V: RuleVisitor<S>>(
        &self,
        shard: &S,
        (seed, endpoints): (u64, &Endpoints),
        visitor: V,
    ) -> Result<V::Output, ModelError> {
        use {ArcProbability as P, ArcWeight as W};
        Ok(match *self {
            Self::IndependentCascade(P::Constant(p)) => visitor.visit(&ConstantCascade::new(p)?),
            Self::IndependentCascade(P::WeightedCascade) => {
                visitor.visit(&WeightedCascade(shard.in_degrees()))
            }
            Self::IndependentCascade(P::OverInDegree(share)) => {
                visitor.visit(&OverInDegreeCascade::new(shard.in_degrees(), share)?)
            }
            Self::IndependentCascade(P::Factors(_)) => {
                let Endpoints::Factors(factors) = endpoints else {
                    return Err(ModelError::OtherEndpoints);
                };
                visitor.visit(&FactorCascade(factors))
            }
            Self::IndependentCascade(P::Segments(_)) => {
                let Endpoints::Segments(segments) = endpoints else {
                    return Err(ModelError::OtherEndpoints);
                };
                visitor.visit(&SegmentCascade(segments))
            }
            Self::IndependentCascade(P::Trivalency) => visitor.visit(&TrivalencyCascade::new(seed)),
            Self::IndependentCascade(P::Column) => visitor.visit(&ColumnCascade::new(shard)?),
            Self::LinearThreshold(W::Constant(weight)) => {
                let (ranks, weight) = (ranks(shard)?, FixedWeight::new(weight)?);
                let in_degrees = shard.in_degrees();
                visitor.visit(&ConstantThreshold { in_degrees, ranks, weight })
            }
            Self::LinearThreshold(W::WeightedCascade) => {
                let in_degrees = shard.in_degrees();
                visitor.visit(&UniformThreshold { in_degrees, ranks: ranks(shard)? })
            }
            Self::LinearThreshold(W::OverInDegree(share)) => {
                let of_arcs = (shard.in_degrees(), ranks(shard)?);
                visitor.visit(&SharedThreshold::new(of_arcs, share)?)
            }
            Self::LinearThreshold(W::Column) => {
                check_column(shard)?;
                visitor.visit(&ColumnThreshold { shard, ranks: ranks(shard)? })
            }
        })
    }

    /// The coins of whole blocks of arcs, where this model has one probability for all arcs.
    #[must_use]
    pub fn block_coins(&self) -> Option<BlockCoins> {
        Threshold::from_probability(self.constant_probability()?).ok().map(BlockCoins::new)
    }

    /// Whether a node listens to at most one of its in-arcs ([`LiveArcs::chosen_in_arc`]).
    #[must_use]
    pub fn chooses_in_arcs(&self) -> bool {
        matches!(self, Self::LinearThreshold(_))
    }

    /// Whether most blocks of arcs are dead.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        self.constant_probability().is_some_and(|probability| probability <= MAX_BLOCK_PROBABILITY)
    }

    fn constant_probability(&self) -> Option<f64> {
        match self {
            Self::IndependentCascade(ArcProbability::Constant(probability)) => Some(*probability),
            _ => None,
        }
    }

    /// Whether `shard` has what this model reads, and its weights sum to at most 1.
    /// O(nodes) for linear threshold, else O(1).
    ///
    /// # Errors
    /// [`ModelError`] names the missing section or the node whose weights exceed 1.
    pub fn check<S: Shard + ?Sized>(&self, shard: &S) -> Result<(), ModelError> {
        if let Self::LinearThreshold(ArcWeight::Constant(weight)) = *self {
            check_sums((shard.nodes(), shard.in_degrees()), weight)?;
        }
        if self.reads_columns() {
            // Nothing of it is read from a shard.
            return Ok(());
        }
        struct Ignore;
        impl<S: Shard + ?Sized> RuleVisitor<S> for Ignore {
            type Output = ();
            fn visit(self, _rule: &impl LiveArcs) {}
        }
        self.visit_rule(shard, (0, &Endpoints::Nothing), Ignore)
    }
}

/// Why a model cannot run on a graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A parameter is no probability.
    #[error(transparent)]
    Probability(#[from] InvalidProbability),
    /// Block coins for a model whose probabilities differ from arc to arc, or whose nodes do more than
    /// those of a cascade.
    #[error("block coins are for the plain independent cascade with one probability for all arcs")]
    NoBlocks,
    /// A channel's probability that nodes cannot choose an arc by.
    #[error(
        "linear threshold over a channel takes a number, `weighted-cascade` or `C/in-degree` as its probability"
    )]
    ChannelWeight,
    /// Endpoints that were resolved for another model.
    #[error("what the model reads of the nodes was not resolved for it")]
    OtherEndpoints,
    /// The nodes' columns do not say what the job asks of them.
    #[error(transparent)]
    Traits(#[from] TraitError),
    /// The graph directory was built without a section that the model reads.
    #[error(
        "the graph has no {section}, which {reader} reads: rebuild it with `kaskade graph build … {rebuild}`"
    )]
    MissingSection {
        /// The section.
        section: &'static str,
        /// What reads it.
        reader: &'static str,
        /// The flags that make `graph build` write it.
        rebuild: &'static str,
    },
    /// The weights of a node's in-arcs sum to more than 1.
    #[error(
        "linear threshold with weight {weight}: the {in_degree} in-arcs of node {node} (dense id){} sum to more than 1; use `weighted-cascade` or a weight of at most 1/in-degree",
        channel.as_ref().map_or(String::new(), |name| format!(" over channel {name:?}"))
    )]
    WeightsExceedOne {
        /// The node.
        node: NodeId,
        /// Its in-degree.
        in_degree: u32,
        /// The weight of each in-arc.
        weight: f64,
        /// The channel that they are of, where there are some.
        channel: Option<String>,
    },
}

impl ModelError {
    /// The same of the arcs of the channel `name`.
    #[must_use]
    pub fn over_channel(self, name: &str) -> Self {
        match self {
            Self::WeightsExceedOne { node, in_degree, weight, channel: _ } => {
                let channel = Some(name.to_owned());
                Self::WeightsExceedOne { node, in_degree, weight, channel }
            }
            other => other,
        }
    }
}
