//! One simulation at a time, obviously right, bit for bit what the engine must give.
//!
//! Shares with kaskade the coin alone: a uniform for each (arc or node, simulation), the live
//! slots of a block of arcs, and the fingerprint of an activation. Thresholds are computed anew from DESIGN §3.2. Every
//! coin of the graph is thrown, then rounds walk over the live arcs; there are no lanes,
//! shards or early exits.

mod course;
mod thresholds;

use kaskade_model::coin::{self, Block, BlockCoins, Family, Purpose};
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::job::JobPlan;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_model::{NodeId, Round};

use crate::ArcList;
pub use thresholds::arc_thresholds;
use thresholds::cumulative_weights;

/// Every simulation of `plan` on `graph`, ascending. O(simulations · rounds · arcs).
#[must_use]
pub fn rows(graph: &ArcList, plan: &JobPlan) -> Vec<SimulationRow> {
    outcomes(graph, plan).into_iter().map(|(row, _)| row).collect()
}

/// A node that became active: the round, the node, and who passed it on.
pub type Passed = (u32, u32, Option<u32>);

/// The same with who passed it to whom, by round and node; in epidemics
/// nobody does.
#[must_use]
pub fn outcomes(graph: &ArcList, plan: &JobPlan) -> Vec<(SimulationRow, Vec<Passed>)> {
    let rule = ArcRule::new(graph, plan);
    let simulations = plan.first_simulation..plan.first_simulation + plan.n_simulations;
    let one = |simulation| {
        let mut passed = Vec::new();
        let row = match plan.dynamics.is_plain() {
            true => simulate(graph, plan, &rule, simulation, &mut passed),
            false => course::simulate(graph, plan, &rule, simulation, &mut passed),
        };
        (row, passed)
    };
    simulations.map(one).collect()
}

/// Who of `sources`, which reach `target` in one round, is said to have passed it on.
fn parent(
    plan: &JobPlan,
    simulation: u64,
    target: u32,
    sources: impl Iterator<Item = u32>,
) -> Option<u32> {
    let key = coin::simulation_key(plan.seed, simulation);
    sources.min_by_key(|&source| coin::parent_place(NodeId(source), NodeId(target), key))
}

fn simulate(
    graph: &ArcList,
    plan: &JobPlan,
    rule: &ArcRule,
    simulation: u64,
    passed: &mut Vec<Passed>,
) -> SimulationRow {
    let live = rule.live_arcs(graph, plan, simulation);
    let in_arcs = graph.in_arcs();
    // By node: the round in which it became active.
    let mut activated: Vec<Option<u32>> = vec![None; graph.n_nodes() as usize];
    for seed in seeds(plan, &plan.seeds, 0, simulation) {
        activated[seed as usize] = Some(0);
    }
    let mut row =
        SimulationRow { simulation, new_per_round: Vec::new(), fingerprint: 0, series: Vec::new() };
    for round in 0.. {
        let nodes = (0..).map(NodeId).zip(&activated);
        let new: Vec<NodeId> =
            nodes.filter(|&(_, &since)| since == Some(round)).map(|(node, _)| node).collect();
        if new.is_empty() && round > 0 {
            break;
        }
        row.new_per_round.push(new.len() as u64);
        for node in new {
            let live = in_arcs[node.index()].iter().filter(|position| live[**position]);
            let sources = live.map(|position| graph.arcs()[*position].source);
            let reached = sources.filter(|source| {
                activated[*source as usize].is_some_and(|since| since + 1 == round)
            });
            let parent = parent(plan, simulation, node.0, reached);
            passed.push((round, node.0, parent));
            let term = coin::activation_fingerprint(node, Round(round));
            row.fingerprint = row.fingerprint.wrapping_add(term);
        }
        if plan.max_rounds == Some(round) {
            break;
        }
        for (arc, _) in graph.arcs().iter().zip(&live).filter(|&(_, &is_live)| is_live) {
            let transmits = activated[arc.source as usize] == Some(round);
            let target = &mut activated[arc.target as usize];
            if transmits && target.is_none() {
                *target = Some(round + 1);
            }
        }
    }
    row
}

/// What decides an arc, as integers of 2⁻³².
enum ArcRule {
    /// Independent cascade: an arc is live where its uniform lies below its threshold.
    Thresholds(Vec<u64>),
    /// The same with one probability and block coins: an arc is live where its slot of its block is.
    Blocks(Box<BlockCoins>),
    /// Linear threshold: by target, its in-arcs' positions and cumulative weights. A node
    /// listens to the first in-arc whose cumulative weight its uniform lies below.
    CumulativeWeights(Vec<Vec<(usize, u64)>>),
}

impl ArcRule {
    fn new(graph: &ArcList, plan: &JobPlan) -> Self {
        if let (Family::Block, Some(coins)) = (plan.coins, plan.model.block_coins()) {
            return Self::Blocks(Box::new(coins));
        }
        match &plan.model {
            LiveArcModel::IndependentCascade(probability) => {
                Self::Thresholds(arc_thresholds(graph, probability, plan.seed))
            }
            LiveArcModel::LinearThreshold(weight) => {
                Self::CumulativeWeights(cumulative_weights(graph, *weight))
            }
        }
    }

    /// Whether each arc is live in `simulation`.
    fn live_arcs(&self, graph: &ArcList, plan: &JobPlan, simulation: u64) -> Vec<bool> {
        let uniform = |item| uniform(plan, simulation, item);
        match self {
            Self::Thresholds(thresholds) => {
                let arcs = graph.arcs().iter().zip(thresholds);
                arcs.map(|(arc, &threshold)| {
                    let (source, target) = (NodeId(arc.source), NodeId(arc.target));
                    let item = coin::arc_item(source, target, Purpose::Arc);
                    u64::from(uniform(item)) < threshold
                })
                .collect()
            }
            Self::Blocks(coins) => {
                let mut n_before = vec![0; graph.n_nodes() as usize];
                let arcs = graph.arcs().iter();
                // Arcs come by source, then by target.
                arcs.map(|arc| {
                    let rank = &mut n_before[arc.source as usize];
                    let block = Block::of_rank(*rank);
                    let slot = *rank - block.first_rank;
                    *rank += 1;
                    let live = coins.slots(NodeId(arc.source), block, plan.seed, simulation);
                    live.contains(&slot)
                })
                .collect()
            }
            Self::CumulativeWeights(nodes) => {
                let mut live = vec![false; graph.arcs().len()];
                for (node, in_arcs) in (0..).map(NodeId).zip(nodes) {
                    let uniform = uniform(coin::node_item(node, Purpose::InArc));
                    let chosen = in_arcs.iter().find(|(_, sum)| u64::from(uniform) < *sum);
                    if let Some(&(position, _)) = chosen {
                        live[position] = true;
                    }
                }
                live
            }
        }
    }
}

/// The uniform of `item` in `simulation`.
fn uniform(plan: &JobPlan, simulation: u64, item: u64) -> u32 {
    match plan.coins {
        Family::Arc => coin::uniform(item, coin::simulation_key(plan.seed, simulation)),
        Family::Octet | Family::Block => coin::octet_uniform(plan.seed, item, simulation),
    }
}

/// The `seeds` of push number `push` in `simulation`; those drawn anew come from a Fisher–Yates shuffle of all nodes.
fn seeds(plan: &JobPlan, seeds: &SeedPlan, push: u64, simulation: u64) -> Vec<u32> {
    match seeds {
        SeedPlan::Fixed(nodes) => nodes.iter().collect(),
        SeedPlan::RandomEach(count) => {
            let key = coin::simulation_key(plan.seed, simulation);
            let mut nodes: Vec<u32> = (0..plan.n_nodes).collect();
            for position in 0..*count as usize {
                let item = coin::numbered_item(push << 32 | position as u64, Purpose::Seeds);
                let n_left = (nodes.len() - position) as u64;
                let step = (u64::from(coin::uniform(item, key)) * n_left) >> 32;
                nodes.swap(position, position + step as usize);
            }
            nodes.truncate(*count as usize);
            nodes
        }
    }
}
