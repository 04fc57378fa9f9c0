//! Linear threshold from the nodes back to the seeds, a whole batch at once.
//!
//! A simulation of a model in which a node listens to at most one in-arc is a forest, and perhaps
//! some cycles: every node points to the one whose activation activates it. A node becomes active
//! in the round after that one, so its round is its distance from a seed along the pointers, and it
//! stays inactive where they lead to no seed. Pointers are drawn node by node and followed node by
//! node, each once: O(nodes) a simulation, where a frontier looks at every out-arc of every active
//! node. That pays where much of the graph becomes active; the result is the same, bit for bit.

use kaskade_model::coin::{self, Family, Purpose};
use kaskade_model::diffusion::{Endpoints, LiveArcs, ModelError, RuleVisitor};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::recording::TracedActivation;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{NodeId, Round, Shard};
use rayon::prelude::*;

use super::outcomes::Outcomes;
use super::parents::TraceRoom;
use super::reach_counter::ReachCounter;
use super::{Effort, Parallelism};

/// Simulations whose pointers are drawn together: an octet, whose bytes come from one word.
const N_TOGETHER: u64 = 8;

/// The bytes that a thread takes for the `n_nodes` nodes of a graph. Those of all threads are taken in
/// place of lane state and, unless the way back is forced, are no more than it.
#[must_use]
pub fn backward_bytes(n_nodes: u64) -> u64 {
    n_nodes.saturating_mul(4 * (N_TOGETHER + 1))
}

/// Runs `batch` of `plan`, whose model chooses in-arcs, on the `shards` of the whole graph; `None`
/// when `is_interrupted` says so, which is asked once in eight simulations.
///
/// # Errors
/// [`ModelError`] when a shard lacks what the model reads.
pub fn run_backward<S: Shard>(
    shards: &[S],
    plan: &JobPlan,
    batch: &BatchPlan,
    parallelism: Parallelism,
    is_interrupted: &(impl Fn() -> bool + Sync),
) -> Result<Option<PartitionTally>, ModelError> {
    let end = batch.first_simulation + u64::from(batch.n_lanes);
    let reach = ReachCounter::new(plan.recording.nodes, plan.n_nodes, parallelism);
    let room = TraceRoom::new();
    let octets = batch.first_simulation / N_TOGETHER..end.div_ceil(N_TOGETHER);
    let of_octet = |forests: &mut Forests, octet: u64| {
        if is_interrupted() {
            return Ok(None);
        }
        forests.draw(shards, plan, octet)?;
        let begin = (octet * N_TOGETHER).max(batch.first_simulation);
        let simulations = begin..end.min((octet + 1) * N_TOGETHER);
        let mut outcomes = Outcomes::default();
        for simulation in simulations {
            forests.follow(plan, simulation, (&mut outcomes, &reach));
            if plan.traces_simulation(simulation) {
                let place = (simulation - batch.first_simulation) as u32;
                room.keep(&mut outcomes.trace, forests.trace(plan, simulation, place).into_iter());
            }
        }
        Ok(Some(outcomes))
    };
    let outcomes: Result<Option<Vec<Outcomes>>, ModelError> = match parallelism {
        Parallelism::Sequential => {
            let mut forests = Forests::new(plan.n_nodes);
            octets.map(|octet| of_octet(&mut forests, octet)).collect()
        }
        Parallelism::Pool => {
            let octets = octets.into_par_iter();
            octets.map_init(|| Forests::new(plan.n_nodes), of_octet).collect()
        }
    };
    let all =
        |outcomes: Vec<Outcomes>| outcomes.into_iter().fold(Outcomes::default(), Outcomes::append);
    Ok(outcomes?.map(|outcomes| PartitionTally {
        reached: reach.into_counts(),
        ..all(outcomes).tally(batch)
    }))
}

/// The last round of the job in which a node may become active.
fn last_round(plan: &JobPlan) -> u32 {
    plan.max_rounds.unwrap_or(NEVER - 1).min(NEVER - 1)
}

/// The pointers of eight simulations, and the rounds of one.
#[derive(Debug)]
struct Forests {
    n_nodes: usize,
    /// Simulation after simulation, node by node: whom the node listens to.
    parents: Vec<u32>,
    /// Node by node: the round in which it becomes active.
    rounds: Vec<u32>,
    path: Vec<u32>,
    new_per_round: Vec<u64>,
}

/// A node that listens to nobody.
const NOBODY: u32 = u32::MAX;

/// A node that was not looked at yet.
const UNKNOWN: u32 = u32::MAX;

/// A node that never becomes active, or lies on the path that is being followed.
const NEVER: u32 = u32::MAX - 1;

impl Forests {
    fn new(n_nodes: u32) -> Self {
        let n_nodes = n_nodes as usize;
        Self {
            n_nodes,
            parents: vec![NOBODY; N_TOGETHER as usize * n_nodes],
            rounds: vec![UNKNOWN; n_nodes],
            path: Vec::new(),
            new_per_round: Vec::new(),
        }
    }

    /// Draws whom each node listens to in the simulations of `octet`.
    fn draw<S: Shard>(
        &mut self,
        shards: &[S],
        plan: &JobPlan,
        octet: u64,
    ) -> Result<(), ModelError> {
        for shard in shards {
            let draw = Draw { forests: self, shard, plan, octet };
            // A model in which nodes choose reads no columns.
            plan.model.visit_rule(shard, (plan.seed, &Endpoints::Nothing), draw)?;
        }
        Ok(())
    }

    /// Follows the pointers of `simulation`, which is one of those drawn.
    fn follow(
        &mut self,
        plan: &JobPlan,
        simulation: u64,
        (outcomes, reach): (&mut Outcomes, &ReachCounter),
    ) {
        let Self { n_nodes, parents, rounds, path, new_per_round } = self;
        let lane = (simulation % N_TOGETHER) as usize;
        let parents = &parents[lane * *n_nodes..][..*n_nodes];
        rounds.fill(UNKNOWN);
        let last_round = last_round(plan);
        new_per_round.clear();
        let mut fingerprint = 0u64;
        let mut count = |node: u32, round: u32| {
            if round <= last_round {
                let round_idx = round as usize;
                if new_per_round.len() <= round_idx {
                    new_per_round.resize(round_idx + 1, 0);
                }
                new_per_round[round_idx] += 1;
                let term = coin::activation_fingerprint(NodeId(node), Round(round));
                fingerprint = fingerprint.wrapping_add(term);
            }
        };
        for seed in plan.seeds.of_simulation(plan.seed, simulation, plan.n_nodes, 0) {
            rounds[seed.index()] = 0;
            count(seed.0, 0);
        }
        for node in 0..*n_nodes as u32 {
            let mut at = node;
            // A path that comes back to itself meets `NEVER`.
            while rounds[at as usize] == UNKNOWN {
                rounds[at as usize] = NEVER;
                let parent = parents[at as usize];
                if parent == NOBODY {
                    break;
                }
                path.push(at);
                at = parent;
            }
            let mut round = rounds[at as usize];
            if round == NEVER {
                path.clear();
            }
            while let Some(node) = path.pop() {
                round += 1;
                rounds[node as usize] = round;
                count(node, round);
            }
        }
        outcomes.push(new_per_round, fingerprint);
        if reach.is_asked() {
            let reached = (0..).zip(&*rounds).filter(|(_, round)| **round <= last_round);
            reached.for_each(|(node, _)| reach.add(node));
        }
        let n_drawn = *n_nodes as u64;
        outcomes.effort += Effort { arcs_scanned: n_drawn, coins: n_drawn };
    }

    /// Who passed it to whom in `simulation`, the last that was followed, which is at `place` of its
    /// batch: whom a node listens to is the one who reached it.
    fn trace(&self, plan: &JobPlan, simulation: u64, place: u32) -> Vec<TracedActivation> {
        let lane = (simulation % N_TOGETHER) as usize;
        let parents = &self.parents[lane * self.n_nodes..][..self.n_nodes];
        let last_round = last_round(plan);
        let nodes = (0..).zip(self.rounds.iter().zip(parents));
        let reached = nodes.filter(|(_, (round, _))| **round <= last_round);
        let activation = |(node, (&round, &parent))| {
            // A seed listens to nobody, whoever reached it.
            let parent = (round > 0).then_some(parent);
            TracedActivation { place, round, node, parent }
        };
        reached.map(activation).collect()
    }
}

/// Draws the pointers of a shard's nodes.
struct Draw<'a, S> {
    forests: &'a mut Forests,
    shard: &'a S,
    plan: &'a JobPlan,
    octet: u64,
}

impl<S: Shard> RuleVisitor<S> for Draw<'_, S> {
    type Output = ();

    fn visit(self, rule: &impl LiveArcs) {
        let Self { forests, shard, plan, octet } = self;
        let own = shard.nodes();
        let keys: [u64; N_TOGETHER as usize] = std::array::from_fn(|lane| {
            coin::simulation_key(plan.seed, octet * N_TOGETHER + lane as u64)
        });
        let mut scratch = Vec::new();
        for node_idx in 0..own.n_nodes() as u32 {
            let node = own.node(node_idx);
            let item = coin::node_item(node, Purpose::InArc);
            let uniforms = match plan.coins {
                Family::Arc => keys.map(|key| coin::uniform(item, key)),
                Family::Octet | Family::Block => coin::octet_uniforms(plan.seed, item, octet),
            };
            let sources = shard.in_sources(node_idx, &mut scratch).unwrap_or(&[]);
            for (lane, uniform) in uniforms.into_iter().enumerate() {
                let chosen = rule.chosen_in_arc(node_idx, uniform);
                let parent = chosen.map_or(NOBODY, |rank| sources[rank as usize]);
                forests.parents[lane * forests.n_nodes + node.index()] = parent;
            }
        }
    }
}
