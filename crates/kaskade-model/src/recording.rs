//! What a run keeps of its simulations besides counts: who passed it to whom, and who was reached.

use serde::{Deserialize, Serialize};

use crate::dynamics::{Dynamics, NodeRule};

/// The most simulations that a job traces.
pub const MAX_TRACE_SIMULATIONS: u64 = 10_000;

/// The most activations that a job traces, over all of its traced simulations. Of one batch they go
/// in a message of at most 64 MiB: 3 MiB of them take at most 34 MiB beside counted nodes, 39 MiB
/// without.
pub const MAX_TRACED_ACTIVATIONS: usize = 3 << 20;

/// The largest graph whose nodes are counted: of one batch they take at most 24 MiB of the same
/// message.
pub const MAX_COUNTED_NODES: u32 = 1 << 23;

/// What is kept of a job's simulations besides counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recording {
    /// So many simulations, the first of the job, keep who passed it to whom.
    pub trace_simulations: u64,
    /// Whether every node keeps how many simulations reached it.
    pub nodes: bool,
}

/// A node that became active in a traced simulation. Of one tally they ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TracedActivation {
    /// The simulation, as its place in the batch.
    pub place: u32,
    /// The round.
    pub round: u32,
    /// The node, by dense id.
    pub node: u32,
    /// Who passed it to the node, by dense id; none for a seed.
    pub parent: Option<u32>,
}

/// How many simulations reached a node. Of one tally they ascend by node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCount {
    /// The node, by dense id.
    pub node: u32,
    /// Simulations in which it became active, at least 1.
    pub simulations: u32,
}

impl Dynamics {
    /// Whether a node becomes active once and for good, so that somebody can be said to have
    /// passed it on: not in epidemics.
    #[must_use]
    pub fn can_be_traced(&self) -> bool {
        !matches!(self.rule, NodeRule::Epidemic(_))
    }
}

/// Adds `counts`, which ascend, to the counts of all nodes.
pub(crate) fn add_counts(sums: &mut Vec<u64>, counts: &[NodeCount]) {
    let n_nodes = counts.last().map_or(0, |last| last.node as usize + 1);
    if sums.len() < n_nodes {
        sums.resize(n_nodes, 0);
    }
    for count in counts {
        sums[count.node as usize] += u64::from(count.simulations);
    }
}

/// Whether `counts` ascend, each in 1 to `n_lanes`.
pub(crate) fn are_counts(counts: &[NodeCount], n_lanes: u32) -> bool {
    counts.is_sorted_by(|one, next| one.node < next.node)
        && counts.iter().all(|count| (1..=n_lanes).contains(&count.simulations))
}

/// Whether `trace` ascends and is of `n_lanes` simulations.
pub(crate) fn is_trace(trace: &[TracedActivation], n_lanes: u32) -> bool {
    let key = |of: &TracedActivation| (of.place, of.round, of.node);
    trace.len() <= MAX_TRACED_ACTIVATIONS + 1
        && trace.is_sorted_by(|one, next| key(one) < key(next))
        && trace.last().is_none_or(|last| last.place < n_lanes)
}
