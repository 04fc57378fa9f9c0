//! Independent cascade by segments: an arc u → v is live with the probability of the pair
//! (segment of u, segment of v).
//!
//! The block model of homophily: people of one group hear each other more than others (Holland,
//! Laskey and Leinhardt, Social Networks 5, 1983). A node without a category, and a pair that
//! nothing is said of, have the default.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::independent_cascade::draw_below;
use super::{Arc, LiveArcs};
use crate::coin::{Draw, InvalidProbability, Threshold};
use crate::dynamics::{NodeColumns, TraitError, Value, segments};
use crate::ids::NodeId;

/// Probabilities by the categories of source and target, as they stand in a spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentMatrix {
    /// The column of categories.
    pub segment: String,
    /// The probability of pairs of which nothing is said.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub default: f64,
    /// By the category of the source, then of the target.
    #[serde(default)]
    pub from: BTreeMap<String, BTreeMap<String, f64>>,
}

impl SegmentMatrix {
    /// Refuses numbers that are no probabilities.
    ///
    /// # Errors
    /// The dotted key below the matrix, and what is wrong with its value.
    pub fn check(&self) -> Result<(), (String, InvalidProbability)> {
        let is_probability = |key: String, probability: f64| {
            Threshold::from_probability(probability).map(drop).map_err(|error| (key, error))
        };
        is_probability("default".to_owned(), self.default)?;
        let pairs = self.from.iter().flat_map(|(source, to)| to.iter().map(move |to| (source, to)));
        let mut pairs = pairs.map(|(source, (target, p))| (format!("from.{source}.{target}"), *p));
        pairs.try_for_each(|(key, probability)| is_probability(key, probability))
    }
}

/// The segment of every node, and the probability of every pair of them. A byte a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSegments {
    /// The place of a node's category, or that of none, which comes last.
    of: Vec<u8>,
    /// By source, then by target.
    thresholds: Vec<Threshold>,
    n_segments: usize,
}

impl NodeSegments {
    /// The segments of `n_nodes` nodes with `columns`, where `matrix` says how likely their arcs
    /// are live. O(nodes).
    ///
    /// # Errors
    /// [`TraitError`] names the column that is missing or none of categories, or a category that
    /// it does not have.
    pub(super) fn resolve(
        matrix: &SegmentMatrix,
        n_nodes: u32,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, TraitError> {
        let names = segments(&matrix.segment, columns)?;
        let place = columns.find(&matrix.segment).unwrap_or_default();
        let place_of = |category: &str| names.iter().position(|name| name == category);
        // One more for the nodes without a category.
        let n_segments = names.len() + 1;
        let default = Threshold::from_probability(matrix.default)?;
        let mut thresholds = vec![default; n_segments * n_segments];
        let known = |category: &String| {
            place_of(category).ok_or_else(|| TraitError::NoCategory {
                column: matrix.segment.clone(),
                category: category.clone(),
            })
        };
        for (source, to) in &matrix.from {
            for (target, probability) in to {
                thresholds[known(source)? * n_segments + known(target)?] =
                    Threshold::from_probability(*probability)?;
            }
        }
        let of_node = |node: u32| {
            let found = match columns.value(place, NodeId(node)) {
                Value::Category(category) => place_of(category),
                _ => None,
            };
            // At most `MAX_SEGMENTS`.
            found.unwrap_or(names.len()) as u8
        };
        Ok(Self { of: (0..n_nodes).map(of_node).collect(), thresholds, n_segments })
    }
}

/// The rule of [`NodeSegments`].
#[derive(Debug)]
pub(super) struct SegmentCascade<'a>(pub(super) &'a NodeSegments);

impl LiveArcs for SegmentCascade<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let segment = |node: NodeId| usize::from(self.0.of[node.index()]);
        let pair = segment(arc.source) * self.0.n_segments + segment(arc.target);
        draw_below(arc, self.0.thresholds[pair])
    }
}
