//! One cascade as a tree: as a table, for programs that draw graphs, and drawn.

mod drawing;
mod formats;

use kaskade_model::spec::OriginalId;
use serde::Serialize;

use crate::cascades::{Activation, Cascades};
use crate::error::ResultsError;
use crate::parquet::cascades_parquet;
use crate::tree::{Form, Scratch};

/// One traced simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    cascades: Cascades,
}

/// What `replay` says of a cascade.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplaySummary {
    /// The simulation.
    pub simulation: u64,
    /// Nodes.
    pub size: u64,
    /// Trees: nodes that nobody passed it to.
    pub trees: u64,
    /// The last round with an activation.
    pub rounds: u32,
    /// Hops from a root to the node farthest from it.
    pub depth: u32,
    /// The most nodes at one number of hops.
    pub breadth: u64,
    /// Structural virality; `null` where nobody passed it on.
    pub virality: Option<f64>,
    /// `silent`, `broadcast` or `viral`.
    pub kind: &'static str,
    /// Nodes by hops from their root.
    pub by_depth: Vec<u64>,
    /// Those who passed it to most.
    pub spreaders: Vec<Spreader>,
}

/// A node that passed it on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spreader {
    /// What it is called.
    pub node: OriginalId,
    /// Nodes to which it passed it.
    pub passed_to: u64,
}

/// Spreaders that are named.
const SPREADERS: usize = 10;

impl Replay {
    /// Simulation `simulation` of `cascades`; none that was not traced.
    #[must_use]
    pub fn of(cascades: &Cascades, simulation: u64) -> Option<Self> {
        let activations = cascades.of(simulation);
        if activations.is_empty() {
            return None;
        }
        // The names of this one alone, in the order in which they occur.
        let mut places = vec![None; cascades.names().len()];
        let mut names = Vec::new();
        let mut place = |node: u32| {
            *places[node as usize].get_or_insert_with(|| {
                names.push(cascades.name(node).clone());
                (names.len() - 1) as u32
            })
        };
        let own = |of: &Activation| Activation {
            node: place(of.node),
            parent: of.parent.map(&mut place),
            ..*of
        };
        let activations: Vec<_> = activations.iter().map(own).collect();
        Some(Self { cascades: Cascades::new(names, activations) })
    }

    /// What there is to say of it.
    #[must_use]
    pub fn summary(&self) -> ReplaySummary {
        let activations = self.cascades.activations();
        let form = Form::of(activations, &mut Scratch::new(self.cascades.names().len()));
        let mut passed_to = vec![0u64; self.cascades.names().len()];
        for parent in activations.iter().filter_map(|of| of.parent) {
            passed_to[parent as usize] += 1;
        }
        let mut spreaders: Vec<u32> = (0..).take(passed_to.len()).collect();
        spreaders.retain(|&node| passed_to[node as usize] > 0);
        spreaders.sort_by_key(|&node| std::cmp::Reverse(passed_to[node as usize]));
        let spreaders = spreaders.into_iter().take(SPREADERS).map(|node| Spreader {
            node: self.cascades.name(node).clone(),
            passed_to: passed_to[node as usize],
        });
        ReplaySummary {
            simulation: activations[0].simulation,
            size: form.size,
            trees: form.trees,
            rounds: activations.last().map_or(0, |last| last.round),
            depth: form.depth,
            breadth: form.breadth(),
            virality: form.virality(),
            kind: form.kind().name(),
            spreaders: spreaders.collect(),
            by_depth: form.by_depth,
        }
    }

    /// The cascade as a table, as `cascades.parquet`.
    ///
    /// # Errors
    /// [`ResultsError::Encode`] if the encoder refuses.
    pub fn parquet(&self) -> Result<Vec<u8>, ResultsError> {
        cascades_parquet(&self.cascades)
    }

    /// The tree in GraphML.
    #[must_use]
    pub fn graphml(&self) -> String {
        formats::graphml(&self.cascades)
    }

    /// The tree in the language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        formats::dot(&self.cascades)
    }

    /// The tree, drawn.
    ///
    /// # Errors
    /// [`ResultsError::TooLargeToDraw`] for more nodes than an eye can follow.
    pub fn svg(&self) -> Result<String, ResultsError> {
        drawing::svg(&self.cascades)
    }

    /// The same as PNG.
    ///
    /// # Errors
    /// As [`Replay::svg`], and [`ResultsError::Render`] if the renderer refuses.
    pub fn png(&self) -> Result<Vec<u8>, ResultsError> {
        drawing::png(&self.cascades)
    }
}

#[cfg(test)]
mod tests;
