//! `kaskade critical-mass`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use kaskade_model::dynamics::Measure;
use kaskade_model::spec::{CoinFamily, ModelKind, Probability, SeedSpec, Spec};
use kaskade_results::critical::{CriticalPush, Evaluation, Goal};
use kaskade_results::sweep::SweptValue;
use kaskade_results::{Sample, Summary};
use serde::Serialize;

use super::run::{LocalGraph, on_pool};
use crate::args::critical::{CriticalMassArgs, Over};
use crate::clock;
use crate::console::Console;
use crate::error::CliError;
use crate::spec_file::{self, Runner};

/// The share of cascades that has to take off where nobody says.
const DEFAULT_CHANCE: f64 = 0.5;

/// Finds the smallest push that is enough.
pub(super) fn critical_mass(
    args: &CriticalMassArgs,
    typed: &BTreeSet<String>,
    console: &Console,
) -> Result<(), CliError> {
    let job = spec_file::read(&args.spec, typed, Runner::Process)?;
    if job.spec.run.until.is_some() || job.spec.run.simulations < 2 {
        let text = "all pushes are judged by the same simulations, at least two: say how many with \
                    --simulations, and leave out --until";
        return Err(CliError::Usage(text.to_owned()));
    }
    let found = on_pool(&args.engine, || {
        let graph = LocalGraph::open(&job, &args.engine, console)?;
        let ladder = Ladder::new(args, &job.spec, graph.summary.nodes)?;
        let mut trial =
            Trial { args, graph: &graph, ladder: &ladder, console, known: BTreeMap::new() };
        let goal = trial.goal()?;
        let search = CriticalPush::search(1..=ladder.last, |push| {
            let (spreads, _) = trial.of(push)?;
            Ok::<_, CliError>(Evaluation::of(push, spreads, goal, args.confidence))
        })?;
        Ok(CriticalMass::new(args, &ladder, goal, &search))
    })?;
    console.result(&found, || found.describe())
}

/// What can be tried, numbered from 1.
struct Ladder {
    spec: Spec,
    over: Over,
    last: u64,
    /// Whether every cascade gains by every step.
    is_exact: bool,
    notes: Vec<String>,
}

impl Ladder {
    fn new(args: &CriticalMassArgs, spec: &Spec, n_nodes: u32) -> Result<Self, CliError> {
        let mut spec = spec.clone();
        let mut notes = Vec::new();
        let last = match (args.over, &spec.seeds) {
            (Over::Probability, _) => {
                if spec.run.coins == CoinFamily::Block {
                    // Only with a coin for each arc does an arc that is live stay so.
                    notes.push("all probabilities have octet coins".to_owned());
                    spec.run.coins = CoinFamily::Octet;
                }
                (1.0 / args.step).round().max(1.0) as u64
            }
            (Over::Seeds, SeedSpec::Ids(ids)) => ids.len() as u64,
            (Over::Seeds, _) => u64::from(n_nodes),
        };
        let last = match (args.over, args.most_seeds) {
            (Over::Seeds, Some(most)) => last.min(most),
            _ => last,
        };
        use ModelKind as M;
        let kind = spec.model.kind;
        let gains = match args.over {
            Over::Seeds => {
                matches!(kind, M::IndependentCascade | M::LinearThreshold | M::Threshold)
            }
            Over::Probability => kind == M::IndependentCascade,
        };
        // Of the others a node may change from one to the other.
        let is_of_nodes = |name: &String| name == "fakes" || name.starts_with("segment.");
        let is_exact = gains && args.measure.as_ref().is_none_or(is_of_nodes);
        if !is_exact {
            let lost = args.measure.as_ref().map_or_else(String::new, |name| format!("`{name}` "));
            notes.push(format!(
                "in `{kind}` a larger push may lose {lost}in single cascades: the answer takes it that \
                 it gains on average"
            ));
        }
        Ok(Self { spec, over: args.over, last, is_exact, notes })
    }

    /// The job with push number `push`.
    fn spec(&self, push: u64) -> Spec {
        let mut spec = self.spec.clone();
        match self.over {
            Over::Probability => {
                let probability = push as f64 / self.last as f64;
                spec.model.probability = Some(Probability::Constant(probability));
            }
            Over::Seeds => {
                spec.seeds = match spec.seeds {
                    SeedSpec::TopDegree(_) => SeedSpec::TopDegree(push),
                    SeedSpec::Random(_) => SeedSpec::Random(push),
                    SeedSpec::RandomEach(_) => SeedSpec::RandomEach(push),
                    SeedSpec::Ids(mut ids) => {
                        ids.truncate(push as usize);
                        SeedSpec::Ids(ids)
                    }
                    file => file,
                };
            }
        }
        spec
    }

    /// Push number `push` as people say it.
    fn value(&self, push: u64) -> SweptValue {
        match self.over {
            Over::Seeds => SweptValue::Integer(push.cast_signed()),
            Over::Probability => SweptValue::Number(push as f64 / self.last as f64),
        }
    }
}

/// The pushes tried so far.
struct Trial<'a> {
    args: &'a CriticalMassArgs,
    graph: &'a LocalGraph,
    ladder: &'a Ladder,
    console: &'a Console,
    /// By push: the spreads or what was measured in their place, and from where on cascades have taken off.
    known: BTreeMap<u64, (Vec<u64>, Option<u64>)>,
}

impl Trial<'_> {
    /// The spreads of `push`, or what is measured in their place, and the threshold of outbreaks if cascades are of two kinds.
    fn of(&mut self, push: u64) -> Result<(&[u64], Option<u64>), CliError> {
        if !self.known.contains_key(&push) {
            let spec =
                self.ladder.spec(push).resolve().map_err(|error| CliError::of_flag(&error))?;
            let id = clock::new_job_id();
            let (sample, summary) =
                self.graph.perform(&spec, &self.args.engine, id, self.console)?;
            let threshold = summary.outbreak.map(|outbreak| outbreak.threshold);
            let reached = match &self.args.measure {
                Some(name) => measured(&sample, &summary, name)?,
                None => sample.sorted_spreads(),
            };
            self.known.insert(push, (reached.to_vec(), threshold));
        }
        let (spreads, threshold) = &self.known[&push];
        Ok((spreads, *threshold))
    }

    /// The goal that the flags name. What takes off is said by the smallest push, of 1, 2, 4, …, whose
    /// cascades are of two kinds, once for all pushes.
    fn goal(&mut self) -> Result<Goal, CliError> {
        let chance = self.args.chance;
        if let Some(reach) = self.args.reach {
            let nodes = reach * f64::from(self.graph.summary.nodes);
            return Ok(match chance {
                None => Goal::Mean { nodes },
                Some(chance) => Goal::Chance { nodes: nodes.ceil() as u64, chance },
            });
        }
        let last = self.ladder.last;
        let mut push = 1;
        loop {
            if let (_, Some(nodes)) = self.of(push)? {
                return Ok(Goal::Chance { nodes, chance: chance.unwrap_or(DEFAULT_CHANCE) });
            }
            if push == last {
                let text = "no push has cascades of two kinds, some that die and some that explode: ask \
                            for --reach SHARE, or for more --simulations";
                return Err(CliError::Incomplete(text));
            }
            push = push.saturating_mul(2).min(last);
        }
    }
}

/// The nodes of the measure `name` by simulation.
fn measured<'a>(sample: &'a Sample, summary: &Summary, name: &str) -> Result<&'a [u64], CliError> {
    let weight = Measure::Weight.to_string();
    sample.measured(summary, name).filter(|_| name != weight).ok_or_else(|| {
        let names = summary.measures.iter().map(|measure| measure.name.as_str());
        let names: Vec<_> = names.filter(|name| *name != weight).collect();
        CliError::Usage(if names.is_empty() {
            "--measure is for jobs that count nodes besides the spread, this one counts none"
                .to_owned()
        } else {
            format!("--measure {name} is none that counts nodes of the job: {}", names.join(", "))
        })
    })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct CriticalMass {
    over: &'static str,
    /// What the goal is of; left out where it is of the spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<String>,
    goal: Goal,
    confidence_level: f64,
    simulations: u64,
    evaluations: Vec<Tried>,
    /// The smallest push that is enough in the simulations; `null` if none is.
    estimate: Option<SweptValue>,
    /// Holds the smallest push that is enough in expectation, with the confidence; an end that was
    /// not found is `null`.
    interval: [Option<SweptValue>; 2],
    /// The smallest push that is surely enough.
    answer: Option<SweptValue>,
    /// Whether bisecting finds what trying every push would.
    is_exact: bool,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Tried {
    push: SweptValue,
    value: f64,
    interval: [f64; 2],
    is_enough: bool,
    is_surely_enough: bool,
}

impl CriticalMass {
    fn new(args: &CriticalMassArgs, ladder: &Ladder, goal: Goal, found: &CriticalPush) -> Self {
        let value = |push: Option<u64>| push.map(|push| ladder.value(push));
        let tried = found.evaluations.iter().map(|tried| Tried {
            push: ladder.value(tried.push),
            value: tried.value,
            interval: tried.interval,
            is_enough: tried.is_enough,
            is_surely_enough: tried.is_surely_enough,
        });
        let mut notes = ladder.notes.clone();
        if !found.is_ascending() {
            notes.push("some larger push reached less than a smaller one".to_owned());
        }
        if let (Goal::Chance { nodes, .. }, Over::Seeds, Some(push)) =
            (goal, args.over, found.estimate)
            && push >= nodes
        {
            notes.push(format!("the {push} seeds alone are the {nodes} nodes that are asked for"));
        }
        Self {
            over: match args.over {
                Over::Seeds => "seeds",
                Over::Probability => "probability",
            },
            measure: args.measure.clone(),
            goal,
            confidence_level: args.confidence,
            simulations: ladder.spec.run.simulations,
            evaluations: tried.collect(),
            estimate: value(found.estimate),
            interval: [value(found.low), value(found.high)],
            answer: value(found.high),
            is_exact: ladder.is_exact && found.is_ascending(),
            notes,
        }
    }

    fn describe(&self) -> String {
        let of = self.measure.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
        let (unit, asked) = match self.goal {
            Goal::Mean { nodes } => (1.0, format!("{nodes:.1} nodes{of} on average")),
            Goal::Chance { nodes, chance } => {
                (100.0, format!("{nodes} nodes{of} in {:.1} % of all cascades", 100.0 * chance))
            }
        };
        let what = self.over;
        let mut text = format!("asked for    {asked}\n\n");
        let _ = writeln!(text, "{what:>12}  {:>12}  {:>24}", "found", "interval");
        for tried in &self.evaluations {
            let verdict = match (tried.is_surely_enough, tried.is_enough) {
                (true, _) => "enough",
                (false, true) => "enough, not surely",
                (false, false) => "too little",
            };
            let [low, high] = tried.interval.map(|end| unit * end);
            let interval = format!("{low:.2} to {high:.2}");
            let push = tried.push.to_string();
            let found = format!("{:.2}", unit * tried.value);
            let _ = writeln!(text, "{push:>12}  {found:>12}  {interval:>24}  {verdict}");
        }
        let end =
            |end: &Option<SweptValue>| end.as_ref().map_or("more".to_owned(), ToString::to_string);
        let percent = 100.0 * self.confidence_level;
        let _ = match &self.estimate {
            Some(estimate) => writeln!(
                text,
                "\ncritical     {what} {estimate}, with {percent} % confidence from {} to {}",
                end(&self.interval[0]),
                end(&self.interval[1])
            ),
            None => writeln!(text, "\ncritical     no {what} that were tried are enough"),
        };
        if let Some(answer) = &self.answer {
            let _ = writeln!(text, "surely       {what} {answer}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "note         {note}");
        }
        text
    }
}
