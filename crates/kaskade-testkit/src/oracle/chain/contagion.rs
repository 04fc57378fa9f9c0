use kaskade_model::dynamics::{Delay, NodeRule, Requirement, Sides, Tie};
use kaskade_model::job::JobPlan;

use super::{Chance, Outcome, Process, product, starters};
use crate::textbook::Diffusion;
use crate::{Arc, ArcList};

/// Cascades and thresholds: a node becomes active once, and transmits in the round after.
pub(super) struct Contagion<'a> {
    graph: &'a ArcList,
    plan: &'a JobPlan,
    diffusion: Diffusion,
}

/// All nodes, and the messages under way to those that are not active.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    nodes: Vec<Node>,
    under_way: Vec<Message>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    stage: Stage,
    /// Live arcs that it still waits for.
    waits_for: u32,
    /// The one source whose arc is live, under linear threshold.
    listens_to: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Waiting,
    /// Active since this round, and to pass the message on.
    Transmitting(u8),
    /// Active, with nothing more to do.
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    round: u32,
    target: u32,
    side: u8,
    is_seed: bool,
}

/// What became of a node in a round.
#[derive(Clone, Copy)]
struct Reaction {
    node: Node,
    activation: Option<Activation>,
}

#[derive(Clone, Copy)]
struct Activation {
    side: u8,
    forwards: bool,
}

impl<'a> Contagion<'a> {
    pub(super) fn new(graph: &'a ArcList, plan: &'a JobPlan) -> Self {
        Self { graph, plan, diffusion: Diffusion::of(graph, &plan.model) }
    }

    /// What the nodes that transmit send, arc by arc, and which seeds start.
    fn messages(&self, round: u32, state: &State) -> Vec<Chance<Vec<Option<Message>>>> {
        let waits = |node: u32| state.nodes[node as usize].stage == Stage::Waiting;
        let arcs = self.graph.arcs().iter().enumerate().filter(|(_, arc)| waits(arc.target));
        let sent = arcs.filter_map(|(position, arc)| {
            let Stage::Transmitting(side) = state.nodes[arc.source as usize].stage else {
                return None;
            };
            let live = self.live(position, arc, &state.nodes[arc.target as usize]);
            let mut options: Vec<Chance<Option<Message>>> = Vec::new();
            for (chance, rounds) in self.delays(round) {
                let round = round - 1 + rounds;
                let message = Message { round, target: arc.target, side, is_seed: false };
                options.push((live * chance, Some(message)));
            }
            let arrives: f64 = options.iter().map(|(chance, _)| chance).sum();
            options.push((1.0 - arrives, None));
            Some(options)
        });
        let seeds = starters(self.plan, round).into_iter().filter(|&(node, ..)| waits(node));
        let started = seeds.map(|(target, side, chance)| {
            let message = Message { round, target, side, is_seed: true };
            vec![(chance, Some(message)), (1.0 - chance, None)]
        });
        product(sent.chain(started))
    }

    /// The probability that an attempt succeeds.
    fn live(&self, position: usize, arc: &Arc, target: &Node) -> f64 {
        match &self.diffusion {
            Diffusion::IndependentCascade(probabilities) => probabilities[position],
            Diffusion::LinearThreshold(_) => {
                f64::from(u8::from(target.listens_to == Some(arc.source)))
            }
        }
    }

    /// The delays that end in time of what is sent for `round`.
    fn delays(&self, round: u32) -> Vec<Chance<u32>> {
        match &self.plan.dynamics.delay {
            Delay::NextRound => vec![(1.0, 1)],
            Delay::Constant(rounds) => vec![(1.0, *rounds)],
            Delay::Meeting(meeting) => {
                let last = self.plan.max_rounds.expect("meetings may take for ever");
                let in_time = 1..=last + 1 - round;
                let missed = |rounds: u32| (1.0 - meeting).powf(f64::from(rounds - 1));
                in_time.map(|rounds| (missed(rounds) * meeting, rounds)).collect()
            }
            Delay::Table(weights) => {
                let total: f64 = weights.iter().sum();
                weights.iter().zip(1..).map(|(weight, rounds)| (weight / total, rounds)).collect()
            }
        }
    }

    /// What `node` may do when `arrived` reach it.
    fn reactions(&self, node: Node, arrived: &[Message]) -> Vec<Chance<Reaction>> {
        let n_arcs = arrived.iter().filter(|message| !message.is_seed).count() as u32;
        let is_seed = arrived.iter().any(|message| message.is_seed);
        let waits_for = node.waits_for.saturating_sub(n_arcs);
        if waits_for > 0 && !is_seed || arrived.is_empty() {
            return vec![(1.0, Reaction { node: Node { waits_for, ..node }, activation: None })];
        }
        let forward = match self.plan.dynamics.conduct.forward {
            Some(forward) if !is_seed => forward,
            _ => 1.0,
        };
        let active = |side, forwards| {
            let stage = if forwards { Stage::Transmitting(side) } else { Stage::Done };
            let node = Node { stage, waits_for: 0, listens_to: None };
            Reaction { node, activation: Some(Activation { side, forwards }) }
        };
        let sides = self.sides(arrived).into_iter();
        sides
            .flat_map(|(chance, side)| {
                [
                    (chance * forward, active(side, true)),
                    (chance * (1.0 - forward), active(side, false)),
                ]
            })
            .collect()
    }

    /// The side of a node that `arrived` make active.
    fn sides(&self, arrived: &[Message]) -> Vec<Chance<u8>> {
        let each = 1.0 / arrived.len() as f64;
        let any_of_them = arrived.iter().map(|message| (each, message.side));
        match &self.plan.dynamics.rule {
            NodeRule::Contagion(Sides::Campaigns { tie: Tie::First, .. }) => {
                let first = arrived.iter().map(|message| message.side).min();
                vec![(1.0, first.expect("somebody arrived"))]
            }
            NodeRule::Contagion(Sides::Campaigns { tie: Tie::Random, .. }) => any_of_them.collect(),
            NodeRule::Contagion(Sides::Opinion { quality }) => {
                let hears_good = any_of_them.filter(|(_, side)| *side == 0).count() as f64 * each;
                let stays_good = hears_good * quality;
                vec![(stays_good, 0), (1.0 - stays_good, 1)]
            }
            _ => vec![(1.0, 0)],
        }
    }

    /// For each measure what `activations` add to it.
    fn counted(&self, activations: &[Activation]) -> Vec<f64> {
        let dynamics = &self.plan.dynamics;
        let number = |is_counted: &dyn Fn(&Activation) -> bool| {
            activations.iter().filter(|activation| is_counted(activation)).count() as f64
        };
        let mut counted = vec![activations.len() as f64];
        if let NodeRule::Contagion(sides @ (Sides::Opinion { .. } | Sides::Campaigns { .. })) =
            &dynamics.rule
        {
            let sides = 0..sides.count();
            counted.extend(sides.map(|side| number(&|of| usize::from(of.side) == side)));
        }
        if dynamics.conduct.forward.is_some() {
            counted.push(number(&|of| of.forwards));
        }
        counted.extend(dynamics.conduct.endorse.map(|endorse| endorse * activations.len() as f64));
        counted
    }
}

impl Process for Contagion<'_> {
    type State = State;

    fn start(&self) -> Vec<Chance<State>> {
        let in_degrees = self.graph.in_degrees();
        let in_arcs = self.graph.in_arcs();
        let nodes = (0..self.plan.n_nodes as usize).map(|node| {
            let requirements = match self.plan.dynamics.rule {
                NodeRule::Threshold(requirement) => waits(requirement, in_degrees[node]),
                _ => vec![(1.0, 1)],
            };
            let mut listened_to = vec![(1.0, None)];
            if let Diffusion::LinearThreshold(weights) = &self.diffusion {
                for &position in &in_arcs[node] {
                    listened_to[0].0 -= weights[position];
                    listened_to.push((weights[position], Some(self.graph.arcs()[position].source)));
                }
            }
            let pairs = requirements.into_iter().flat_map(|(chance, waits_for)| {
                listened_to.clone().into_iter().map(move |(weight, listens_to)| {
                    (chance * weight, Node { stage: Stage::Waiting, waits_for, listens_to })
                })
            });
            pairs.collect()
        });
        let ways = product(nodes).into_iter();
        ways.map(|(chance, nodes)| (chance, State { nodes, under_way: Vec::new() })).collect()
    }

    fn step(&self, round: u32, state: &State) -> Vec<Chance<Outcome<State>>> {
        let mut outcomes = Vec::new();
        for (chance, sent) in self.messages(round, state) {
            let messages = state.under_way.iter().copied().chain(sent.into_iter().flatten());
            let (due, later): (Vec<_>, Vec<_>) = messages.partition(|of| of.round == round);
            let choices = state.nodes.iter().zip(0..).map(|(node, place)| match node.stage {
                Stage::Waiting => {
                    let arrived = due.iter().copied().filter(|message| message.target == place);
                    self.reactions(*node, &arrived.collect::<Vec<_>>())
                }
                Stage::Transmitting(_) | Stage::Done => {
                    let node = Node { stage: Stage::Done, ..*node };
                    vec![(1.0, Reaction { node, activation: None })]
                }
            });
            for (of_nodes, reactions) in product(choices) {
                let nodes: Vec<Node> = reactions.iter().map(|reaction| reaction.node).collect();
                let matters =
                    |message: &&Message| nodes[message.target as usize].stage == Stage::Waiting;
                let mut under_way: Vec<Message> = later.iter().filter(matters).copied().collect();
                under_way.sort_unstable();
                let activations: Vec<Activation> =
                    reactions.iter().filter_map(|reaction| reaction.activation).collect();
                let counted = self.counted(&activations);
                let outcome = Outcome { state: State { nodes, under_way }, counted };
                outcomes.push((chance * of_nodes, outcome));
            }
        }
        outcomes
    }

    fn is_over(&self, state: &State) -> bool {
        let transmits = |node: &Node| matches!(node.stage, Stage::Transmitting(_));
        state.under_way.is_empty() && !state.nodes.iter().any(transmits)
    }

    fn spread(&self, state: &State) -> usize {
        state.nodes.iter().filter(|node| node.stage != Stage::Waiting).count()
    }
}

/// How many live arcs a node of `in_degree` waits for: the least that are at least one, and at
/// least what is required.
fn waits(requirement: Requirement, in_degree: u32) -> Vec<Chance<u32>> {
    let degree = f64::from(in_degree);
    match requirement {
        Requirement::Share(share) => {
            let is_enough = |count: &u32| f64::from(*count) >= share * degree - 1e-9;
            vec![(1.0, (1..).find(is_enough).expect("all neighbours are enough"))]
        }
        Requirement::UniformShare(low, high) if low == high => {
            waits(Requirement::Share(low), in_degree)
        }
        Requirement::UniformShare(low, high) => {
            // Shares in ((count − 1)/degree, count/degree] wait for `count`; those of 0 for one.
            let up_to = |count: u32| match count {
                0 => 0.0,
                _ => ((f64::from(count) / degree - low) / (high - low)).clamp(0.0, 1.0),
            };
            let counts = 1..=in_degree.max(1);
            match in_degree {
                0 => vec![(1.0, 1)],
                _ => counts.map(|count| (up_to(count) - up_to(count - 1), count)).collect(),
            }
        }
        Requirement::Count(count) => vec![(1.0, count)],
        Requirement::UniformCount(low, high) => {
            let each = 1.0 / f64::from(high - low + 1);
            (low..=high).map(|count| (each, count)).collect()
        }
    }
}
