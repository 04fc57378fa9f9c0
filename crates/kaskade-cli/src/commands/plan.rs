//! `kaskade graph plan`.

use std::fmt::Write as _;

use indicatif::BinaryBytes;
use kaskade_engine::job::{
    Footprint, MemoryShape, ShardLoad, WorkerInfo, batch_bytes, decide, fitting_lane_words,
    lane_words, largest_footprint,
};
use kaskade_engine::local::LaneChoice;
use kaskade_model::WorkerId;
use kaskade_model::spec::Placement;
use kaskade_rpc::machine;
use kaskade_store::Manifest;
use serde::Serialize;

use crate::args::graph::PlanArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::shares;

/// Says what a job on a graph takes on each worker, from the manifest alone.
pub(super) fn plan(args: &PlanArgs, console: &Console) -> Result<(), CliError> {
    let manifest = Manifest::read(&args.dir)?;
    let memory_bytes = args.memory.resolve(machine::free_memory_bytes(), shares::MEMORY_SHARE);
    let plan = Plan::new(args, &manifest, memory_bytes.unwrap_or(u64::MAX));
    console.result(&plan, || plan.describe())
}

/// What `--json` prints of a plan.
#[derive(Debug, Serialize)]
struct Plan {
    workers: u32,
    memory_bytes: u64,
    simulations: u64,
    lane_words: usize,
    batches: usize,
    /// What the coordinator maps: the id map and the degrees.
    coordinator_bytes: u64,
    placements: Vec<Row>,
    auto: Auto,
    /// `kaskade run` on one machine with the memory of a worker.
    run: RunRow,
}

/// A placement and what each worker must have for it.
#[derive(Debug, Serialize)]
struct Row {
    placement: Placement,
    groups: u32,
    workers_per_group: u32,
    /// Workers without a shard: there are fewer shards than workers in a group.
    idle_workers: u32,
    #[serde(flatten)]
    bytes: Bytes,
    fits: bool,
}

/// Where the bytes of the worker with the most go.
#[derive(Debug, Serialize)]
struct Bytes {
    shard_bytes: u64,
    state_bytes: u64,
    frontier_bytes: u64,
    list_bytes: u64,
    exchange_bytes: u64,
    total_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Auto {
    /// Absent where nothing fits: a cluster refuses the job.
    placement: Option<Placement>,
    why: String,
}

#[derive(Debug, Serialize)]
struct RunRow {
    lane_words: usize,
    batches: usize,
    id_map_bytes: u64,
    #[serde(flatten)]
    bytes: Bytes,
    fits: bool,
}

impl Plan {
    fn new(args: &PlanArgs, manifest: &Manifest, memory_bytes: u64) -> Self {
        let shards = shard_loads(manifest);
        let workers: Vec<WorkerInfo> = (1..=u64::from(args.workers))
            .map(|id| WorkerInfo { worker: WorkerId(id), address: String::new(), memory_bytes })
            .collect();
        let words = args.lane_words.map_or_else(
            || {
                let widest = lane_words(args.simulations, args.workers as usize);
                let shape = MemoryShape::in_cluster(&shards, widest);
                fitting_lane_words(shape, Placement::Auto, &workers)
            },
            |words| words as usize,
        );
        let mut shape = MemoryShape::in_cluster(&shards, words);
        if let Some(batches) = args.batches {
            shape.batches_in_flight = batches as usize;
        }
        let placements: Vec<Row> = divisors(args.workers)
            .map(|parts| Row::new(shape, args.workers, parts, memory_bytes))
            .collect();
        let auto = match decide(shape, Placement::Auto, &workers) {
            Ok(decision) => Auto { placement: Some(decision.placement), why: decision.why },
            Err(shortage) => Auto { placement: None, why: shortage.to_string() },
        };
        Self {
            workers: args.workers,
            memory_bytes,
            simulations: args.simulations,
            lane_words: words,
            batches: shape.batches_in_flight,
            coordinator_bytes: manifest.nodes_file.file_bytes,
            placements,
            auto,
            run: RunRow::new(args, manifest, &shards, memory_bytes),
        }
    }

    fn describe(&self) -> String {
        let mut text = String::new();
        let line = |text: &mut String, cells: [String; 8]| {
            let [placement, shards, state, frontier, lists, exchange, total, fits] = cells;
            writeln!(
                text,
                "{placement:<14}{shards:>12}{state:>12}{frontier:>12}{lists:>12}{exchange:>12}{total:>12}  {fits}"
            )
            .expect("a string takes any text");
        };
        let heads = ["placement", "shards", "state", "frontier", "lists", "exchange", "total", ""];
        line(&mut text, heads.map(str::to_owned));
        let fits = |fits: bool| if fits { "fits" } else { "does not fit" };
        for row in &self.placements {
            let mut note = fits(row.fits).to_owned();
            if row.idle_workers > 0 {
                write!(note, ", {} workers get no shard", row.idle_workers)
                    .expect("a string takes any text");
            }
            line(&mut text, row.bytes.cells(row.placement.to_string(), note));
        }
        line(&mut text, self.run.bytes.cells("kaskade run".to_owned(), fits(self.run.fits).into()));
        let size = |bytes: u64| BinaryBytes(bytes).to_string();
        let memory = if self.memory_bytes == u64::MAX {
            "memory without a known limit".to_owned()
        } else {
            size(self.memory_bytes)
        };
        let auto = match self.auto.placement {
            Some(placement) => format!("--placement auto takes {placement}: {}.", self.auto.why),
            None => format!("A cluster refuses the job: {}.", self.auto.why),
        };
        write!(
            text,
            "\nThe worker with the most, of {} with {memory}: W = {}, {} batches in flight;\n\
             frontier and exchange at most, when every node becomes active in one round;\n\
             lists are all out-lists side by side, for small probabilities, or where they lie.\n\
             The coordinator maps {}, the id map and the degrees. `kaskade run` has W = {}\n\
             and {} batches in flight, and maps them too, {} in all.\n\
             {auto}\n",
            self.workers,
            self.lane_words,
            self.batches,
            size(self.coordinator_bytes),
            self.run.lane_words,
            self.run.batches,
            size(self.run.bytes.total_bytes),
        )
        .expect("a string takes any text");
        text
    }
}

impl Row {
    fn new(shape: MemoryShape<'_>, n_workers: u32, n_parts: u32, memory_bytes: u64) -> Self {
        let groups = n_workers / n_parts;
        let placement = match (groups, n_parts) {
            (_, 1) => Placement::Replicate,
            (1, _) => Placement::Partition,
            (replicas, parts) => Placement::Hybrid { replicas, parts },
        };
        let n_used = shape.shards.len().min(n_parts as usize) as u32;
        let bytes = Bytes::of(&largest_footprint(shape, n_parts as usize), 0);
        Self {
            placement,
            groups,
            workers_per_group: n_parts,
            idle_workers: groups * (n_parts - n_used),
            fits: bytes.total_bytes <= memory_bytes,
            bytes,
        }
    }
}

impl RunRow {
    fn new(args: &PlanArgs, manifest: &Manifest, shards: &[ShardLoad], memory_bytes: u64) -> Self {
        let n_threads = args.threads.map_or_else(machine::n_cores, |threads| threads as usize);
        let limit_bytes = shares::state_limit_bytes(memory_bytes);
        let of_batch = |lane_words| batch_bytes(None, manifest.n_nodes, 0.0, lane_words);
        let lanes = match args.lane_words {
            Some(words) => {
                let (words, bytes) = (words as usize, of_batch(words as usize));
                LaneChoice::with_lane_words(words, n_threads, limit_bytes, bytes)
            }
            None => LaneChoice::auto(args.simulations, n_threads, limit_bytes, of_batch),
        };
        let shape = MemoryShape {
            shards,
            lane_words: lanes.lane_words,
            batches_in_flight: lanes.max_in_flight,
            coins: None,
            dynamics: None,
            node_bytes: 0,
            chooses: false,
        };
        let id_map_bytes = manifest.nodes_file.file_bytes;
        let bytes = Bytes::of(&largest_footprint(shape, 1), id_map_bytes);
        Self {
            lane_words: lanes.lane_words,
            batches: lanes.max_in_flight,
            id_map_bytes,
            fits: bytes.total_bytes <= memory_bytes,
            bytes,
        }
    }
}

impl Bytes {
    fn of(footprint: &Footprint, more_bytes: u64) -> Self {
        Self {
            shard_bytes: footprint.shard_bytes,
            state_bytes: footprint.state_bytes,
            frontier_bytes: footprint.frontier_bytes,
            list_bytes: footprint.list_bytes,
            exchange_bytes: footprint.exchange_bytes,
            total_bytes: footprint.total_bytes().saturating_add(more_bytes),
        }
    }

    /// The cells of its row in a table.
    fn cells(&self, name: String, note: String) -> [String; 8] {
        let size = |bytes: u64| BinaryBytes(bytes).to_string();
        [
            name,
            size(self.shard_bytes),
            size(self.state_bytes),
            size(self.frontier_bytes),
            size(self.list_bytes),
            size(self.exchange_bytes),
            size(self.total_bytes),
            note,
        ]
    }
}

/// What the manifest says of each shard's cost.
fn shard_loads(manifest: &Manifest) -> Vec<ShardLoad> {
    let load = |entry: &kaskade_store::ShardEntry| ShardLoad {
        shard: entry.shard,
        n_nodes: entry.nodes.n_nodes() as u64,
        n_arcs: entry.n_arcs,
        n_bytes: entry.file_bytes,
    };
    manifest.shards.iter().map(load).collect()
}

/// The divisors of `n`, ascending: the sizes that equal groups of `n` workers can have.
fn divisors(n: u32) -> impl Iterator<Item = u32> {
    (1..=n).filter(move |divisor| n.is_multiple_of(*divisor))
}
