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
    /// What `model` reads of `n_nodes` nodes with `columns`. O(nodes), or O(1) where it reads
    /// nothing.
    ///
    /// # Errors
    /// [`TraitError`] names the column, and the node or category that does not fit.
    pub fn resolve(
        model: &LiveArcModel,
        n_nodes: u32,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, TraitError> {
        use ArcProbability as P;
        Ok(match model {
            LiveArcModel::IndependentCascade(P::Factors(of)) => {
                Self::Factors(NodeFactors::resolve(of, n_nodes, columns)?)
            }
            LiveArcModel::IndependentCascade(P::Segments(matrix)) => {
                Self::Segments(NodeSegments::resolve(matrix, n_nodes, columns)?)
            }
            _ => Self::Nothing,
        })
    }
}

impl LiveArcModel {
    /// Whether it depends on the columns of the graph's nodes.
    #[must_use]
    pub fn reads_columns(&self) -> bool {
        use ArcProbability as P;
        matches!(self, Self::IndependentCascade(P::Factors(_) | P::Segments(_)))
    }

    /// The bytes a node of the whole graph that [`Endpoints`] take.
    #[must_use]
    pub fn endpoint_bytes(&self) -> u64 {
        match self {
            Self::IndependentCascade(ArcProbability::Factors(of)) => {
                let n_factors = of.influence.iter().chain(&of.susceptibility).count();
                (size_of::<f64>() * n_factors) as u64
            }
            Self::IndependentCascade(ArcProbability::Segments(_)) => 1,
            _ => 0,
        }
    }
}
