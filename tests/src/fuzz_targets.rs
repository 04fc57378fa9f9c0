//! What takes bytes from outside, each as a function of bytes: refuses them or takes them, and
//! never panics.
//!
//! `tests/fuzz_targets.rs` runs every target on its corpus and on inputs near it;
//! `scripts/fuzz.sh` runs the same targets coverage-guided. A new one is a row of [`TARGETS`]
//! and a folder of seeds in `tests/fuzz/corpus`.

mod parsers;
mod seal;
mod shard;

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

use kaskade_engine::slice::{self, Slice};
use kaskade_ingest::spec::Format;
use kaskade_store::Manifest;
use tempfile::NamedTempFile;

pub use kaskade_ingest::is_isolated;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken, and everything in it could be looked at.
    Accepted,
    /// It was refused by an error.
    Refused,
}

/// Something that takes bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its folder of seeds.
    pub name: &'static str,
    /// Gives it an input. Panics on a defect.
    pub run: fn(&[u8]) -> Verdict,
    /// Whether an input takes files and milliseconds.
    pub is_slow: bool,
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]) -> Verdict) -> Self {
        Self { name, run, is_slow: false }
    }

    const fn slow(name: &'static str, run: fn(&[u8]) -> Verdict) -> Self {
        Self { name, run, is_slow: true }
    }
}

/// All targets. Those called `sealed-…` make the checksums of an input right first, so that what
/// lies behind them is reached.
pub const TARGETS: [Target; 15] = [
    Target::new("shard", shard::open),
    Target::new("sealed-shard", |bytes| shard::open(&seal::file(bytes))),
    Target::new("manifest", manifest),
    Target::new("sealed-manifest", |bytes| manifest(&seal::manifest(bytes))),
    Target::new("slice", slice),
    Target::new("text", |bytes| parsers::arcs(bytes, Format::Text)),
    Target::new("csv", |bytes| parsers::arcs(bytes, Format::Csv)),
    Target::new("tsv", |bytes| parsers::arcs(bytes, Format::Tsv)),
    Target::new("konect", |bytes| parsers::arcs(bytes, Format::Konect)),
    Target::new("matrix-market", |bytes| parsers::arcs(bytes, Format::MatrixMarket)),
    Target::new("metis", |bytes| parsers::arcs(bytes, Format::Metis)),
    Target::new("gap-sg", |bytes| parsers::arcs(bytes, Format::GapSg)),
    Target::new("parquet", |bytes| parsers::arcs(bytes, Format::Parquet)),
    Target::slow("graphalytics", parsers::graphalytics),
    Target::slow("node-table", parsers::node_table),
];

/// The target called `name`.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Reads a manifest, and what follows from it.
fn manifest(bytes: &[u8]) -> Verdict {
    let Ok(manifest) = Manifest::parse(Path::new("manifest.json"), bytes) else {
        return Verdict::Refused;
    };
    assert_eq!(manifest.files().count(), manifest.shards.len() + 1);
    assert!(manifest.total_bytes() >= manifest.nodes_file.file_bytes);
    assert!(manifest.bytes_per_arc() >= 0.0);
    assert_eq!(manifest.shard_table_digest().len(), manifest.digest.len());
    Verdict::Accepted
}

/// Decodes a payload between workers; what was decoded comes back when encoded anew.
fn slice(bytes: &[u8]) -> Verdict {
    const N_NODES: u32 = 1 << 24;
    const ALL_LANES: [u64; 1] = [u64::MAX];
    let Ok(slices) = slice::decode(bytes, N_NODES, &ALL_LANES) else {
        return Verdict::Refused;
    };
    for slice in slices {
        assert!(slice.nodes.is_sorted_by(|a, b| a < b), "nodes ascend");
        assert!(slice.nodes.iter().all(|&node| node < N_NODES), "nodes are the graph's");
        let mut again = Slice::default();
        for payload in slice::encode(std::slice::from_ref(&slice)).payloads {
            let blocks = slice::decode(&payload, N_NODES, &ALL_LANES);
            for block in blocks.expect("the encoder's bytes can be decoded") {
                again.nodes.extend(block.nodes);
                again.masks.extend(block.masks);
            }
        }
        assert_eq!(again, slice);
    }
    Verdict::Accepted
}

/// Calls `take` with a file of `bytes`: in memory where the system has a place for that, the
/// same file for all inputs of a thread.
fn with_file<R>(bytes: &[u8], take: impl FnOnce(&Path) -> R) -> R {
    thread_local! {
        static FILE: RefCell<NamedTempFile> = RefCell::new(scratch_file());
    }
    FILE.with_borrow_mut(|scratch| {
        let file: &mut File = scratch.as_file_mut();
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(bytes));
        written.expect("the scratch folder can be written to");
        take(scratch.path())
    })
}

fn scratch_file() -> NamedTempFile {
    let in_memory = Path::new("/dev/shm");
    let file = NamedTempFile::new_in(in_memory).or_else(|_| NamedTempFile::new());
    file.expect("the scratch folder can be written to")
}
