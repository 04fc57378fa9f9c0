//! A smaller graph of a large one, for a first try.
//!
//! The nodes are chosen first ([`select_nodes`]), then all arcs between them are kept. A choice
//! is a pure function of the graph with its dense ids, the size, the method and the seed:
//! threads and shards change nothing.

mod forest_fire;
mod induced;
mod uniform;

use std::path::Path;

use kaskade_model::seeds::NodeDirectory;
use kaskade_store::{Graph, Manifest, Views};

use crate::error::IngestError;
use crate::progress::Progress;
use crate::spec::DirectorySpec;
use forest_fire::Burning;

/// How much of a graph to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    /// So many nodes.
    Nodes(u64),
    /// This share of the nodes, above 0 and at most 1, rounded up.
    Share(f64),
}

/// How nodes are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleMethod {
    /// Every set of so many nodes is as likely as any other. Keeps no structure: of the arcs
    /// only the square of the share is left.
    Node,
    /// Forest fire (Leskovec and Faloutsos, "Sampling from large graphs", KDD 2006): from a
    /// random node a fire spreads along arcs that were drawn, and where it dies another is lit.
    /// Keeps the shape of degrees, components and distances best in their comparison.
    ForestFire {
        /// p_f: from a node a geometric number of its targets burn, p_f / (1 − p_f) on average,
        /// of those that do not yet.
        forward: f64,
        /// p_b: the same for the node's sources.
        backward: f64,
    },
}

/// The forward burning probability that worked best in the paper.
pub const DEFAULT_FORWARD: f64 = 0.7;
/// The backward burning probability that worked best in the paper.
pub const DEFAULT_BACKWARD: f64 = 0.0;

/// What to sample, and where the sample goes.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    /// How much.
    pub size: SampleSize,
    /// How.
    pub method: SampleMethod,
    /// The seed of all draws.
    pub seed: u64,
    /// The graph directory to write.
    pub directory: DirectorySpec,
}

/// Writes the graph that `graph`, the directory `dir`, has on the nodes that [`select_nodes`]
/// chooses, with their original ids and the arc column. All shards must be mapped and fully
/// verified. A chosen node stays even if none of its arcs does.
///
/// # Errors
/// Those of [`select_nodes`] and of [`crate::build()`].
pub fn sample(
    graph: &Graph,
    dir: &Path,
    spec: &SampleSpec,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let nodes = select_nodes(graph, dir, spec, progress)?;
    induced::write(graph, dir, &nodes, &spec.directory, progress)
}

/// The nodes of the sample, ascending by dense id. `dir` is for messages.
///
/// # Errors
/// [`IngestError::SampleNodes`], [`IngestError::SampleNumber`], [`IngestError::Interrupted`];
/// [`kaskade_store::StoreError::MissingSection`] when a fire must spread along a view that the
/// graph was built without.
pub fn select_nodes(
    graph: &Graph,
    dir: &Path,
    spec: &SampleSpec,
    progress: &dyn Progress,
) -> Result<Vec<u32>, IngestError> {
    let n_wanted = spec.size.n_nodes(graph.n_nodes())?;
    match spec.method {
        SampleMethod::Node => Ok(uniform::nodes(graph.n_nodes(), n_wanted, spec.seed)),
        SampleMethod::ForestFire { forward, backward } => {
            let burning = Burning::new(forward, backward)?;
            if burning.spreads_forward() {
                graph.manifest().require(dir, Views::Out)?;
            }
            if burning.spreads_backward() {
                graph.manifest().require(dir, Views::In)?;
            }
            forest_fire::nodes(graph, n_wanted, burning, spec.seed, progress)
        }
    }
}

impl SampleSize {
    /// Nodes of a sample of a graph of `n_nodes`, 1 to `n_nodes`.
    fn n_nodes(self, n_nodes: u32) -> Result<u32, IngestError> {
        let wanted = match self {
            Self::Nodes(wanted) => wanted,
            Self::Share(share) if share > 0.0 && share <= 1.0 => {
                // A float holds 32-bit numbers exactly, and the product is at most `n_nodes`.
                (share * f64::from(n_nodes)).ceil() as u64
            }
            Self::Share(value) => {
                let accepted = "a number above 0 and at most 1";
                return Err(IngestError::SampleNumber { name: "the share", value, accepted });
            }
        };
        let in_range = u32::try_from(wanted).ok().filter(|wanted| (1..=n_nodes).contains(wanted));
        in_range.ok_or(IngestError::SampleNodes { wanted, n_nodes: n_nodes.into() })
    }
}

#[cfg(test)]
mod tests;
