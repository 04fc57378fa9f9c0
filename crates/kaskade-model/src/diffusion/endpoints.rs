//! What a model reads of the two nodes of an arc.

use super::node_factors::NodeFactors;
use super::segment_matrix::NodeSegments;
use super::{ArcProbability, LiveArcModel};
use crate::dynamics::{NodeColumns, TraitError};

/// What of the nodes' columns decides their arcs, for all nodes of the graph: the source of an arc
/// may be anywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Endpoints {
    /// Nothing.
    #[default]
    Nothing,
    /// A factor each.
    Factors(NodeFactors),
    /// Their segments.
    Segments(NodeSegments),
}

impl Endpoints {
    /// What `model` reads, as [`Endpoints::of_arcs`].
    ///
    /// # Errors
    /// As [`Endpoints::of_arcs`].
    pub fn resolve(
        model: &LiveArcModel,
        n_nodes: u32,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, TraitError> {
        match model {
            LiveArcModel::IndependentCascade(probability) => {
                Self::of_arcs(probability, n_nodes, columns)
            }
            LiveArcModel::LinearThreshold(_) => Ok(Self::Nothing),
        }
    }

    /// What arcs with `probability` read of `n_nodes` nodes with `columns`. O(nodes), or O(1) where
    /// they read nothing.
    ///
    /// # Errors
    /// [`TraitError`] names the column, and the node or category that does not fit.
    pub fn of_arcs(
        probability: &ArcProbability,
        n_nodes: u32,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, TraitError> {
        use ArcProbability as P;
        Ok(match probability {
            P::Factors(of) => Self::Factors(NodeFactors::resolve(of, n_nodes, columns)?),
            P::Segments(matrix) => Self::Segments(NodeSegments::resolve(matrix, n_nodes, columns)?),
            _ => Self::Nothing,
        })
    }
}

impl ArcProbability {
    /// Whether it depends on how many arcs end in a node.
    #[must_use]
    pub fn reads_in_degrees(&self) -> bool {
        matches!(self, Self::WeightedCascade | Self::OverInDegree(_))
    }

    /// Whether it depends on the columns of the graph's nodes.
    #[must_use]
    pub fn reads_columns(&self) -> bool {
        matches!(self, Self::Factors(_) | Self::Segments(_))
    }

    /// The bytes a node of the whole graph that [`Endpoints`] take.
    #[must_use]
    pub fn endpoint_bytes(&self) -> u64 {
        match self {
            Self::Factors(of) => {
                let n_factors = of.influence.iter().chain(&of.susceptibility).count();
                (size_of::<f64>() * n_factors) as u64
            }
            Self::Segments(_) => 1,
            _ => 0,
        }
    }
}

impl LiveArcModel {
    /// Whether it depends on the columns of the graph's nodes.
    #[must_use]
    pub fn reads_columns(&self) -> bool {
        matches!(self, Self::IndependentCascade(probability) if probability.reads_columns())
    }

    /// The bytes a node of the whole graph that [`Endpoints`] take.
    #[must_use]
    pub fn endpoint_bytes(&self) -> u64 {
        match self {
            Self::IndependentCascade(probability) => probability.endpoint_bytes(),
            Self::LinearThreshold(_) => 0,
        }
    }
}
