//! One simulation at a time on one thread: a queue, a byte a node, a hash an arc.
//!
//! It throws the coins that the kernel throws, so it has the same cascades to run through,
//! and its sums can be compared with the kernel's.

use kaskade_model::coin::simulation_key;
use kaskade_model::diffusion::{Arc, LiveArcs, ModelError, RuleVisitor};
use kaskade_model::job::JobPlan;
use kaskade_model::{NodeId, Shard};

use crate::csr::Csr;

/// Runs all simulations of `plan` on `graph` to extinction; gives the sum of their spreads.
///
/// # Errors
/// [`ModelError`] when the graph lacks what the model reads.
pub fn total_spread(graph: &Csr, plan: &JobPlan) -> Result<u64, ModelError> {
    plan.model.visit_rule(graph, plan.seed, Simulations { graph, plan })
}

struct Simulations<'a> {
    graph: &'a Csr,
    plan: &'a JobPlan,
}

impl RuleVisitor<Csr> for Simulations<'_> {
    type Output = u64;

    fn visit(self, rule: &impl LiveArcs) -> u64 {
        let Self { graph, plan } = self;
        let mut is_active = vec![false; plan.n_nodes as usize];
        let mut queue = Vec::new();
        let mut total = 0;
        for simulation in plan.first_simulation..plan.first_simulation + plan.n_simulations {
            queue.extend(plan.seeds.of_simulation(plan.seed, simulation, plan.n_nodes));
            queue.iter().for_each(|seed: &NodeId| is_active[seed.index()] = true);
            spread(graph, rule, simulation_key(plan.seed, simulation), &mut is_active, &mut queue);
            total += queue.len() as u64;
            queue.drain(..).for_each(|node| is_active[node.index()] = false);
        }
        total
    }
}

/// Fills `queue`, which holds the seeds, with all nodes that become active.
fn spread(
    graph: &Csr,
    rule: &impl LiveArcs,
    key: u64,
    is_active: &mut [bool],
    queue: &mut Vec<NodeId>,
) {
    let (mut position, mut scratch) = (0, Vec::new());
    while let Some(&source) = queue.get(position) {
        position += 1;
        let arcs = graph.out_arcs(source, &mut scratch);
        for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
            if is_active[target_idx as usize] {
                continue;
            }
            let target = NodeId(target_idx);
            if rule.draw(Arc { source, target, target_idx, position }).is_live(key) {
                is_active[target_idx as usize] = true;
                queue.push(target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kaskade_engine::local::{self, Unobserved};
    use kaskade_engine::partition::Partition;
    use kaskade_model::coin::Isa;
    use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};

    use super::*;
    use crate::graphs::{BenchGraph, SEED};

    #[test]
    fn the_plain_program_runs_through_the_same_cascades() {
        let graph = BenchGraph::rmat(8);
        let csr = Csr::from_shards(&graph.shards);
        for model in [
            LiveArcModel::IndependentCascade(ArcProbability::Constant(0.05)),
            LiveArcModel::IndependentCascade(ArcProbability::WeightedCascade),
            LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade),
        ] {
            let plan = JobPlan {
                model,
                seed: SEED,
                seeds: graph.seeds(2),
                n_nodes: graph.n_nodes,
                first_simulation: 5,
                n_simulations: 100,
                max_rounds: None,
                lane_words: 1,
            };
            let plain = total_spread(&csr, &plan).unwrap();
            let partition = Partition::new(graph.shards.clone(), plan, Isa::detect()).unwrap();
            let tally = local::run(partition, 1, &Unobserved).unwrap();
            let spreads: u64 = tally.rows().map(|row| row.spread()).sum();
            assert_eq!(plain, spreads, "{model:?}");
        }
    }
}
