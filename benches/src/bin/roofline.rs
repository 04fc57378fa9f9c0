//! What the machine itself can do, and how the kernel's costs grow beside it.
//!
//! ```text
//! roofline [--scales FROM-TO]
//! ```
//! Prints Markdown for `docs/roofline.md`: accesses to lines of 64 bytes at random places of
//! states of 1 MiB to 1 GiB in huge pages, on one thread; reading in order; 64 coins of an arc;
//! and, with `KASKADE_BENCH_FULL=1` or `--scales`, the kernel on R-MAT of rising scale (18 to 24
//! by default; 24 needs about 10 GB on disk and in memory).

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write};

use kaskade_benches::graphs::{BenchGraph, GraphChoice, is_full};
use kaskade_benches::jobs::{FULL_BATCH, Job};
use kaskade_benches::labels::pool;
use kaskade_benches::measure::{Clock, Spread};
use kaskade_benches::memory::HugeVec;
use kaskade_benches::roofline::{Coins, LINE_BYTES, Lines};
use kaskade_benches::workloads::Workload;
use kaskade_model::coin::Isa;

/// Every figure is the median of so many.
const N_ROUNDS: usize = 5;

const DEFAULT_SCALES: (u32, u32) = (18, 24);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let scales = scales(std::env::args().skip(1))?;
    let mut out = io::stdout().lock();
    random_lines(&mut out)?;
    in_order(&mut out)?;
    coins(&mut out)?;
    if let Some((first, last)) = scales {
        series(&mut out, first, last)?;
    }
    Ok(())
}

fn scales(mut arguments: impl Iterator<Item = String>) -> Outcome<Option<(u32, u32)>> {
    let Some(option) = arguments.next() else {
        return Ok(is_full().then_some(DEFAULT_SCALES));
    };
    let value = arguments.next().filter(|_| option == "--scales");
    let value = value.ok_or(format!("unknown option {option:?}: use --scales FROM-TO"))?;
    let (first, last) = value.split_once('-').ok_or("--scales needs FROM-TO")?;
    Ok(Some((first.parse()?, last.parse()?)))
}

/// Nanoseconds of each access to a state, in the order of the columns.
struct Accesses {
    read: Spread,
    read_ahead: Spread,
    write: Spread,
    write_ahead: Spread,
    chained: Spread,
}

impl Accesses {
    fn to(n_bytes: usize) -> Self {
        let mut lines = Lines::new(n_bytes);
        let mut of = |access: fn(&mut Lines) -> u64| {
            access(&mut lines);
            Spread::of((0..N_ROUNDS).map(|_| per_access(|| access(&mut lines))))
        };
        Self {
            read: of(Lines::read),
            read_ahead: of(Lines::read_ahead),
            write: of(Lines::write),
            write_ahead: of(Lines::write_ahead),
            chained: of(Lines::chained),
        }
    }
}

/// Nanoseconds of processor time of one access of `work`, which gives how many it did.
fn per_access(work: impl FnOnce() -> u64) -> f64 {
    let mut count = 0;
    let elapsed = Clock::Processor.time(|| count = work());
    elapsed.as_secs_f64() * 1e9 / count as f64
}

fn random_lines(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "\nNanoseconds of an access to a line of {LINE_BYTES} bytes at a random place, one \
         thread, huge pages; medians of {N_ROUNDS} (least–greatest). *Ahead*: asked for \
         {} accesses before. *Chained*: each says where the next is.\n",
        Lines::AHEAD
    )?;
    writeln!(
        out,
        "| state | read | read, ahead | read and written | read and written, ahead | chained |"
    )?;
    writeln!(out, "|---:|---:|---:|---:|---:|---:|")?;
    for mib in (0..=10).map(|power| 1 << power) {
        let Accesses { read, read_ahead, write, write_ahead, chained } = Accesses::to(mib << 20);
        let cells = [read, read_ahead, write, write_ahead, chained].map(cell).join(" | ");
        writeln!(out, "| {mib} MiB | {cells} |")?;
        out.flush()?;
    }
    Ok(())
}

fn in_order(out: &mut impl Write) -> io::Result<()> {
    let words = HugeVec::<u64>::of(&vec![1; 1 << 27]);
    let pass = || words.iter().fold(0u64, |sum, &word| sum.wrapping_add(word));
    let n_bytes = size_of_val(&*words) as u64;
    let nanoseconds = Spread::of((0..N_ROUNDS).map(|_| {
        per_access(|| {
            black_box(pass());
            n_bytes
        })
    }));
    writeln!(
        out,
        "\nRead in order, 1 GiB, one thread: {:.1} GB/s ({:.1}–{:.1}).",
        1.0 / nanoseconds.median,
        1.0 / nanoseconds.max,
        1.0 / nanoseconds.min
    )
}

fn coins(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n| 64 coins of an arc, its hash included | ns |\n|---|---:|")?;
    let coins = Coins::new();
    for isa in Isa::available() {
        let nanoseconds = Spread::of((0..N_ROUNDS).map(|_| per_access(|| coins.throw(isa))));
        writeln!(out, "| {isa:?} | {} |", cell(nanoseconds))?;
    }
    Ok(())
}

/// The kernel on one thread, independent cascade with p = 0.05, beside accesses to its state.
fn series(out: &mut impl Write, first: u32, last: u32) -> io::Result<()> {
    let workload = Workload::ConstantCascade(0.05);
    writeln!(
        out,
        "\nR-MAT of rising scale, {workload}, {FULL_BATCH} simulations, one thread; growth since \
         scale {first}. The machine: read and written, ahead and chained, in a state of n · 16 W \
         bytes.\n"
    )?;
    writeln!(
        out,
        "| scale | state | ns an arc | growth | machine, ahead | growth | machine, chained | \
         growth | arc ÷ ahead | arc ÷ chained |"
    )?;
    writeln!(out, "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    let pool = pool(1);
    let mut base = None;
    for scale in first..=last {
        let Some(graph) = BenchGraph::try_new(GraphChoice::Rmat(scale)) else { continue };
        let mut lane_words = 0;
        let mut per_arc = || {
            pool.install(|| {
                let job = Job::new(&graph, workload, 0..FULL_BATCH);
                lane_words = job.lane_words;
                per_access(|| job.run().work().arcs_scanned)
            })
        };
        per_arc();
        let kernel = Spread::of((0..3).map(|_| per_arc()));
        let n_bytes = graph.n_nodes as usize * 16 * lane_words;
        drop(graph);
        let Accesses { write_ahead, chained, .. } = Accesses::to(n_bytes);
        let found = [kernel.median, write_ahead.median, chained.median];
        let base = *base.get_or_insert(found);
        let [arc, ahead, chain]: [f64; 3] = std::array::from_fn(|idx| found[idx] / base[idx]);
        writeln!(
            out,
            "| {scale} | {} MiB | {} | {arc:.2} | {} | {ahead:.2} | {} | {chain:.2} | {:.2} | {:.2} |",
            n_bytes >> 20,
            cell(kernel),
            cell(write_ahead),
            cell(chained),
            arc / ahead,
            arc / chain,
        )?;
        out.flush()?;
    }
    Ok(())
}

fn cell(values: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", values.median, values.min, values.max)
}
