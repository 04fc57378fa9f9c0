//! Small jobs for this crate's tests.

use kaskade_model::dynamics::{NoColumns, NodeColumns};
use kaskade_model::ids::JobId;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use kaskade_model::spec::Spec;
use kaskade_model::tally::{ChunkCounts, JobTally, PartitionTally, SimulationRow, Work};
use kaskade_model::{BatchId, NodeId};

use crate::performance::{Performance, Resources};
use crate::sample::Sample;
use crate::summary::{GraphSummary, JobRecord, Summary};
use kaskade_model::status::JobState;

/// Rows 0, 1, … with these activations.
pub(crate) fn rows(new_per_round: &[&[u64]]) -> Vec<SimulationRow> {
    let numbered = (0_u64..).zip(new_per_round);
    numbered
        .map(|(simulation, new)| SimulationRow {
            simulation,
            new_per_round: new.to_vec(),
            fingerprint: simulation.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            series: Vec::new(),
        })
        .collect()
}

/// A sample of rows 0, 1, … on the largest graph.
pub(crate) fn sample(new_per_round: &[&[u64]]) -> Sample {
    Sample::collect(rows(new_per_round), u32::MAX).unwrap()
}

/// A sample of simulations that end with the seeds' round.
pub(crate) fn sample_of_spreads(spreads: &[u64]) -> Sample {
    let rows: Vec<_> = spreads.iter().map(std::slice::from_ref).collect();
    sample(&rows)
}

/// The tally of `rows`, cut into batches of `n_lanes` that arrive in reverse.
pub(crate) fn tally(rows: &[SimulationRow], n_lanes: usize) -> JobTally {
    let batches: Vec<_> = (0..).map(BatchId).zip(rows.chunks(n_lanes)).collect();
    let mut job = JobTally::default();
    for (batch, rows) in batches.into_iter().rev() {
        job.add_batch(batch, batch_tally(rows)).unwrap();
    }
    job
}

fn batch_tally(rows: &[SimulationRow]) -> PartitionTally {
    let n_rounds = rows.iter().map(|row| row.new_per_round.len()).max().unwrap();
    let new = |round: usize, row: &SimulationRow| *row.new_per_round.get(round).unwrap_or(&0);
    PartitionTally {
        new_per_round: (0..n_rounds)
            .flat_map(|r| rows.iter().map(move |row| new(r, row)))
            .collect(),
        fingerprints: rows.iter().map(|row| row.fingerprint).collect(),
        ..PartitionTally::empty(rows[0].simulation, rows.len() as u32)
    }
}

/// A quantile by its definition: the smallest x with F(x) at least `percent` / 100.
pub(crate) fn quantile(values: &[u64], percent: usize) -> u64 {
    let reaches =
        |x: u64| values.iter().filter(|&&v| v <= x).count() * 100 >= percent * values.len();
    values.iter().copied().filter(|&x| reaches(x)).min().unwrap()
}

/// The record of a job on a graph of 1,000 nodes.
pub(crate) fn record() -> JobRecord {
    let spec = r#"{"version":1,"graph":{"name":"votes"},"seeds":{"top_degree":2},
                   "run":{"simulations":4,"seed":7}}"#;
    let work = Work {
        arcs_scanned: 1_234_567,
        coins: 7654,
        bytes_sent: 5 << 20,
        activations_sent: 4 << 20,
        chunks: ChunkCounts { list: 12, roaring: 3, dense: 1 },
        ..Work::default()
    };
    let resources = Resources {
        seconds: 0.5,
        cpu_seconds: Some(0.75),
        threads: 2,
        workers: 3,
        peak_memory_bytes: Some(3 << 19),
    };
    JobRecord {
        job: JobId::new("demo").unwrap(),
        state: JobState::Succeeded,
        graph: GraphSummary { digest: "ab".repeat(16), nodes: 1000, arcs: 20_000 },
        spec: serde_json::from_str::<Spec>(spec).unwrap().resolve().unwrap(),
        measures: Vec::new(),
        performance: Performance::new(&work, 4, resources),
    }
}

/// Four simulations of that job.
pub(crate) fn summary() -> (Sample, Summary) {
    let sample = sample(&[&[2, 10, 5], &[2], &[2, 3], &[2, 30, 100, 1]]);
    let summary = Summary::new(&sample, record());
    (sample, summary)
}

/// A picture read back.
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    colours: Vec<[u8; 3]>,
}

impl Pixels {
    /// The pixels of a PNG file.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut data).unwrap();
        let colours = data.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        Self { width: frame.width, height: frame.height, colours: colours.collect() }
    }

    /// The colour so far from the left and from the top.
    pub(crate) fn at(&self, x: u32, y: u32) -> [u8; 3] {
        self.colours[(y * self.width + x) as usize]
    }

    /// The number of pixels whose colour `is_meant`.
    pub(crate) fn count(&self, is_meant: impl Fn([u8; 3]) -> bool) -> usize {
        self.colours.iter().filter(|&&colour| is_meant(colour)).count()
    }
}

/// Nodes that are called by numbers.
pub(crate) struct Directory {
    originals: Vec<u64>,
    by_original: Vec<u32>,
}

impl Directory {
    pub(crate) fn of(originals: &[u64]) -> Self {
        let mut by_original: Vec<u32> = (0..originals.len() as u32).collect();
        by_original.sort_by_key(|&node| originals[node as usize]);
        Self { originals: originals.to_vec(), by_original }
    }
}

impl NodeDirectory for Directory {
    fn n_nodes(&self) -> u32 {
        self.originals.len() as u32
    }

    fn out_degrees(&self) -> &[u32] {
        &[]
    }

    fn in_degrees(&self) -> &[u32] {
        &[]
    }

    fn columns(&self) -> &dyn NodeColumns {
        &NoColumns
    }

    fn original(&self, node: NodeId) -> OriginalId {
        self.originals[node.index()].into()
    }

    fn find(&self, original: &OriginalId) -> Option<NodeId> {
        let is_meant = |&node: &u32| self.original(NodeId(node)) == *original;
        self.by_original.iter().copied().find(is_meant).map(NodeId)
    }

    fn by_original(&self) -> &[u32] {
        &self.by_original
    }
}
