//! A scratch folder, the default spec, and what is read back.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{BuildSpec, DirectorySpec, Duplicates, IdKind};
use kaskade_ingest::{IngestError, build};
use kaskade_model::{NodeId, Shard};
use kaskade_store::{Graph, Manifest, Order, Orientation, ShardSelection, Verify, Views};
use tempfile::TempDir;

/// A folder of input files and a place for a graph directory.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.path("graph.kg")
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn directory(&self) -> DirectorySpec {
        DirectorySpec {
            out: self.out(),
            order: Order::InDegree,
            n_shards: 3,
            views: Views::Both,
            compress: false,
            memory_bytes: None,
            nodes: None,
            temp_dir: None,
            force: true,
        }
    }

    pub(crate) fn spec(&self, inputs: &[PathBuf]) -> BuildSpec {
        BuildSpec {
            inputs: inputs.iter().cloned().map(Into::into).collect(),
            orientation: Orientation::Influence,
            undirected: false,
            format: None,
            ids: IdKind::Auto,
            source_column: None,
            target_column: None,
            column: None,
            channels: Vec::new(),
            channel_column: None,
            channel_of: Vec::new(),
            duplicates: Duplicates::Max,
            skip_bad_lines: 0,
            directory: self.directory(),
        }
    }

    /// Builds one file with these contents.
    pub(crate) fn build_file(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
        change: impl FnOnce(&mut BuildSpec),
    ) -> Result<Manifest, IngestError> {
        let mut spec = self.spec(&[self.write(name, bytes)]);
        change(&mut spec);
        build(&spec, &Unwatched)
    }

    /// What lies in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The original ids in dense order, and the arcs between original ids with their stored
/// thresholds, of a directory that passes full verification.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) originals: Vec<u64>,
    pub(crate) arcs: BTreeMap<(u64, u64), Option<u32>>,
}

pub(crate) fn read_back(dir: &Path) -> Contents {
    let graph = Graph::open(dir, ShardSelection::All, Verify::Full, &|_, _| {}).unwrap();
    let originals = graph.nodes().originals().numbers().expect("ids are numbers").to_vec();
    let (mut arcs, mut scratch) = (BTreeMap::new(), Vec::new());
    for shard in graph.shards() {
        for source in 0..shard.n_graph_nodes() {
            let out = shard.out_arcs(NodeId(source), &mut scratch);
            for (i, &target_idx) in out.targets.iter().enumerate() {
                let target = shard.nodes().node(target_idx);
                let threshold = shard.arc_thresholds().map(|column| column[out.first_arc + i]);
                let ends = (originals[source as usize], originals[target.index()]);
                assert_eq!(arcs.insert(ends, threshold), None, "{ends:?} twice");
            }
        }
    }
    assert_eq!(arcs.len() as u64, graph.manifest().n_arcs);
    Contents { originals, arcs }
}

/// `bytes` as one gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
