//! Independent cascade with node factors: an arc u → v is live with probability
//! influence(u) · susceptibility(v).
//!
//! How much a node is heard and how readily it listens, each in a column of the nodes (Aral and
//! Walker, Science 337, 2012). The product of the two doubles is rounded once, to the integer that
//! the coin is compared with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::independent_cascade::draw_below;
use super::{Arc, LiveArcs};
use crate::coin::{Draw, Threshold};
use crate::dynamics::{NodeColumns, TraitError, Value, place_of};
use crate::ids::NodeId;

/// The columns of a node's factors, as they stand in a spec. A factor without a column is 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorColumns {
    /// The column of the source's factor, numbers in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub influence: Option<String>,
    /// The column of the target's factor, numbers in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub susceptibility: Option<String>,
}

/// The factors of a graph's nodes, by dense id; empty where all are 1. 8 bytes a node each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFactors {
    influence: Vec<f64>,
    susceptibility: Vec<f64>,
}

impl NodeFactors {
    /// The factors of `n_nodes` nodes with `columns`. O(nodes).
    ///
    /// # Errors
    /// [`TraitError`] names the column that is missing, or the node that has no number in [0, 1]
    /// there.
    pub(super) fn resolve(
        of: &FactorColumns,
        n_nodes: u32,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, TraitError> {
        let read = |column: &Option<String>| match column {
            Some(column) => factors(column, n_nodes, columns),
            None => Ok(Vec::new()),
        };
        Ok(Self { influence: read(&of.influence)?, susceptibility: read(&of.susceptibility)? })
    }
}

fn factors(
    column: &str,
    n_nodes: u32,
    columns: &(impl NodeColumns + ?Sized),
) -> Result<Vec<f64>, TraitError> {
    let place = place_of(columns, column)?;
    let of_node = |node: u32| {
        let node = NodeId(node);
        let value = columns.value(place, node);
        if let Some(factor) = value.number().filter(|factor| (0.0..=1.0).contains(factor)) {
            return Ok(factor);
        }
        let column = column.to_owned();
        Err(match (value.number(), value) {
            (Some(value), _) => TraitError::NoFactor { column, node, value },
            (None, Value::Missing) => TraitError::NoValue { column, node },
            (None, _) => TraitError::OtherType { column, wanted: "number" },
        })
    };
    (0..n_nodes).map(of_node).collect()
}

/// The rule of [`NodeFactors`].
#[derive(Debug)]
pub(super) struct FactorCascade<'a>(pub(super) &'a NodeFactors);

impl LiveArcs for FactorCascade<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let factor = |of: &[f64], node: NodeId| of.get(node.index()).copied().unwrap_or(1.0);
        let influence = factor(&self.0.influence, arc.source);
        let susceptibility = factor(&self.0.susceptibility, arc.target);
        draw_below(arc, Threshold::product(influence, susceptibility))
    }
}
