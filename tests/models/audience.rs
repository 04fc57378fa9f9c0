//! Who is reached, who counts, and fakes: each equals the plain run on the graph that says the same
//! with fewer arcs.

use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{ArcProbability, LiveArcModel};
use kaskade_model::dynamics::{
    Audience, ByCategory, Conduct, Dynamics, FakeConduct, Fakes, NodeColumns, Selector, Value,
};
use kaskade_model::job::JobPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_model::{NodeId, Round, coin};
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::runs::{fixed_seeds, plan};
use kaskade_testkit::{Arc, ArcList, fixtures};

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
