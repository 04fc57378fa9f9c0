//! Nodes that do more than those of a cascade, one simulation at a time, from the definitions:
//! every node has a state, every arrival a round, and a round looks at all of them.

use kaskade_model::coin::{self, Purpose};
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::dynamics::{
    ActivationRule, Channel, Course, DelayTable, Immunity, NodeRule, Sides, Tie,
};
use kaskade_model::job::JobPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_model::{NodeId, Round};

use super::{ArcRule, Passed, arc_thresholds, cumulative_weights, parent, seeds, uniform};
use crate::{Arc, ArcList};

/// Simulation number `simulation` of `plan`, whose dynamics are not plain.
pub(super) fn simulate(
    graph: &ArcList,
    plan: &JobPlan,
    rule: &ArcRule,
    simulation: u64,
    passed: &mut Vec<Passed>,
) -> SimulationRow {
    let mut row =
        SimulationRow { simulation, new_per_round: Vec::new(), fingerprint: 0, series: Vec::new() };
    let measures = plan.dynamics.measures();
    row.series = vec![Vec::new(); measures.len()];
    match plan.dynamics.rule {
        NodeRule::Epidemic(course) => {
            epidemic(graph, plan, (rule, course), &mut row, passed);
        }
        NodeRule::Contagion(_) | NodeRule::Threshold(_) => {
            contagion(graph, plan, rule, &mut row, passed);
        }
    }
    let n_rounds = row.new_per_round.iter().rposition(|&new| new > 0).map_or(1, |last| last + 1);
    row.new_per_round.resize(n_rounds, 0);
    for by_round in &mut row.series {
        while by_round.last() == Some(&0) {
            by_round.pop();
        }
    }
    row
}

/// A probability is met where the uniform lies below this many 2⁻³².
fn is_met(plan: &JobPlan, simulation: u64, item: u64, probability: f64) -> bool {
    u64::from(uniform(plan, simulation, item))
        < (probability * 2f64.powi(32)).round_ties_even() as u64
}

/// Who starts in `round`: node, side, the item that says whether, and the item of ties.
fn starters(plan: &JobPlan, simulation: u64, round: u32) -> Vec<(u32, u8, u64)> {
    let first = (round == 0).then_some((0, 0, &plan.seeds));
    let pushes = (1u64..).zip(&plan.dynamics.pushes);
    let later = pushes.filter(|(_, push)| push.round == round);
    let of_round =
        first.into_iter().chain(later.map(|(number, push)| (number, push.side, &push.seeds)));
    let mut starters = Vec::new();
    for (number, side, of_push) in of_round {
        for node in seeds(plan, of_push, number, simulation) {
            let item = |purpose| coin::numbered_item(number << 32 | u64::from(node), purpose);
            let fires = plan.dynamics.firing.is_none_or(|probability| {
                is_met(plan, simulation, item(Purpose::Firing), probability)
            });
            if fires {
                starters.push((node, side, item(Purpose::Tie)));
            }
        }
    }
    starters
}

fn last_push(plan: &JobPlan) -> u32 {
    plan.dynamics.pushes.iter().map(|push| push.round).max().unwrap_or(0)
}

/// Something reaches a node.
struct Arrival {
    round: u32,
    target: u32,
    /// side · channels + channel
    way: u8,
    tie_item: u64,
    /// None for a seed.
    source: Option<u32>,
}

/// The arcs of a channel in one simulation.
struct Layer {
    live: Vec<bool>,
    /// Of its arcs alone.
    in_degrees: Vec<u32>,
    delays: Option<DelayTable>,
    place: u8,
}

/// The layers of a job's channels; one of all arcs where there are none.
fn layers(graph: &ArcList, plan: &JobPlan, rule: &ArcRule, simulation: u64) -> Vec<Layer> {
    let dynamics = &plan.dynamics;
    if dynamics.channels.is_empty() {
        let live = rule.live_arcs(graph, plan, simulation);
        let (in_degrees, delays) = (graph.in_degrees(), dynamics.delay.table());
        return vec![Layer { live, in_degrees, delays, place: 0 }];
    }
    let layer = |channel: &Channel| {
        let (own, place) = (arcs_of(graph, channel), channel.place);
        let uniform = |item| u64::from(uniform(plan, simulation, coin::on_channel(item, place)));
        let mut of_own = match plan.model {
            LiveArcModel::IndependentCascade(_) => {
                let thresholds = arc_thresholds(&own, &channel.probability, plan.seed);
                let arcs = own.arcs().iter().zip(thresholds);
                arcs.map(|(arc, below)| uniform(item_of(arc, Purpose::Arc)) < below).collect()
            }
            LiveArcModel::LinearThreshold(_) => {
                let weight = channel.probability.channel_weight();
                let weight = weight.expect("the probability can be a weight");
                let mut live = vec![false; own.arcs().len()];
                for (node, in_arcs) in (0..).map(NodeId).zip(cumulative_weights(&own, weight)) {
                    let uniform = uniform(coin::node_item(node, Purpose::InArc));
                    let chosen = in_arcs.iter().find(|(_, sum)| uniform < *sum);
                    chosen.into_iter().for_each(|&(position, _)| live[position] = true);
                }
                live
            }
        }
        .into_iter();
        let (in_degrees, delays) = (own.in_degrees(), channel.delay.table());
        // Its arcs come in the order of the graph's.
        let of_graph =
            are_of(graph, channel).map(|is_there| is_there && of_own.next() == Some(true));
        Layer { live: of_graph.collect(), in_degrees, delays, place }
    };
    dynamics.channels.iter().map(layer).collect()
}

/// Of each arc whether it belongs to `channel`.
fn are_of<'a>(graph: &'a ArcList, channel: &Channel) -> impl Iterator<Item = bool> + 'a {
    let (channels, place) = (graph.channels(), channel.place);
    let channels = channels.expect("the graph of a job with channels has some");
    channels.iter().map(move |of| of >> place & 1 == 1)
}

/// The graph of the arcs of `channel`.
fn arcs_of(graph: &ArcList, channel: &Channel) -> ArcList {
    let own = graph.arcs().iter().zip(are_of(graph, channel)).filter(|(_, is_there)| *is_there);
    let own = ArcList::new(graph.n_nodes(), own.map(|(arc, _)| (arc.source, arc.target)));
    own.with_nodes(graph.nodes().clone())
}

fn item_of(arc: &Arc, purpose: Purpose) -> u64 {
    coin::arc_item(NodeId(arc.source), NodeId(arc.target), purpose)
}

fn contagion(
    graph: &ArcList,
    plan: &JobPlan,
    rule: &ArcRule,
    row: &mut SimulationRow,
    passed: &mut Vec<Passed>,
) {
    let (dynamics, simulation) = (&plan.dynamics, row.simulation);
    let layers = layers(graph, plan, rule, simulation);
    let n_channels = dynamics.channels.len().max(1) as u8;
    let mut heard = vec![0u8; graph.n_nodes() as usize];
    let n_nodes = graph.n_nodes() as usize;
    let mut is_active = vec![false; n_nodes];
    let mut n_came = vec![vec![0u32; n_nodes]; layers.len()];
    let mut under_way: Vec<Arrival> = Vec::new();
    let mut transmitting: Vec<(u32, u8)> = Vec::new();
    for round in 0.. {
        // What was sent in the last round is under way.
        for (channel, layer) in (0u8..).zip(&layers) {
            let arcs = graph.arcs().iter().zip(&layer.live);
            for (arc, _) in arcs.filter(|&(_, &is_live)| is_live) {
                for &(_, side) in transmitting.iter().filter(|(node, _)| *node == arc.source) {
                    let item = |purpose| coin::on_channel(item_of(arc, purpose), layer.place);
                    let n_rounds = layer.delays.as_ref().map_or(1, |table| {
                        table.rounds(uniform(plan, simulation, item(Purpose::Delay)))
                    });
                    let (round, tie_item) = (round - 1 + n_rounds, item(Purpose::Tie));
                    let (source, target) = (Some(arc.source), arc.target);
                    let way = side * n_channels + channel;
                    under_way.push(Arrival { round, target, way, tie_item, source });
                }
            }
        }
        transmitting.clear();
        for (target, side, tie_item) in starters(plan, simulation, round) {
            let way = side * n_channels;
            under_way.push(Arrival { round, target, way, tie_item, source: None });
        }
        let (due, later): (Vec<_>, Vec<_>) = under_way.into_iter().partition(|a| a.round == round);
        under_way = later;

        row.new_per_round.push(0);
        row.series.iter_mut().for_each(|by_round| by_round.push(0));
        for node in 0..graph.n_nodes() {
            if is_active[node as usize] {
                continue;
            }
            let reached: Vec<&Arrival> = due.iter().filter(|a| a.target == node).collect();
            let is_seed = reached.iter().any(|arrival| arrival.source.is_none());
            // The channels over which enough has come, by this round's arrivals.
            let mut enough = 0u8;
            for arrival in reached.iter().filter(|arrival| arrival.source.is_some()) {
                let channel = usize::from(arrival.way % n_channels);
                n_came[channel][node as usize] += 1;
                let wanted = match dynamics.rule {
                    NodeRule::Threshold(requirement) => {
                        let item = coin::node_item(NodeId(node), Purpose::Requirement);
                        let item = coin::on_channel(item, layers[channel].place);
                        let in_degree = layers[channel].in_degrees[node as usize];
                        requirement.of(in_degree, uniform(plan, simulation, item))
                    }
                    _ => 1,
                };
                // Whom a cascade reaches again over one channel, it reaches.
                let waits = matches!(dynamics.rule, NodeRule::Threshold(_));
                let was_enough = heard[node as usize] >> channel & 1 == 1;
                if n_came[channel][node as usize] >= wanted && !(waits && was_enough) {
                    enough |= 1 << channel;
                }
            }
            heard[node as usize] |= enough;
            let is_enough = match dynamics.activation {
                ActivationRule::All => {
                    enough > 0 && heard[node as usize].count_ones() == u32::from(n_channels)
                }
                ActivationRule::Any => enough > 0,
            };
            if !(is_enough || is_seed) {
                continue;
            }
            is_active[node as usize] = true;
            // A seed is as if over the first channel.
            enough |= u8::from(is_seed);
            let reached: Vec<&Arrival> = reached
                .into_iter()
                .filter(|arrival| enough >> (arrival.way % n_channels) & 1 == 1)
                .collect();
            let way = way_of(plan, simulation, &reached);
            let same_way = reached.iter().filter(|arrival| arrival.way == way);
            let sources = same_way.filter_map(|arrival| arrival.source);
            passed.push((round, node, parent(plan, simulation, node, sources)));
            add(&mut row.new_per_round, 1);
            let term = coin::activation_fingerprint(NodeId(node), Round(round));
            row.fingerprint = row.fingerprint.wrapping_add(term);

            let (mut side, channel) = (way / n_channels, way % n_channels);
            let item = |purpose| coin::node_item(NodeId(node), purpose);
            let draws = |purpose, probability| is_met(plan, simulation, item(purpose), probability);
            if let NodeRule::Contagion(Sides::Opinion { quality }) = dynamics.rule {
                side = u8::from(!(side == 0 && draws(Purpose::Opinion, quality)));
            }
            let mut measures = row.series.iter_mut();
            if dynamics.n_sides() > 1 {
                for (of_side, by_round) in (0..dynamics.n_sides()).zip(measures.by_ref()) {
                    add(by_round, u64::from(of_side == usize::from(side)));
                }
            }
            for (number, _) in (0u8..).zip(&dynamics.channels) {
                let by_round = measures.next().expect(MEASURED);
                add(by_round, u64::from(number == channel && !is_seed));
            }
            let mut forwards = true;
            if let Some(forward) = dynamics.conduct.forward {
                forwards = is_seed || draws(Purpose::Forward, forward);
                add(measures.next().expect(MEASURED), forwards.into());
            }
            if let Some(endorse) = dynamics.conduct.endorse {
                let endorses = draws(Purpose::Endorse, endorse);
                add(measures.next().expect(MEASURED), endorses.into());
            }
            if forwards {
                transmitting.push((node, side));
            }
        }
        let is_over = transmitting.is_empty() && under_way.is_empty() && round >= last_push(plan);
        if is_over || plan.max_rounds == Some(round) {
            break;
        }
    }
}

const MEASURED: &str = "what is asked for is measured";

/// Adds to the number of this round.
fn add(by_round: &mut [u64], number: u64) {
    if let Some(of_round) = by_round.last_mut() {
        *of_round += number;
    }
}

/// How a node came to be active that was reached like that.
fn way_of(plan: &JobPlan, simulation: u64, reached: &[&Arrival]) -> u8 {
    let first_listed =
        matches!(plan.dynamics.rule, NodeRule::Contagion(Sides::Campaigns { tie: Tie::First, .. }));
    let place = |arrival: &&&Arrival| {
        let uniform = uniform(plan, simulation, arrival.tie_item);
        if first_listed {
            (u32::from(arrival.way), 0, 0)
        } else {
            (uniform, arrival.tie_item, arrival.way)
        }
    };
    reached.iter().min_by_key(place).map_or(0, |arrival| arrival.way)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Susceptible,
    Exposed,
    Infectious,
    Immune,
}

fn epidemic(
    graph: &ArcList,
    plan: &JobPlan,
    (rule, course): (&ArcRule, Course),
    row: &mut SimulationRow,
    passed: &mut Vec<Passed>,
) {
    let ArcRule::Thresholds(thresholds) = rule else { panic!("epidemics have independent arcs") };
    let (dynamics, simulation) = (&plan.dynamics, row.simulation);
    let n_channels = dynamics.channels.len();
    // By channel its place, and the thresholds of the graph's arcs; no arc of another is below 0.
    let of_channel = |channel: &Channel| {
        let own = arc_thresholds(&arcs_of(graph, channel), &channel.probability, plan.seed);
        let mut own = own.into_iter();
        let of_graph = are_of(graph, channel);
        let of_graph = of_graph.map(|is_there| if is_there { own.next().unwrap_or(0) } else { 0 });
        (channel.place, of_graph.collect())
    };
    let layers: Vec<(u8, Vec<u64>)> = match n_channels {
        0 => vec![(0, thresholds.clone())],
        _ => dynamics.channels.iter().map(of_channel).collect(),
    };
    let mut states = vec![State::Susceptible; graph.n_nodes() as usize];
    let mut was_infected = vec![false; graph.n_nodes() as usize];
    for number in 0.. {
        let round = Round(number);
        let before = states.clone();
        let draws =
            |item, probability| is_met(plan, simulation, coin::at_round(item, round), probability);
        // Those who carried it before go on.
        for (node, state) in (0..).map(NodeId).zip(&mut states) {
            let item = |purpose| coin::node_item(node, purpose);
            *state = match (*state, course.incubation, course.immunity) {
                (State::Exposed, Some(incubation), _)
                    if draws(item(Purpose::Incubation), incubation) =>
                {
                    State::Infectious
                }
                (State::Infectious, _, immunity)
                    if draws(item(Purpose::Recovery), course.recovery) =>
                {
                    match immunity {
                        Immunity::None => State::Susceptible,
                        Immunity::Lasting | Immunity::Waning(_) => State::Immune,
                    }
                }
                (State::Immune, _, Immunity::Waning(waning))
                    if draws(item(Purpose::Waning), waning) =>
                {
                    State::Susceptible
                }
                (state, _, _) => state,
            };
        }
        // Those who were susceptible before may catch it.
        let mut due = Vec::new();
        for (way, (place, thresholds)) in (0u8..).zip(&layers) {
            for (arc, &threshold) in graph.arcs().iter().zip(thresholds) {
                let item = |purpose| coin::on_channel(item_of(arc, purpose), *place);
                let of_round = coin::at_round(item(Purpose::Arc), round);
                let is_live = u64::from(uniform(plan, simulation, of_round)) < threshold;
                if is_live && before[arc.source as usize] == State::Infectious {
                    let (target, source) = (arc.target, Some(arc.source));
                    let tie_item = item(Purpose::Tie);
                    due.push(Arrival { round: number, target, way, tie_item, source });
                }
            }
        }
        for (target, _, tie_item) in starters(plan, simulation, number) {
            due.push(Arrival { round: number, target, way: 0, tie_item, source: None });
        }
        row.new_per_round.push(0);
        let mut n_infections = 0;
        let mut by_channel = vec![0; n_channels];
        for node in 0..graph.n_nodes() {
            let reached: Vec<&Arrival> = due.iter().filter(|a| a.target == node).collect();
            if reached.is_empty() || before[node as usize] != State::Susceptible {
                continue;
            }
            n_infections += 1;
            let is_seed = reached.iter().any(|arrival| arrival.source.is_none());
            states[node as usize] = match course.incubation {
                Some(_) if !is_seed => State::Exposed,
                _ => State::Infectious,
            };
            if !std::mem::replace(&mut was_infected[node as usize], true) {
                passed.push((number, node, None));
                let way = usize::from(way_of(plan, simulation, &reached));
                if let Some(of_channel) = by_channel.get_mut(way).filter(|_| !is_seed) {
                    *of_channel += 1;
                }
                add(&mut row.new_per_round, 1);
                let term = coin::activation_fingerprint(NodeId(node), round);
                row.fingerprint = row.fingerprint.wrapping_add(term);
            }
        }
        let count = |wanted| states.iter().filter(|&&state| state == wanted).count() as u64;
        let (exposed, infectious) = (count(State::Exposed), count(State::Infectious));
        let mut numbers = vec![n_infections];
        numbers.extend(course.incubation.map(|_| exposed));
        numbers.push(infectious);
        numbers.extend(by_channel);
        row.series.iter_mut().zip(numbers).for_each(|(by_round, number)| by_round.push(number));
        let is_over = exposed + infectious == 0 && number >= last_push(plan);
        if is_over || plan.max_rounds == Some(number) {
            break;
        }
    }
}
