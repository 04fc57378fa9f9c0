//! What each model costs for an arc that is looked at, beside the classical cascade on the same graph,
//! seeds and probability, one thread, taking turns in one run.
//!
//! ```text
//! models-table [--graphs NAME,...] [--probability P] [--rounds N] [--seconds S]
//! ```
//! Graphs: wiki-Vote, NetHEPT, rmat-SCALE, barabasi-albert. Prints Markdown as it goes. Models above
//! the line `threshold, a share` look at the very arcs of the cascade; the others at arcs of their own:
//! linear threshold with 1 over the in-degree, and channels over which every arc lies twice.

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use kaskade_benches::graphs::{BenchGraph, CHANNELS, GraphChoice};
use kaskade_benches::jobs::{FULL_BATCH, Job, total_spread};
use kaskade_benches::labels::pool;
use kaskade_benches::measure::{Clock, Contender, Measured, Spread, rounds};
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::dynamics::{
    ActivationRule, Channel, Conduct, Course, Delay, Dynamics, Immunity, NodeRule, Push,
    Requirement, Rival, Sides, Tie,
};
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::JobTally;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// No model may cost more for an arc, in so many times what the cascade costs.
const MOST: f64 = 3.0;

fn main() -> Outcome<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nProbability {}; one thread, processor time; {} rounds in which all take turns, at least \
         {} s or a batch of {FULL_BATCH} simulations each: median (least–greatest).\n",
        options.probability,
        options.n_rounds,
        options.duration.as_secs_f64(),
    )?;
    writeln!(out, "| graph | model | ns an arc | × cascade | ns a coin | arcs a simulation | |")?;
    writeln!(out, "|---|---|---:|---:|---:|---:|---|")?;
    for &choice in &options.graphs {
        let Some(graph) = BenchGraph::new_or_said(choice) else { continue };
        for row in pool(1).install(|| measure(&options, &graph)) {
            writeln!(out, "{row}")?;
        }
        out.flush()?;
    }
    Ok(())
}

struct Options {
    graphs: Vec<GraphChoice>,
    probability: f64,
    n_rounds: usize,
    duration: Duration,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self {
            graphs: GraphChoice::of_tables(),
            probability: 0.05,
            n_rounds: 5,
            duration: Duration::from_millis(300),
        };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or(format!("{option} needs a value"))?;
            match option.as_str() {
                "--graphs" => {
                    let graphs = value.split(',').map(|name| {
                        GraphChoice::named(name).ok_or(format!("unknown graph {name:?}"))
                    });
                    options.graphs = graphs.collect::<Result<_, _>>()?;
                }
                "--probability" => options.probability = value.parse()?,
                "--rounds" => options.n_rounds = value.parse::<usize>()?.max(1),
                "--seconds" => options.duration = Duration::try_from_secs_f64(value.parse()?)?,
                _ => return Err(format!("unknown option {option:?}").into()),
            }
        }
        Ok(options)
    }
}

/// A model by its name in the table, and its last round.
struct Model {
    name: &'static str,
    arcs: LiveArcModel,
    dynamics: Dynamics,
    max_rounds: Option<u32>,
}

/// The classical cascade first.
fn models(probability: f64, graph: &BenchGraph) -> Vec<Model> {
    let plain = Dynamics::default;
    let ruled = |rule| Dynamics { rule, ..plain() };
    let waiting = |requirement| ruled(NodeRule::Threshold(requirement));
    let epidemic = |incubation, recovery, immunity| {
        ruled(NodeRule::Epidemic(Course { incubation, recovery, immunity }))
    };
    // A rival that starts at every second of the seeds: together they reach what the cascade does.
    let rivals = |tie| {
        let second = graph.seeds().iter().skip(1).step_by(2).copied().collect();
        let rivals = vec![Rival { name: "rival".to_owned() }];
        Dynamics {
            pushes: vec![Push { round: 0, side: 1, seeds: SeedPlan::Fixed(second) }],
            ..ruled(NodeRule::Contagion(Sides::Campaigns { rivals, tie }))
        }
    };
    let certain = Conduct { forward: Some(1.0), endorse: Some(0.5), ..Conduct::default() };
    let until = Some(20);
    let cascade = || LiveArcModel::IndependentCascade(ArcProbability::Constant(probability));
    let channel = |(place, name): (u8, &str)| Channel {
        name: name.to_owned(),
        place,
        probability: ArcProbability::Constant(probability),
        delay: Delay::NextRound,
        audience: None,
    };
    let channels = || (0..).zip(CHANNELS).map(channel).collect();
    let model = |name, dynamics, max_rounds| Model { name, arcs: cascade(), dynamics, max_rounds };
    vec![
        model("cascade", plain(), None),
        model("forward 1, endorse 0.5", Dynamics { conduct: certain, ..plain() }, None),
        model("delay 2", Dynamics { delay: Delay::Constant(2), ..plain() }, None),
        model("delays by weight", Dynamics { delay: Delay::Table(vec![1.0; 3]), ..plain() }, None),
        model("meeting 0.5", Dynamics { delay: Delay::Meeting(0.5), ..plain() }, None),
        model(
            "negative-opinion",
            ruled(NodeRule::Contagion(Sides::Opinion { quality: 0.9 })),
            None,
        ),
        model("competitive, random", rivals(Tie::Random), None),
        model("competitive, first", rivals(Tie::First), None),
        model("threshold, a count of 1", waiting(Requirement::Count(1)), None),
        model("sir, recovery 1", epidemic(None, 1.0, Immunity::Lasting), None),
        model("threshold, a share", waiting(Requirement::Share(0.01)), None),
        model("threshold, drawn", waiting(Requirement::UniformShare(0.0, 0.02)), None),
        model("sir", epidemic(None, 0.5, Immunity::Lasting), None),
        model("seir", epidemic(Some(0.5), 0.5, Immunity::Lasting), None),
        model("sis, 20 rounds", epidemic(None, 0.5, Immunity::None), until),
        model("sirs, 20 rounds", epidemic(None, 0.5, Immunity::Waning(0.2)), until),
        Model {
            arcs: LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade),
            ..model("linear-threshold", plain(), None)
        },
        model("two channels", Dynamics { channels: channels(), ..plain() }, None),
        model(
            "two channels, all",
            Dynamics { channels: channels(), activation: ActivationRule::All, ..plain() },
            None,
        ),
        model(
            "two channels, threshold",
            Dynamics { channels: channels(), ..waiting(Requirement::Share(0.01)) },
            None,
        ),
        model(
            "two channels, sir",
            Dynamics { channels: channels(), ..epidemic(None, 0.5, Immunity::Lasting) },
            None,
        ),
    ]
}

/// What the runs of one model took.
#[derive(Default)]
struct Costs {
    nanoseconds_per_arc: Vec<f64>,
    nanoseconds_per_coin: Vec<f64>,
    arcs_per_simulation: f64,
}

impl Costs {
    fn add(&mut self, elapsed: Duration, tally: &JobTally) {
        let (nanoseconds, work) = (elapsed.as_secs_f64() * 1e9, tally.work());
        self.nanoseconds_per_arc.push(nanoseconds / work.arcs_scanned as f64);
        self.nanoseconds_per_coin.push(nanoseconds / work.coins as f64);
        self.arcs_per_simulation = work.arcs_scanned as f64 / tally.n_simulations() as f64;
    }

    /// Without the runs before the rounds, which only found how many simulations to measure.
    fn of_rounds(values: &[f64], n_rounds: usize) -> &[f64] {
        &values[values.len() - n_rounds..]
    }
}

fn measure(options: &Options, graph: &BenchGraph) -> Vec<String> {
    let models = models(options.probability, graph);
    let over_channels = graph.over_channels();
    let costs: Vec<RefCell<Costs>> = models.iter().map(|_| RefCell::default()).collect();
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (model, costs) in models.iter().zip(&costs) {
        let Model { arcs, dynamics, max_rounds, .. } = model;
        let graph = if dynamics.channels.is_empty() { graph } else { &over_channels };
        let run = move |first: u64, count: u64| {
            let job = Job::forward(graph, arcs, dynamics, *max_rounds, first..first + count);
            let mut tally = JobTally::default();
            let elapsed = Clock::Processor.time(|| tally = job.run());
            costs.borrow_mut().add(elapsed, &tally);
            Measured { elapsed, total_spread: total_spread(&tally) as f64 }
        };
        let name = model.name.to_owned();
        contenders.push(Contender { name, batch: FULL_BATCH, run: Box::new(run) });
    }
    let figures = rounds(&mut contenders, options.n_rounds, options.duration);
    drop(contenders);
    let costs: Vec<Costs> = costs.into_iter().map(RefCell::into_inner).collect();
    let per_arc =
        |costs: &Costs| Costs::of_rounds(&costs.nanoseconds_per_arc, options.n_rounds).to_vec();
    let cascade = per_arc(&costs[0]);
    let rows = costs.iter().zip(&figures).map(|(costs, figures)| {
        let per_arc = per_arc(costs);
        let ratio =
            Spread::of(per_arc.iter().zip(&cascade).map(|(model, cascade)| model / cascade));
        let per_coin = Costs::of_rounds(&costs.nanoseconds_per_coin, options.n_rounds);
        format!(
            "| {} | {} | {} | {} | {:.3} | {:.0} | {} |",
            graph.name,
            figures.name,
            spread(Spread::of(per_arc)),
            spread(ratio),
            Spread::of(per_coin.iter().copied()).median,
            costs.arcs_per_simulation,
            if ratio.median <= MOST { "" } else { "MORE THAN 3×" },
        )
    });
    rows.collect()
}

/// `median (least–greatest)`.
fn spread(values: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", values.median, values.min, values.max)
}
