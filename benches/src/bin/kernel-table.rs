//! The table of the round kernel: plain programs, kaskade and peers, taking turns in one run.
//!
//! ```text
//! kernel-table [--graphs NAME,...] [--workloads TEXT,...] [--rounds N] [--seconds S]
//!              [--peers PROGRAM [ARGUMENT...]]
//! ```
//! Graphs: wiki-Vote, NetHEPT, rmat-SCALE, barabasi-albert; by default the small ones, and with
//! `KASKADE_BENCH_FULL=1` those of the tables in `docs/benchmarks.md`. A workload is taken where
//! its name has one of the texts, as `p=0.05` or `lt`. Peers run on graphs from files alone, and
//! come last on the line: `scripts/kernel.sh` starts them. Prints Markdown as it goes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use kaskade_benches::baseline::hashed::Hashed;
use kaskade_benches::baseline::skipping::Skipping;
use kaskade_benches::csr::Csr;
use kaskade_benches::graphs::{BenchGraph, GraphChoice, SEED};
use kaskade_benches::jobs::{FULL_BATCH, Job, total_spread};
use kaskade_benches::labels::pool;
use kaskade_benches::measure::{Clock, Contender, Figures, Measured, Spread, rounds};
use kaskade_benches::peers::{PEERS, Peers};
use kaskade_benches::workloads::Workload;
use kaskade_model::tally::{JobTally, Work};
use rayon::ThreadPool;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut out = io::stdout().lock();
    let mut peers = PeerTable::default();
    writeln!(
        out,
        "\nSimulations a second; {} rounds in which all take turns, at least {} s or a batch of \
         {FULL_BATCH} simulations each: median (least–greatest). Processor time on one thread; \
         the threads' ratio by the wall.\n",
        options.n_rounds,
        options.duration.as_secs_f64(),
    )?;
    writeln!(
        out,
        "| graph | workload | hashed | skipping | kaskade, 1 thread | × the better | \
         2 threads / 1 | ns an arc | ns a coin | W | mean spreads |"
    )?;
    writeln!(out, "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")?;
    for &choice in &options.graphs {
        let Some(graph) = BenchGraph::new_or_said(choice) else { continue };
        let bench = Bench::new(&options, choice, graph)?;
        for &workload in &options.workloads {
            let found = bench.measure(&options, workload)?;
            writeln!(out, "{}", found.row(&bench.graph.name, workload))?;
            out.flush()?;
            peers.add(&bench.graph.name, workload, found);
        }
    }
    peers.write(&mut out)?;
    Ok(())
}

struct Options {
    graphs: Vec<GraphChoice>,
    workloads: Vec<Workload>,
    n_rounds: usize,
    duration: Duration,
    peers: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self {
            graphs: GraphChoice::of_tables(),
            workloads: Workload::ALL.to_vec(),
            n_rounds: 5,
            duration: Duration::from_millis(300),
            peers: vec![],
        };
        while let Some(option) = arguments.next() {
            if option == "--peers" {
                options.peers = arguments.collect();
                break;
            }
            let value = arguments.next().ok_or(format!("{option} needs a value"))?;
            match option.as_str() {
                "--graphs" => {
                    let graphs = value.split(',').map(|name| {
                        GraphChoice::named(name).ok_or(format!("unknown graph {name:?}"))
                    });
                    options.graphs = graphs.collect::<Result<_, _>>()?;
                }
                "--workloads" => {
                    let is_asked = |workload: &Workload| {
                        value.split(',').any(|text| workload.to_string().contains(text))
                    };
                    options.workloads.retain(is_asked);
                }
                "--rounds" => options.n_rounds = value.parse::<usize>()?.max(1),
                "--seconds" => options.duration = Duration::try_from_secs_f64(value.parse()?)?,
                _ => return Err(format!("unknown option {option:?}").into()),
            }
        }
        Ok(options)
    }
}

/// A graph in all forms that contenders want, and the threads of kaskade.
struct Bench {
    graph: BenchGraph,
    csr: Csr,
    pools: [ThreadPool; 2],
    peers: Option<RefCell<Peers>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(options: &Options, choice: GraphChoice, graph: BenchGraph) -> Outcome<Self> {
        let csr = Csr::from_shards(&graph.shards);
        let folder = tempfile::tempdir()?;
        let has_peers = choice.is_from_file() && !options.peers.is_empty();
        let start = || Peers::start(&options.peers, folder.path(), &csr, graph.seeds());
        let peers = has_peers.then(start).transpose()?.map(RefCell::new);
        Ok(Self { csr, pools: [pool(1), pool(2)], peers, graph, _folder: folder })
    }

    fn measure(&self, options: &Options, workload: Workload) -> Outcome<Found> {
        let seeds = self.graph.seeds();
        let mut hashed = Hashed::new(&self.csr, workload);
        let mut skipping = Skipping::new(&self.csr, workload, SEED);
        let counted = RefCell::new(Counted::default());
        let run = |pool: usize, clock, simulations| {
            kaskade(&self.pools[pool], &self.graph, clock, workload, simulations)
        };
        let mut contenders = vec![
            contender("hashed", 1, |first, count| {
                timed(Clock::Processor, || hashed.total_spread(seeds, first..first + count))
            }),
            contender("skipping", 1, |_, count| {
                timed(Clock::Processor, || skipping.total_spread(seeds, count))
            }),
            contender("kaskade", FULL_BATCH, |first, count| {
                let ran = run(0, Clock::Processor, first..first + count);
                counted.borrow_mut().add(&ran);
                ran.measured
            }),
            // Both by the wall, for the ratio of their threads.
            contender("1 thread", FULL_BATCH, |first, count| {
                run(0, Clock::Wall, first..first + count).measured
            }),
            contender("2 threads", 2 * FULL_BATCH, |first, count| {
                run(1, Clock::Wall, first..first + count).measured
            }),
        ];
        for peer in PEERS {
            let Some(peers) = &self.peers else { break };
            if peers.borrow_mut().run(peer, workload, 0, 1)?.is_some() {
                contenders.push(contender(peer, 1, move |first, count| {
                    let answer = peers.borrow_mut().run(peer, workload, first, count);
                    answer.ok().flatten().expect("the peer's process is alive")
                }));
            }
        }
        let figures = rounds(&mut contenders, options.n_rounds, options.duration);
        drop(contenders);
        let mut counted = counted.into_inner();
        counted.keep_last(options.n_rounds);
        Ok(Found { figures, counted })
    }
}

/// What a run of kaskade's gave.
struct Ran {
    measured: Measured,
    work: Work,
    lane_words: usize,
}

fn kaskade(
    pool: &ThreadPool,
    graph: &BenchGraph,
    clock: Clock,
    workload: Workload,
    simulations: Range<u64>,
) -> Ran {
    pool.install(|| {
        let job = Job::new(graph, workload, simulations);
        let lane_words = job.lane_words;
        let mut tally = JobTally::default();
        let elapsed = clock.time(|| tally = job.run());
        let measured = Measured { elapsed, total_spread: total_spread(&tally) as f64 };
        Ran { measured, work: tally.work(), lane_words }
    })
}

fn contender<'a>(
    name: &str,
    batch: u64,
    run: impl FnMut(u64, u64) -> Measured + 'a,
) -> Contender<'a> {
    Contender { name: name.to_owned(), batch, run: Box::new(run) }
}

fn timed(clock: Clock, run: impl FnOnce() -> u64) -> Measured {
    let mut total = 0;
    let elapsed = clock.time(|| total = run());
    Measured { elapsed, total_spread: total as f64 }
}

/// What kaskade counted on one thread.
#[derive(Default)]
struct Counted {
    lane_words: usize,
    nanoseconds_per_arc: Vec<f64>,
    nanoseconds_per_coin: Vec<f64>,
}

impl Counted {
    fn add(&mut self, ran: &Ran) {
        let nanoseconds = ran.measured.elapsed.as_secs_f64() * 1e9;
        self.lane_words = ran.lane_words;
        self.nanoseconds_per_arc.push(nanoseconds / ran.work.arcs_scanned as f64);
        self.nanoseconds_per_coin.push(nanoseconds / ran.work.coins as f64);
    }

    /// Forgets the runs before the rounds, which only found how many simulations to measure.
    fn keep_last(&mut self, n_rounds: usize) {
        for values in [&mut self.nanoseconds_per_arc, &mut self.nanoseconds_per_coin] {
            values.drain(..values.len() - n_rounds);
        }
    }
}

/// The figures of one graph and workload: the plain programs, kaskade thrice, peers.
struct Found {
    figures: Vec<Figures>,
    counted: Counted,
}

impl Found {
    /// The better plain program.
    fn better(&self) -> &Figures {
        let [hashed, skipping] = [&self.figures[0], &self.figures[1]];
        if hashed.rate().median > skipping.rate().median { hashed } else { skipping }
    }

    fn kaskade(&self) -> &Figures {
        &self.figures[2]
    }

    fn peers(&self) -> &[Figures] {
        &self.figures[5..]
    }

    fn row(&self, graph: &str, workload: Workload) -> String {
        let [hashed, skipping, kaskade, one, two] =
            std::array::from_fn(|contender| &self.figures[contender]);
        let Counted { lane_words, nanoseconds_per_arc, nanoseconds_per_coin } = &self.counted;
        let median = |values: &[f64]| figure(Spread::of(values.iter().copied()).median);
        format!(
            "| {graph} | {workload} | {} | {} | {} | {} | {} | {} | {} | {lane_words} | \
             {:.1} / {:.1} / {:.1} |",
            spread(hashed.rate()),
            spread(skipping.rate()),
            spread(kaskade.rate()),
            spread(Spread::of_ratios(kaskade, self.better())),
            spread(Spread::of_ratios(two, one)),
            median(nanoseconds_per_arc),
            median(nanoseconds_per_coin),
            hashed.mean_spread,
            skipping.mean_spread,
            kaskade.mean_spread,
        )
    }
}

/// `median (least–greatest)`.
fn spread(values: Spread) -> String {
    format!("{} ({}–{})", figure(values.median), figure(values.min), figure(values.max))
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// What was found beside peers, by graph and in the order of the workloads.
#[derive(Default)]
struct PeerTable(BTreeMap<String, Vec<(Workload, Found)>>);

impl PeerTable {
    fn add(&mut self, graph: &str, workload: Workload, found: Found) {
        if !found.peers().is_empty() {
            self.0.entry(graph.to_owned()).or_default().push((workload, found));
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nPeers in the same run and rounds, one thread, processor time:\n")?;
        writeln!(
            out,
            "| graph | workload | {} | kaskade × the faster | better plain × cynetdiff | \
             × pynetim | mean spreads |",
            PEERS.join(" | ")
        )?;
        writeln!(out, "|---|---|---:|---:|---:|---:|---:|---|")?;
        let mut conditions = vec![];
        for (graph, found) in &self.0 {
            for (workload, found) in found {
                writeln!(out, "{}", peer_row(graph, *workload, found))?;
                conditions.extend(condition(graph, *workload, found));
            }
        }
        writeln!(out)?;
        conditions.iter().try_for_each(|line| writeln!(out, "- {line}"))
    }
}

fn peer_row(graph: &str, workload: Workload, found: &Found) -> String {
    let of = |peer: &str| found.peers().iter().find(|figures| figures.name == peer);
    let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "–".to_owned());
    let rates = PEERS.map(|peer| or_none(of(peer).map(|figures| spread(figures.rate()))));
    let by_rate = |a: &&Figures, b: &&Figures| a.rate().median.total_cmp(&b.rate().median);
    let faster = found.peers().iter().max_by(by_rate);
    let ratio = faster.map(|faster| spread(Spread::of_ratios(found.kaskade(), faster)));
    let better = PEERS.map(|peer| {
        or_none(of(peer).map(|figures| spread(Spread::of_ratios(found.better(), figures))))
    });
    let means =
        PEERS.map(|peer| or_none(of(peer).map(|figures| format!("{:.1}", figures.mean_spread))));
    format!(
        "| {graph} | {workload} | {} | {} | {} | {} |",
        rates.join(" | "),
        or_none(ratio),
        better.join(" | "),
        means.join(" / "),
    )
}

/// On wiki-Vote the better plain program must reach three times CyNetDiff for cascades and the
/// speed of PyNetIM for linear threshold, else the plain programs are none to be measured by.
fn condition(graph: &str, workload: Workload, found: &Found) -> Option<String> {
    let (peer, needed) = if workload.is_cascade() { (PEERS[0], 3.0) } else { (PEERS[1], 1.0) };
    let figures = found.peers().iter().find(|figures| figures.name == peer)?;
    let ratio = Spread::of_ratios(found.better(), figures).median;
    let verdict = if ratio >= needed { "holds" } else { "FAILS" };
    (graph == GraphChoice::WikiVote.name()).then(|| {
        format!(
            "{graph}, {workload}: {} has {}× {peer}, needed {needed}×: {verdict}",
            found.better().name,
            figure(ratio)
        )
    })
}
