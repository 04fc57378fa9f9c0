//! Graphs to run on, made anew in a scratch folder.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{BuildSpec, DirectorySpec, Input};
use kaskade_ingest::{GenerateTarget, build, generate};
use kaskade_model::seeds::{NodeDirectory, top_degree};
use kaskade_model::spec::{GenerateSpec, GeneratorKind};
use kaskade_model::{AnyShard, NodeId, Shard};
use kaskade_store::{Graph, ShardSelection, Verify};
use tempfile::TempDir;

/// The seed of every graph and every job of the benches.
pub const SEED: u64 = 1;

/// So many nodes of highest out-degree are the seeds.
const N_SEEDS: u32 = 50;

/// Nodes of the Barabási–Albert graph, which draws [`EDGE_FACTOR`] arcs for each.
const BARABASI_ALBERT_NODES: u64 = 4_000_000;

/// The channels of [`BenchGraph::over_channels`].
pub const CHANNELS: [&str; 2] = ["one", "other"];

/// Arcs drawn per node.
const EDGE_FACTOR: f64 = 16.0;

/// Whether `KASKADE_BENCH_FULL` asks for the large graphs: they need minutes and gigabytes.
#[must_use]
pub fn is_full() -> bool {
    env::var("KASKADE_BENCH_FULL").is_ok_and(|value| value == "1")
}

/// A graph that a bench may run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphChoice {
    /// Wikipedia adminship votes: 7,115 nodes, 103,689 arcs.
    WikiVote,
    /// High-energy-physics co-authors, both directions: 15,233 nodes, 62,752 arcs.
    NetHept,
    /// R-MAT with 2^scale nodes.
    Rmat(u32),
    /// Preferential attachment: 4 million nodes, 64 million arcs.
    BarabasiAlbert,
}

impl GraphChoice {
    /// The graphs of the kernel's tables: the small ones, and the large ones where
    /// [`is_full`].
    #[must_use]
    pub fn of_tables() -> Vec<Self> {
        let large: &[Self] = if is_full() {
            &[Self::Rmat(20), Self::Rmat(22), Self::BarabasiAlbert]
        } else {
            &[Self::Rmat(16)]
        };
        [&[Self::WikiVote, Self::NetHept], large].concat()
    }

    /// Its name in tables and labels.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::WikiVote => "wiki-Vote".to_owned(),
            Self::NetHept => "NetHEPT".to_owned(),
            Self::Rmat(scale) => format!("rmat-{scale}"),
            Self::BarabasiAlbert => "barabasi-albert".to_owned(),
        }
    }

    /// The graph of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let rmat = name.strip_prefix("rmat-").and_then(|scale| scale.parse().ok());
        let others = [Self::WikiVote, Self::NetHept, Self::BarabasiAlbert];
        rmat.map(Self::Rmat).or_else(|| others.into_iter().find(|other| other.name() == name))
    }

    /// Whether it is built from a file, which may not be there.
    #[must_use]
    pub fn is_from_file(self) -> bool {
        self.file().is_some()
    }

    /// The file that it is built from, where it is no generated one.
    fn file(self) -> Option<PathBuf> {
        let name = match self {
            Self::WikiVote => "wiki-Vote.txt",
            Self::NetHept => "NetHEPT.txt",
            Self::Rmat(_) | Self::BarabasiAlbert => return None,
        };
        // Beside the repository: other people's data is no part of it.
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
        Some(PathBuf::from(folder).join(name))
    }
}

/// The R-MAT graph with 2^`scale` nodes, 16 arcs drawn for each.
#[must_use]
pub fn rmat(scale: u32) -> GenerateSpec {
    GenerateSpec { scale: Some(scale), ..generated(GeneratorKind::Rmat) }
}

fn generated(kind: GeneratorKind) -> GenerateSpec {
    GenerateSpec {
        kind,
        scale: None,
        nodes: None,
        edge_factor: Some(EDGE_FACTOR),
        arcs: None,
        seed: SEED,
        a: None,
        b: None,
        c: None,
    }
}

/// A graph directory in a scratch folder, mapped, with as many shards as a user gets. The
/// folder goes when this does.
#[derive(Debug)]
pub struct BenchGraph {
    /// Its name.
    pub name: String,
    /// Its shards, all of them.
    pub shards: Vec<AnyShard>,
    /// Its number of nodes.
    pub n_nodes: u32,
    /// Its number of arcs.
    pub n_arcs: u64,
    seeds: Vec<u32>,
    _folder: TempDir,
}

impl BenchGraph {
    /// Makes the graph, or `None` where the file that it is built from is not there.
    ///
    /// # Panics
    /// When the scratch folder cannot be written to, or the file is damaged.
    #[must_use]
    pub fn try_new(choice: GraphChoice) -> Option<Self> {
        let draw = |spec| {
            Self::made(choice.name(), |directory| {
                let target = GenerateTarget::Directory(directory);
                generate(&spec, &target, &Unwatched).expect("the graph can be drawn");
            })
        };
        Some(match choice {
            GraphChoice::WikiVote | GraphChoice::NetHept => {
                let file = choice.file().filter(|file| file.is_file())?;
                Self::built(choice.name(), file.into(), choice == GraphChoice::NetHept)
            }
            GraphChoice::Rmat(scale) => draw(rmat(scale)),
            GraphChoice::BarabasiAlbert => draw(GenerateSpec {
                nodes: Some(BARABASI_ALBERT_NODES),
                ..generated(GeneratorKind::BarabasiAlbert)
            }),
        })
    }

    /// The same graph with every arc in each of the two [`CHANNELS`].
    ///
    /// # Panics
    /// As [`BenchGraph::try_new`].
    #[must_use]
    pub fn over_channels(&self) -> Self {
        let mut file = tempfile::NamedTempFile::new().expect("there is a scratch folder");
        let mut lines = io::BufWriter::new(&mut file);
        for (source, shard) in (0..self.n_nodes)
            .flat_map(|source| self.shards.iter().map(move |shard| (source, shard)))
        {
            for &target_idx in shard.out_arcs(NodeId(source), &mut Vec::new()).targets {
                let target = shard.nodes().node(target_idx);
                writeln!(lines, "{source} {}", target.0).expect("there is room for the arcs");
            }
        }
        lines.flush().expect("there is room for the arcs");
        drop(lines);
        Self::made(self.name.clone(), |directory| {
            let input = Input::from(file.path().to_owned());
            let of_inputs = BuildSpec::of(vec![input.clone(), input], directory);
            let channels = CHANNELS.map(str::to_owned).to_vec();
            let spec = BuildSpec { channels, channel_of: vec![0, 1], ..of_inputs };
            build(&spec, &Unwatched).expect("the input is a graph");
        })
    }

    /// As [`BenchGraph::try_new`], and says so on stderr where the file is not there.
    #[must_use]
    pub fn new_or_said(choice: GraphChoice) -> Option<Self> {
        let graph = Self::try_new(choice);
        if graph.is_none() {
            let _ = writeln!(io::stderr(), "{} is not there: passed over", choice.name());
        }
        graph
    }

    fn built(name: String, input: Input, undirected: bool) -> Self {
        Self::made(name, |directory| {
            let spec = BuildSpec { undirected, ..BuildSpec::of(vec![input], directory) };
            build(&spec, &Unwatched).expect("the input is a graph");
        })
    }

    fn made(name: String, make: impl FnOnce(DirectorySpec)) -> Self {
        let folder = tempfile::tempdir().expect("there is a scratch folder");
        let path = folder.path().join("graph.kg");
        make(DirectorySpec::at(path.clone()));
        let graph = Graph::open(&path, ShardSelection::All, Verify::Full, &|_, _| {});
        let graph = graph.expect("what was just written can be read");
        let n_nodes = graph.n_nodes();
        let seeds = top_degree(N_SEEDS.min(n_nodes), &graph);
        let seeds = seeds.into_iter().map(|node| node.0).collect();
        let shards = graph.into_shards().into_iter();
        let shards: Vec<AnyShard> = shards.map(|shard| Arc::new(shard) as AnyShard).collect();
        let n_arcs = shards.iter().map(|shard| shard.n_arcs()).sum();
        Self { name, shards, n_nodes, n_arcs, seeds, _folder: folder }
    }

    /// The R-MAT graph of `scale`.
    ///
    /// # Panics
    /// As [`BenchGraph::try_new`].
    #[must_use]
    pub fn rmat(scale: u32) -> Self {
        Self::try_new(GraphChoice::Rmat(scale)).expect("it needs no file")
    }

    /// The seeds of every job: the 50 nodes of highest out-degree, or all where there are fewer.
    #[must_use]
    pub fn seeds(&self) -> &[u32] {
        &self.seeds
    }
}
