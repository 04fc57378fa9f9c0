//! Who is reached, who counts, and fakes: each equals the plain run on the graph that says the same
//! with fewer arcs.

use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{ArcProbability, FactorColumns, LiveArcModel, SegmentMatrix};
use kaskade_model::dynamics::{
    Audience, ByCategory, Conduct, Course, Dynamics, FakeConduct, Fakes, Immunity, Measure,
    NodeColumns, NodeRule, Selector, Value, WEIGHT_UNITS,
};
use kaskade_model::job::JobPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_model::{NodeId, Round, coin};
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run_as};
use kaskade_testkit::{Arc, ArcList, NodeTable, fixtures};

const N_NODES: u32 = 600;

/// Every third node is of each country, every fifth a fake, and ages go by id.
struct People;

const COUNTRIES: [&str; 3] = ["at", "ch", "de"];

fn country(node: u32) -> &'static str {
    COUNTRIES[node as usize % 3]
}

fn is_fake(node: u32) -> bool {
    node.is_multiple_of(5)
}

fn is_adult(node: u32) -> bool {
    node % 90 >= 18
}

impl NodeColumns for People {
    fn find(&self, name: &str) -> Option<usize> {
        ["country", "fake", "age"].iter().position(|known| *known == name)
    }

    fn value(&self, place: usize, NodeId(node): NodeId) -> Value<'_> {
        match place {
            0 => Value::Category(country(node)),
            1 => Value::Bool(is_fake(node)),
            _ => Value::Number(f64::from(node % 90)),
        }
    }

    fn categories(&self, place: usize) -> Option<Vec<String>> {
        (place == 0).then(|| COUNTRIES.map(str::to_owned).to_vec())
    }
}

fn graph() -> ArcList {
    fixtures::erdos_renyi(N_NODES, 5.0, 1)
}

/// The graph without the arcs that are not `kept`.
fn with(kept: impl Fn(&Arc) -> bool) -> ArcList {
    let arcs = graph().arcs().to_vec();
    let kept = arcs.into_iter().filter(|arc| kept(arc));
    ArcList::new(N_NODES, kept.map(|arc| (arc.source, arc.target)))
}

fn rows(graph: &ArcList, dynamics: Dynamics) -> Vec<SimulationRow> {
    let model = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.3));
    // The seeds are adults, and no fakes.
    let seeds = fixed_seeds([31, 47, 118]);
    let plan = JobPlan { coins: Family::Octet, dynamics, ..plan(graph, model, seeds, 300) };
    let partition = Partition::join(graph.shards(3), plan, Isa::detect(), 0, &People);
    let partition = partition.expect("the columns say what the job asks");
    let tally = local::run(partition, 2, &Unobserved).expect("nothing interrupts the run");
    tally.rows().collect()
}

fn of(audience: Audience) -> Dynamics {
    Dynamics { audience, ..Dynamics::default() }
}

fn adults() -> Selector {
    Selector { column: "age".to_owned(), one_of: None, min: Some(18.0), max: None, is: None }
}

fn spread(rows: &[SimulationRow]) -> Vec<u64> {
    rows.iter().map(SimulationRow::spread).collect()
}

#[test]
fn who_is_not_reached_has_no_arcs() {
    let found = rows(&graph(), of(Audience { reach: Some(adults()), ..Audience::default() }));
    assert_eq!(found, rows(&with(|arc| is_adult(arc.target)), Dynamics::default()));
}

#[test]
fn fakes_amplify_or_end_the_way_or_are_not_there() {
    let found = |conduct| {
        let fakes = Fakes { column: Some("fake".to_owned()), share: None, conduct };
        rows(&graph(), of(Audience { fakes: Some(fakes), ..Audience::default() }))
    };
    let fakes_of = |rows: &[SimulationRow]| -> Vec<u64> {
        rows.iter().map(|row| row.series[0].iter().sum()).collect()
    };
    // Who counts and who does not are together who was reached.
    let together = |rows: &[SimulationRow]| -> Vec<u64> {
        spread(rows).iter().zip(fakes_of(rows)).map(|(spread, fakes)| spread + fakes).collect()
    };
    let amplified = found(FakeConduct::Amplify);
    assert_eq!(together(&amplified), spread(&rows(&graph(), Dynamics::default())));
    assert!(fakes_of(&amplified).iter().sum::<u64>() > 0);

    let ended = found(FakeConduct::DeadEnd);
    let without_their_arcs = rows(&with(|arc| !is_fake(arc.source)), Dynamics::default());
    assert_eq!(together(&ended), spread(&without_their_arcs));

    let removed = found(FakeConduct::Removed);
    let without_them = rows(&with(|arc| !is_fake(arc.target)), Dynamics::default());
    assert_eq!(spread(&removed), spread(&without_them));
    assert_eq!(fakes_of(&removed).iter().sum::<u64>(), 0);
}

#[test]
fn segments_add_up_to_who_counts() {
    let german = Selector {
        column: "country".to_owned(),
        one_of: Some(vec!["de".to_owned(), "at".to_owned()]),
        min: None,
        max: None,
        is: None,
    };
    let audience = Audience {
        count: Some(german),
        segment: Some("country".to_owned()),
        ..Audience::default()
    };
    let segments = COUNTRIES.map(str::to_owned).to_vec();
    let found = rows(&graph(), Dynamics { segments, ..of(audience) });
    let mut seen = [0; 3];
    for row in &found {
        let sums: Vec<u64> = row.series.iter().map(|by_round| by_round.iter().sum()).collect();
        assert_eq!(sums.iter().sum::<u64>(), row.spread());
        seen.iter_mut().zip(sums).for_each(|(seen, sum)| *seen += sum);
    }
    assert!(seen[0] > 0 && seen[1] == 0 && seen[2] > 0, "{seen:?}");
    // The fingerprint is of those who count.
    let alone = coin::activation_fingerprint(NodeId(31), Round(0))
        .wrapping_add(coin::activation_fingerprint(NodeId(47), Round(0)))
        .wrapping_add(coin::activation_fingerprint(NodeId(118), Round(0)));
    let counted = [31, 47, 118].iter().filter(|&&seed| country(seed) != "ch").count();
    assert!(counted < 3 && found.iter().all(|row| row.fingerprint != alone));
}

#[test]
fn rates_by_category() {
    let by = ByCategory {
        column: "country".to_owned(),
        default: 0.0,
        values: [("de".to_owned(), 1.0), ("at".to_owned(), 0.25)].into(),
    };
    let conduct =
        Conduct { forward_by: Some(by.clone()), endorse_by: Some(by), ..Conduct::default() };
    let audience = Audience { segment: Some("country".to_owned()), ..Audience::default() };
    let segments = COUNTRIES.map(str::to_owned).to_vec();
    let dynamics = Dynamics { conduct, segments, ..of(audience) };
    let found = rows(&graph(), dynamics);
    let sum = |place: usize| -> Vec<f64> {
        found.iter().map(|row| row.series[place].iter().sum::<u64>() as f64).collect()
    };
    // Forwarded, endorsed, then the countries: all Germans endorse and a quarter of the Austrians.
    let (endorsed, austrian, german) = (sum(1), sum(2), sum(4));
    let differences = endorsed.iter().zip(&austrian).zip(&german);
    let differences =
        differences.map(|((endorsed, austrian), german)| endorsed - german - 0.25 * austrian);
    assert_mean("endorsed beyond what is expected", Estimate::of(differences), 0.0);
    // Beside the seeds, who passes it on are Germans and some Austrians, never the Swiss.
    let total: f64 = sum(0).iter().sum();
    let all: f64 = spread(&found).iter().map(|&spread| spread as f64).sum();
    assert!(total > 0.0 && total < 0.6 * all, "{total} of {all}");
}

#[test]
fn a_share_of_fakes_is_drawn_once_for_all_simulations() {
    let fakes = Fakes { column: None, share: Some(0.25), conduct: FakeConduct::Removed };
    let found = rows(&graph(), of(Audience { fakes: Some(fakes), ..Audience::default() }));
    let key = coin::job_key(1);
    let is_drawn = |node: u32| {
        let item = coin::node_item(NodeId(node), coin::Purpose::Fake);
        coin::uniform(item, key) < 1 << 30
    };
    let share = (0..N_NODES).filter(|&node| is_drawn(node)).count();
    assert!((120..180).contains(&share), "{share}");
    let seeds = [31, 47, 118];
    let without =
        with(|arc| !(is_drawn(arc.target) || is_drawn(arc.source) && seeds.contains(&arc.source)));
    let expected = spread(&rows(&without, Dynamics::default()));
    let lost = seeds.iter().filter(|&&seed| is_drawn(seed)).count() as u64;
    let expected: Vec<u64> = expected.iter().map(|spread| spread - lost).collect();
    assert_eq!(spread(&found), expected);
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let audience = Audience {
        reach: Some(Selector { column: "tier".to_owned(), ..adults() }),
        ..Audience::default()
    };
    let model = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.3));
    let graph = graph();
    let plan = JobPlan { dynamics: of(audience), ..plan(&graph, model, fixed_seeds([1]), 1) };
    let plan = JobPlan { coins: Family::Octet, ..plan };
    let error = Partition::join(graph.shards(1), plan, Isa::Portable, 0, &People).unwrap_err();
    assert!(error.to_string().contains("no column \"tier\""), "{error}");
}

/// Weights are powers of two: a sum says who is in it, round by round.
#[test]
fn weighted_reach_is_the_sum_of_the_weights_of_who_counts() {
    const N: u32 = 50;
    let weight = |node: u32| 2f64.powi(node as i32) / WEIGHT_UNITS as f64;
    // Nobody says what node 40 weighs, and every seventh does not count.
    let said = (0..N).map(|node| if node == 40 { f64::NAN } else { weight(node) });
    let counts = |node: u32| !node.is_multiple_of(7);
    let kinds = (0..N).map(|node| if counts(node) { "person" } else { "shop" });
    let nodes = NodeTable::default().with_numbers("value", said).with_categories("kind", kinds);
    let graph = fixtures::erdos_renyi(N, 3.0, 1).with_nodes(nodes);
    let people = Selector {
        column: "kind".to_owned(),
        one_of: Some(vec!["person".to_owned()]),
        min: None,
        max: None,
        is: None,
    };
    let audience = Audience {
        count: Some(people.clone()),
        weight: Some("value".to_owned()),
        ..Audience::default()
    };
    let unweighted = of(Audience { count: Some(people), ..Audience::default() });
    let course = Course { incubation: None, recovery: 0.5, immunity: Immunity::Lasting };
    let rules = [NodeRule::default(), NodeRule::Epidemic(course)];
    for rule in rules {
        let model = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.3));
        let plan = JobPlan {
            coins: Family::Octet,
            dynamics: Dynamics { rule: rule.clone(), ..of(audience.clone()) },
            ..plan(&graph, model, fixed_seeds([3, 40]), 400)
        };
        let place = plan.dynamics.measures().iter().position(|measure| *measure == Measure::Weight);
        let place = place.expect("weights are measured");
        let found = run_as(&graph, &plan, Layout::new(3, 2, 2));
        let plain = JobPlan {
            dynamics: Dynamics { rule: rule.clone(), ..unweighted.clone() },
            ..plan.clone()
        };
        for (row, plain) in found.iter().zip(run_as(&graph, &plain, Layout::plain())) {
            assert_eq!((row.spread(), row.fingerprint), (plain.spread(), plain.fingerprint));
            let mut fingerprint = 0u64;
            for (round, &new) in (0..).zip(&row.new_per_round) {
                let sum = row.series[place].get(round as usize).copied().unwrap_or(0);
                let mut who: Vec<u32> = (0..N).filter(|&node| sum >> node & 1 == 1).collect();
                // What weighs nothing is the one that is missing.
                if who.len() as u64 != new {
                    who.push(40);
                }
                assert_eq!(who.len() as u64, new, "{rule:?}, round {round}: {who:?}");
                assert!(who.iter().all(|&node| counts(node)));
                for node in who {
                    let term = coin::activation_fingerprint(NodeId(node), Round(round));
                    fingerprint = fingerprint.wrapping_add(term);
                }
            }
            assert_eq!(fingerprint, row.fingerprint, "{rule:?}");
        }
    }
}

#[test]
fn columns_that_do_not_say_what_is_asked_are_refused() {
    let nodes = NodeTable::default()
        .with_numbers("half", [0.5, 0.5, 0.5])
        .with_numbers("large", [0.5, 1.5, 0.5])
        .with_numbers("gap", [0.5, 0.5, f64::NAN])
        .with_numbers("debt", [1.0, -2.0, 1.0])
        .with_numbers("huge", [9e9, 1.0, 9e9])
        .with_categories("kind", ["a", "b", "a"]);
    let graph = fixtures::path(3).with_nodes(nodes);
    let refuse = |probability: ArcProbability, weight: Option<&str>| {
        let audience = Audience { weight: weight.map(str::to_owned), ..Audience::default() };
        let model = LiveArcModel::IndependentCascade(probability);
        let plan = JobPlan { dynamics: of(audience), ..plan(&graph, model, fixed_seeds([0]), 1) };
        let plan = JobPlan { coins: Family::Octet, ..plan };
        let shards = graph.shards(1);
        Partition::join(shards, plan, Isa::Portable, 0, graph.nodes()).unwrap_err().to_string()
    };
    let factors = |column: &str| {
        let influence = Some("half".to_owned());
        let susceptibility = Some(column.to_owned());
        ArcProbability::Factors(FactorColumns { influence, susceptibility })
    };
    assert!(refuse(factors("none"), None).contains("no column \"none\""));
    assert!(refuse(factors("large"), None).contains("has 1.5 at node 1 (dense id)"));
    assert!(refuse(factors("gap"), None).contains("says nothing of node 2 (dense id)"));
    assert!(refuse(factors("kind"), None).contains("no column of type number"));
    let matrix = |segment: &str, category: &str| {
        let to = [("a".to_owned(), 0.5)].into();
        ArcProbability::Segments(SegmentMatrix {
            segment: segment.to_owned(),
            default: 0.1,
            from: [(category.to_owned(), to)].into(),
        })
    };
    assert!(refuse(matrix("kind", "c"), None).contains("no category \"c\""));
    assert!(refuse(matrix("half", "a"), None).contains("no column of type category"));
    let half = || ArcProbability::Constant(0.5);
    assert!(refuse(half(), Some("debt")).contains("has -2 at node 1 (dense id)"));
    assert!(refuse(half(), Some("huge")).contains("sum to more than 9007199254"));
    assert!(refuse(half(), Some("kind")).contains("no column of type number"));
}
