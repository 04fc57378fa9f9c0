//! What the frontiers of real cascades take on the wire, beside what any code needs.
//!
//!     cargo run --release -p kaskade-benches --bin frontier-bytes [GRAPH]...
//!
//! Prints a line a graph, model and width, for the slices that three workers would exchange. Ends with
//! code 1 when ids or masks of one take more than their bounds allow.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use kaskade_benches::frontiers::{Bits, MAX_ID_RATIO, MAX_MASK_RATIO, record, total};
use kaskade_benches::graphs::{BenchGraph, GraphChoice};
use kaskade_benches::workloads::Workload;

const WORKLOADS: [Workload; 3] =
    [Workload::ConstantCascade(0.01), Workload::WeightedCascade, Workload::ConstantCascade(0.1)];

const N_WORKERS: usize = 3;

fn main() -> io::Result<ExitCode> {
    let names: Vec<String> = env::args().skip(1).collect();
    let choices = if names.is_empty() {
        vec![GraphChoice::WikiVote, GraphChoice::Rmat(18), GraphChoice::Rmat(20)]
    } else {
        names.iter().filter_map(|name| GraphChoice::named(name)).collect()
    };
    let mut out = io::stdout().lock();
    writeln!(out, "| graph | model | W | activations | bytes each | ids | masks | all | chunks |")?;
    writeln!(out, "|---|---|---:|---:|---:|---:|---:|---:|---|")?;
    let mut is_within = true;
    for graph in choices.into_iter().filter_map(BenchGraph::new_or_said) {
        for workload in WORKLOADS {
            let rounds = [
                (1, record::<1>(&graph, workload, N_WORKERS)),
                (8, record::<8>(&graph, workload, N_WORKERS)),
            ];
            for (lane_words, rounds) in rounds {
                let bits = total(&rounds);
                is_within &= bits.is_within_bounds();
                write_row(&mut out, &graph.name, workload, lane_words, &bits)?;
            }
        }
    }
    writeln!(
        out,
        "\nids at most {MAX_ID_RATIO} and masks at most {MAX_MASK_RATIO} times the bound"
    )?;
    Ok(if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_row(
    out: &mut impl Write,
    graph: &str,
    workload: Workload,
    lane_words: usize,
    bits: &Bits,
) -> io::Result<()> {
    let (list, roaring, dense) = (bits.chunks.list, bits.chunks.roaring, bits.chunks.dense);
    writeln!(
        out,
        "| {graph} | {workload} | {lane_words} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {list} list, \
         {roaring} roaring, {dense} dense |",
        bits.n_activations,
        bits.sent / 8.0 / bits.n_activations as f64,
        bits.id_ratio(),
        bits.mask_ratio(),
        bits.ratio(),
    )
}
