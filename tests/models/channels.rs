//! Messages that go along several layers of arcs.

use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_model::NodeId;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{
    ArcProbability, ArcWeight, FactorColumns, LiveArcModel, SegmentMatrix,
};
use kaskade_model::dynamics::{
    ActivationRule, Channel, Course, Delay, Dynamics, Immunity, NodeColumns, NodeRule, Push,
    Requirement, Selector, Tie, Value,
};
use kaskade_model::job::JobPlan;
use kaskade_model::recording::Recording;
use kaskade_model::tally::SimulationRow;
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::oracle;
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run_as};
use kaskade_testkit::{ArcList, NodeTable, fixtures, reference};

use super::{FAMILIES, campaigns, cascade};

const MAIL: u8 = 0;
const SMS: u8 = 1;
const SIMULATIONS: u64 = 1 << 17;

fn channel(place: u8, probability: f64) -> Channel {
    Channel {
        name: format!("channel-{place}"),
        place,
        probability: ArcProbability::Constant(probability),
        delay: Delay::NextRound,
        audience: None,
    }
}

fn over(channels: impl IntoIterator<Item = Channel>, activation: ActivationRule) -> Dynamics {
    let channels = channels.into_iter().collect();
    Dynamics { channels, activation, ..Dynamics::default() }
}

/// Simulations of `dynamics` on `graph` from node 0.
fn rows(graph: &ArcList, dynamics: &Dynamics, coins: Family, n: u64) -> Vec<SimulationRow> {
    assert_eq!(dynamics.check(), Ok(()));
    let dynamics = dynamics.clone();
    let plan = JobPlan { coins, dynamics, ..plan(graph, cascade(0.5), fixed_seeds([0]), n) };
    run_as(graph, &plan, Layout::new(2, 2, 2))
}

fn total(by_round: &[u64]) -> u64 {
    by_round.iter().sum()
}

fn five_nodes() -> ArcList {
    ArcList::new(5, [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3), (3, 4), (4, 1), (4, 2)])
}

/// Some arcs in one of three channels, some in several.
fn layered() -> ArcList {
    let graph = fixtures::erdos_renyi(200, 6.0, 3);
    graph.with_channels(|arc| 1 + ((arc.source * 5 + arc.target * 3) % 7) as u8)
}

/// `graph` without the arcs that do not belong to the channel at `place`, which its arcs keep.
fn alone(graph: &ArcList, place: u8) -> ArcList {
    let channels = graph.channels().expect("the graph has channels");
    let own = graph.arcs().iter().zip(channels).filter(|(_, of)| *of >> place & 1 == 1);
    let own = ArcList::new(graph.n_nodes(), own.map(|(arc, _)| (arc.source, arc.target)));
    own.with_channels(|_| 1 << place)
}

#[test]
fn one_channel_is_the_plain_cascade() {
    let graph = fixtures::erdos_renyi(300, 6.0, 1).with_channels(|_| 1);
    for coins in FAMILIES {
        let expected = {
            let plan = plan(&graph, cascade(0.25), fixed_seeds([0]), 600);
            run_as(&graph, &JobPlan { coins, ..plan }, Layout::new(3, 2, 2))
        };
        for activation in [ActivationRule::Any, ActivationRule::All] {
            let found = rows(&graph, &over([channel(MAIL, 0.25)], activation), coins, 600);
            for (found, expected) in found.iter().zip(&expected) {
                let attributed = total(&found.series[0]);
                assert_eq!(attributed, found.spread() - 1, "all but the seed came over it");
                let plain = SimulationRow { series: Vec::new(), ..found.clone() };
                assert_eq!(plain, *expected, "{coins:?}, {activation:?}");
            }
        }
    }
}

/// What the columns say of the nodes of an arc holds on a channel, too.
#[test]
fn channels_whose_arcs_depend_on_their_nodes() {
    let nodes = NodeTable::default()
        .with_numbers("heard", (0..200).map(|node| f64::from(node % 9) / 8.0))
        .with_categories("group", (0..200).map(|node| ["a", "b", ""][node as usize % 3]));
    let graph = layered().with_nodes(nodes.clone());
    let factors = FactorColumns { influence: Some("heard".to_owned()), susceptibility: None };
    let factors = ArcProbability::Factors(factors);
    let matrix = SegmentMatrix {
        segment: "group".to_owned(),
        default: 0.2,
        from: [("a".to_owned(), [("b".to_owned(), 0.9)].into())].into(),
    };
    let by_nodes = |place, probability| Channel { probability, ..channel(place, 0.0) };
    let both = over(
        [by_nodes(MAIL, factors.clone()), by_nodes(SMS, ArcProbability::Segments(matrix))],
        ActivationRule::Any,
    );
    let seeds = || fixed_seeds([1, 5]);
    for coins in FAMILIES {
        let plan =
            |dynamics| JobPlan { coins, dynamics, ..plan(&graph, cascade(0.5), seeds(), 300) };
        let job = plan(both.clone());
        let found = run_as(&graph, &job, Layout::new(3, 2, 2));
        assert!(found.iter().any(|row| row.spread() > 20), "something happens");
        assert_eq!(found, reference::rows(&graph, &job), "{coins:?}");
        // One channel of all arcs is the plain cascade.
        let all = fixtures::erdos_renyi(200, 6.0, 3).with_channels(|_| 1).with_nodes(nodes.clone());
        let one = plan(over([by_nodes(MAIL, factors.clone())], ActivationRule::Any));
        let model = LiveArcModel::IndependentCascade(factors.clone());
        let plain = JobPlan { model, ..plan(Dynamics::default()) };
        let found = run_as(&all, &one, Layout::plain());
        for (found, expected) in found.iter().zip(run_as(&all, &plain, Layout::plain())) {
            assert_eq!(found.new_per_round, expected.new_per_round);
            assert_eq!(found.fingerprint, expected.fingerprint);
        }
    }
}

/// Where all arcs belong to both, it is enough that one is live: 1 − (1 − p)(1 − q).
#[test]
fn any_of_two_channels_is_a_cascade_with_the_chance_of_either() {
    let (p, q) = (0.3, 0.4);
    let either = plan(&five_nodes(), cascade(p + q - p * q), fixed_seeds([0]), SIMULATIONS);
    let expected = oracle::chain(&five_nodes(), &either);
    let graph = five_nodes().with_channels(|_| 3);
    for coins in FAMILIES {
        let both = over([channel(MAIL, p), channel(SMS, q)], ActivationRule::Any);
        let rows = rows(&graph, &both, coins, SIMULATIONS);
        let spread = Estimate::of_counts(rows.iter().map(SimulationRow::spread));
        assert_mean("spread", spread, expected.mean_spread());
        for (size, &chance) in (0u64..).zip(&expected.spread) {
            let n_such = rows.iter().filter(|row| row.spread() == size).count() as f64;
            let standard_error = (chance * (1.0 - chance) / SIMULATIONS as f64).sqrt();
            let share = Estimate { mean: n_such / SIMULATIONS as f64, standard_error };
            assert_mean(&format!("P(spread = {size})"), share, chance);
        }
        for row in &rows {
            let attributed = total(&row.series[0]) + total(&row.series[1]);
            assert_eq!(attributed, row.spread() - 1, "each activation came over one of them");
        }
    }
}

/// Of two live arcs each is as likely to be the one that counts, whatever their channels.
#[test]
fn activations_are_attributed_to_a_live_arc_by_chance() {
    let (p, q) = (0.6, 0.5);
    let graph = ArcList::new(2, [(0, 1)]).with_channels(|_| 3);
    for coins in FAMILIES {
        for (sides, wins) in [(Dynamics::default(), 0.5), (campaigns(1, Tie::First), 1.0)] {
            let channels = vec![channel(MAIL, p), channel(SMS, q)];
            let rows = rows(&graph, &Dynamics { channels, ..sides }, coins, SIMULATIONS);
            let first = rows[0].series.len() - 2;
            let mails = rows.iter().map(|row| total(&row.series[first]));
            let by_mail = p * (1.0 - q) + p * q * wins;
            assert_mean("by mail", Estimate::of_counts(mails), by_mail);
            let sms = rows.iter().map(|row| total(&row.series[first + 1]));
            assert_mean("by sms", Estimate::of_counts(sms), p + q - p * q - by_mail);
        }
    }
}

/// A node that waits for both channels becomes active when the later message arrives, and owes it
/// to that one.
#[test]
fn all_channels_must_reach_a_node() {
    let (p, q) = (0.6, 0.5);
    let graph = ArcList::new(3, [(0, 1), (1, 2)]).with_channels(|_| 3);
    for coins in FAMILIES {
        let slow = Channel { delay: Delay::Constant(3), ..channel(SMS, q) };
        let both = over([channel(MAIL, p), slow], ActivationRule::All);
        let rows = rows(&graph, &both, coins, SIMULATIONS);
        let spread = Estimate::of_counts(rows.iter().map(SimulationRow::spread));
        assert_mean("spread", spread, 1.0 + p * q + (p * q).powi(2));
        assert!(rows.iter().any(|row| row.spread() == 3));
        for row in &rows {
            let full = [1, 0, 0, 1, 0, 0, 1];
            let n_rounds = row.new_per_round.len();
            assert_eq!(row.new_per_round, full[..n_rounds], "in every third round");
            assert_eq!(total(&row.series[0]), 0, "mail always comes first");
            assert_eq!(total(&row.series[1]), row.spread() - 1);
        }
    }
    let other = ArcList::new(2, [(0, 1)]).with_channels(|_| 1);
    let both = over([channel(MAIL, 1.0), channel(SMS, 1.0)], ActivationRule::All);
    let unreached = rows(&other, &both, Family::Octet, 64);
    assert!(unreached.iter().all(|row| row.spread() == 1), "no arc of the second leads there");
}

/// Whoever waits for several of its in-neighbours waits for them over each channel alone (Lee, Brummitt
/// and Goh 2014): for a share of the arcs that it has there, and for a draw of its own.
#[test]
fn thresholds_are_of_each_channel() {
    let (p, q) = (0.6, 0.5);
    // Node 9 has four arcs over mail and five over SMS, one of them over both; all sources are seeds.
    let graph = ArcList::new(10, (0..8).map(|source| (source, 9)))
        .with_channels(|arc| u8::from(arc.source < 4) | u8::from(arc.source >= 3) << 1);
    let at_least = |count: u32, n: u32, chance: f64| -> f64 {
        let choose = |k: u32| (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product::<f64>();
        let of = |k: u32| choose(k) * chance.powi(k as i32) * (1.0 - chance).powi((n - k) as i32);
        (count..=n).map(of).sum()
    };
    // Of a share that is uniform, the part of the neighbours that are live is the chance.
    let uniform = |n: u32, chance: f64| -> f64 {
        (1..=n).map(|count| at_least(count, n, chance) / f64::from(n)).sum()
    };
    let cases = [
        (Requirement::Count(2), at_least(2, 4, p), at_least(2, 5, q)),
        (Requirement::Share(0.5), at_least(2, 4, p), at_least(3, 5, q)),
        (Requirement::UniformShare(0.0, 1.0), uniform(4, p), uniform(5, q)),
    ];
    for coins in FAMILIES {
        for (requirement, by_mail, by_sms) in cases {
            let both = by_mail * by_sms;
            let rules =
                [(ActivationRule::Any, by_mail + by_sms - both), (ActivationRule::All, both)];
            for (activation, chance) in rules {
                let channels = vec![channel(MAIL, p), channel(SMS, q)];
                let rule = NodeRule::Threshold(requirement);
                let dynamics = Dynamics { rule, channels, activation, ..Dynamics::default() };
                let plan = plan(&graph, cascade(0.5), fixed_seeds(0..9), SIMULATIONS);
                let plan = JobPlan { coins, dynamics, ..plan };
                let rows = run_as(&graph, &plan, Layout::new(2, 2, 2));
                let reached = rows.iter().map(|row| row.spread() - 9);
                let about = format!("{requirement:?}, {activation:?}, {coins:?}");
                assert_mean(&about, Estimate::of_counts(reached), chance);
                for row in &rows {
                    let attributed = total(&row.series[0]) + total(&row.series[1]);
                    assert_eq!(attributed, row.spread() - 9, "{about}");
                }
            }
        }
    }
}

/// Whoever chooses chooses one in-arc over each channel: all of its sources are active, so that it hears
/// over a channel with the sum of the weights there.
#[test]
fn nodes_choose_an_arc_of_each_channel() {
    let graph = ArcList::new(10, (0..8).map(|source| (source, 9)))
        .with_channels(|arc| u8::from(arc.source < 4) | u8::from(arc.source >= 3) << 1);
    let model = LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade);
    let of = |place, probability| Channel { probability, ..channel(place, 0.0) };
    let job = |graph: &ArcList, dynamics, coins, n| JobPlan {
        coins,
        dynamics,
        ..plan(graph, model.clone(), fixed_seeds(0..9), n)
    };
    let mail = ArcProbability::Constant(0.1);
    for coins in FAMILIES {
        for (sms, by_sms) in [
            (ArcProbability::Constant(0.15), 0.75),
            (ArcProbability::OverInDegree(0.3), 0.3),
            (ArcProbability::WeightedCascade, 1.0),
        ] {
            let both = 0.4 * by_sms;
            let rules = [(ActivationRule::Any, 0.4 + by_sms - both), (ActivationRule::All, both)];
            for (activation, chance) in rules {
                let dynamics = over([of(MAIL, mail.clone()), of(SMS, sms.clone())], activation);
                let plan = job(&graph, dynamics, coins, SIMULATIONS);
                let rows = run_as(&graph, &plan, Layout::new(2, 2, 2));
                let reached = rows.iter().map(|row| row.spread() - 9);
                let about = format!("{sms:?}, {activation:?}, {coins:?}");
                assert_mean(&about, Estimate::of_counts(reached), chance);
            }
        }
        // One channel of all arcs is the plain model.
        let all = fixtures::erdos_renyi(200, 6.0, 3).with_channels(|_| 1);
        let one = over([of(MAIL, ArcProbability::WeightedCascade)], ActivationRule::Any);
        let found = run_as(&all, &job(&all, one, coins, 300), Layout::plain());
        let plain = run_as(&all, &job(&all, Dynamics::default(), coins, 300), Layout::plain());
        for (found, expected) in found.iter().zip(plain) {
            assert_eq!(found.new_per_round, expected.new_per_round);
            assert_eq!(found.fingerprint, expected.fingerprint);
        }
    }
    let too_much = over([of(MAIL, ArcProbability::Constant(0.3))], ActivationRule::Any);
    let plan = job(&graph, too_much, Family::Octet, 10);
    let refused = Partition::new(graph.shards(1), plan, Isa::detect()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("the 4 in-arcs of node 9"), "{refused}");
}

/// An infection crosses two channels with the chance of either, and is attributed to one of those that
/// brought it in that round.
#[test]
fn infections_come_over_any_channel() {
    let (p, q) = (0.3, 0.4);
    for immunity in [Immunity::Lasting, Immunity::None, Immunity::Waning(0.5)] {
        let course = Course { incubation: None, recovery: 0.5, immunity };
        let rule = NodeRule::Epidemic(course);
        let either = plan(&five_nodes(), cascade(p + q - p * q), fixed_seeds([0]), SIMULATIONS);
        let dynamics = Dynamics { rule: rule.clone(), ..Dynamics::default() };
        let either = JobPlan { dynamics, max_rounds: Some(6), ..either };
        let expected = oracle::chain(&five_nodes(), &either);
        let graph = five_nodes().with_channels(|_| 3);
        for coins in FAMILIES {
            let channels = vec![channel(MAIL, p), channel(SMS, q)];
            let dynamics = Dynamics { rule: rule.clone(), channels, ..Dynamics::default() };
            let job = JobPlan { coins, dynamics, ..either.clone() };
            let rows = run_as(&graph, &job, Layout::new(2, 2, 2));
            let about = format!("{immunity:?}, {coins:?}");
            let spread = Estimate::of_counts(rows.iter().map(SimulationRow::spread));
            assert_mean(&about, spread, expected.mean_spread());
            // Of the other measures there are two: infections, and who is infectious.
            let by = |channel: usize| rows.iter().map(move |row| total(&row.series[2 + channel]));
            for (row, attributed) in rows.iter().zip(by(0).zip(by(1))) {
                assert_eq!(attributed.0 + attributed.1, row.spread() - 1, "{about}");
            }
        }
    }
    // Of one arc the share of mail is as in cascades: that of the round in which it succeeds.
    let graph = ArcList::new(2, [(0, 1)]).with_channels(|_| 3);
    let course = Course { incubation: Some(0.5), recovery: 0.0, immunity: Immunity::Lasting };
    for coins in FAMILIES {
        let channels = vec![channel(MAIL, p), channel(SMS, q)];
        let rule = NodeRule::Epidemic(course);
        let dynamics = Dynamics { rule, channels, ..Dynamics::default() };
        let job = plan(&graph, cascade(0.5), fixed_seeds([0]), SIMULATIONS);
        let job = JobPlan { coins, dynamics, max_rounds: Some(1), ..job };
        let rows = run_as(&graph, &job, Layout::plain());
        let mails = rows.iter().map(|row| total(&row.series[3]));
        assert_mean("by mail", Estimate::of_counts(mails), p * (1.0 - q) + p * q / 2.0);
    }
}

/// The coins of a channel are its own: what other channels a job has changes nothing on it.
/// Whoever waits for all channels may be reached twice over one of them, with one message at once and
/// one still under way when the last channel is heard; then the two compete for the activation.
#[test]
fn messages_under_way_count_while_others_are_waited_for() {
    let n_sources = 400;
    let graph = ArcList::new(n_sources + 1, (0..n_sources).map(|source| (source, n_sources)))
        .with_channels(|arc| 1 << (arc.source % 2));
    let drawn =
        |place| Channel { delay: Delay::Table(vec![1.0, 1.0, 1.0]), ..channel(place, 0.0075) };
    let dynamics = over([drawn(MAIL), drawn(SMS)], ActivationRule::All);
    for (coins, n_shards) in [(Family::Arc, 1), (Family::Octet, 1), (Family::Octet, 3)] {
        let seeds = fixed_seeds(0..n_sources);
        let plan = plan(&graph, cascade(0.5), seeds, 600);
        let plan = JobPlan { coins, dynamics: dynamics.clone(), ..plan };
        let found = run_as(&graph, &plan, Layout::new(n_shards, 2, 2));
        assert_eq!(found, reference::rows(&graph, &plan), "{coins:?}, {n_shards} shards");
    }
}

#[test]
fn a_channel_left_out_leaves_the_others_as_they_were() {
    let graph = layered();
    for coins in FAMILIES {
        let each = [0, 1, 2].map(|place| channel(place, 0.2));
        let all = rows(&graph, &over(each.clone(), ActivationRule::Any), coins, 300);
        for (place, only) in each.into_iter().enumerate() {
            let only = over([only], ActivationRule::Any);
            let one = rows(&graph, &only, coins, 300);
            let on_its_arcs = rows(&alone(&graph, place as u8), &only, coins, 300);
            assert_eq!(one, on_its_arcs);
            assert!(one.iter().zip(&all).all(|(one, all)| one.spread() <= all.spread()));
            assert!(one.iter().zip(&all).any(|(one, all)| one.spread() < all.spread()));
        }
    }
}

/// Every third node takes no SMS.
struct Phones;

impl NodeColumns for Phones {
    fn find(&self, name: &str) -> Option<usize> {
        (name == "has_phone").then_some(0)
    }

    fn value(&self, _place: usize, node: NodeId) -> Value<'_> {
        Value::Bool(has_phone(node.0))
    }

    fn categories(&self, _place: usize) -> Option<Vec<String>> {
        None
    }
}

fn has_phone(node: u32) -> bool {
    !node.is_multiple_of(3)
}

/// Whom a channel is not for has no arcs in it: not when sides contend for nodes at which seeds start
/// either, nor in what is said of who passed it on.
#[test]
fn who_is_no_audience_of_a_channel_has_no_arcs_in_it() {
    let column = "has_phone".to_owned();
    let selector = Selector { column, one_of: None, min: None, max: None, is: Some(true) };
    let narrow = Channel { audience: Some(selector), ..channel(MAIL, 0.3) };
    let graph = layered();
    let channels = graph.channels().expect("the graph has channels").to_vec();
    let mut of_arcs = graph.arcs().iter().zip(channels).map(|(arc, of)| match arc.target {
        target if has_phone(target) => of,
        _ => of & !(1 << MAIL),
    });
    let narrowed = graph.clone().with_channels(|_| of_arcs.next().expect("as many as arcs"));
    // Wherever nobody has a phone a seed of each side starts, at a time when arcs reach it.
    let push = |side: u8| Push {
        round: 2,
        side,
        seeds: fixed_seeds(
            (0..200).filter(|&node| !has_phone(node) && node % 2 == u32::from(side)),
        ),
    };
    let contended = Dynamics { pushes: vec![push(0), push(1)], ..campaigns(1, Tie::Random) };
    for dynamics in [Dynamics::default(), contended] {
        let job = |first: Channel| {
            let channels = vec![first, channel(SMS, 0.2)];
            JobPlan {
                dynamics: Dynamics { channels, ..dynamics.clone() },
                coins: Family::Octet,
                recording: Recording { trace_simulations: 300, nodes: false },
                ..plan(&graph, cascade(0.5), fixed_seeds([1, 2]), 300)
            }
        };
        let run = |graph: &ArcList, plan: JobPlan| {
            let partition = Partition::join(graph.shards(3), plan, Isa::detect(), 0, &Phones);
            let partition = partition.expect("the columns say what the job asks");
            let tally = local::run(partition, 2, &Unobserved).expect("nothing interrupts the run");
            let trace: Vec<_> = tally.trace().map(|(simulation, of)| (simulation, *of)).collect();
            (tally.rows().collect::<Vec<SimulationRow>>(), trace)
        };
        let found = run(&graph, job(narrow.clone()));
        assert_eq!(found, run(&narrowed, job(channel(MAIL, 0.3))));
        assert_ne!(found, run(&graph, job(channel(MAIL, 0.3))));
    }
}

#[test]
fn arcs_without_channels_are_refused() {
    let graph = ArcList::new(2, [(0, 1)]);
    let dynamics = over([channel(MAIL, 0.5)], ActivationRule::Any);
    let plan = JobPlan { dynamics, ..plan(&graph, cascade(0.5), fixed_seeds([0]), 10) };
    let refused = Partition::new(graph.shards(1), plan, Isa::detect()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("--channel NAME=FILE"), "{refused}");
}
