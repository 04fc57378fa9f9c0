//! What a run has kept of single simulations, against the plain reference.

use std::collections::BTreeMap;

use kaskade_model::job::JobPlan;
use kaskade_model::tally::JobTally;

use crate::{ArcList, reference};

/// What `tally`, of `plan` on `graph`, says otherwise than the reference: of who passed it to whom in
/// the simulations that are traced, and of how often each node is reached if nodes are counted.
///
/// # Errors
/// A sentence with both.
pub fn check_recorded(graph: &ArcList, plan: &JobPlan, tally: &JobTally) -> Result<(), String> {
    let outcomes = reference::outcomes(graph, plan);
    let n_traced = plan.recording.trace_simulations as usize;
    let expected: Vec<_> = outcomes
        .iter()
        .take(n_traced)
        .flat_map(|(row, passed)| {
            let mut passed = passed.clone();
            passed.sort_unstable();
            passed.into_iter().map(|passed| (row.simulation, passed))
        })
        .collect();
    let found: Vec<_> = tally
        .trace()
        .map(|(simulation, of)| (simulation, (of.round, of.node, of.parent)))
        .collect();
    if found != expected {
        let at = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        let at = at.unwrap_or(found.len().min(expected.len()));
        let (found, expected) = (found.get(at), expected.get(at));
        return Err(format!("activation {at} is {found:?} instead of {expected:?}"));
    }
    let mut counts = BTreeMap::new();
    if plan.recording.nodes {
        let nodes = outcomes.iter().flat_map(|(_, passed)| passed).map(|(_, node, _)| *node);
        nodes.for_each(|node| *counts.entry(node).or_insert(0u64) += 1);
    }
    let n_nodes = counts.last_key_value().map_or(0, |(&node, _)| node + 1);
    let expected: Vec<u64> =
        (0..n_nodes).map(|node| counts.get(&node).copied().unwrap_or(0)).collect();
    if tally.reached() == expected {
        Ok(())
    } else {
        Err(format!("nodes are reached {:?} times instead of {expected:?}", tally.reached()))
    }
}
