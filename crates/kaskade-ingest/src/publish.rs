//! Distinct arcs to the shards of a graph directory.

mod kept;
mod scatter;
mod turns;

use std::path::{Path, PathBuf};

use kaskade_model::{NodeRange, ShardId};
use kaskade_store::{
    CountedShard, GraphFacts, GraphWriter, Layout, Manifest, RankedShard, ShardArcs, WrittenShard,
    cut_shards, shard_write_bytes,
};
use rayon::prelude::*;

use crate::arcs::{ArcColumns, Payload};
use crate::attributes;
use crate::error::IngestError;
use crate::incoming::{SortPlan, distinct_arcs};
use crate::memory::{Budget, Shares};
use crate::nodes::IdTable;
use crate::order::DenseOrder;
use crate::progress::{Phase, Progress, Unit};
use crate::runs::Runs;
use crate::spec::{DirectorySpec, Duplicates};
use kept::KeptLists;
use scatter::ScatteredLists;
use turns::Turns;

/// A graph directory that is being made.
pub(crate) struct Publication<'a> {
    directory: &'a DirectorySpec,
    writer: GraphWriter,
    budget: Budget,
    progress: &'a dyn Progress,
}

/// Where the in-arcs of a shard's nodes come from.
trait ShardSource<V>: Sync {
    /// The in-arcs of the dense ids `nodes`, which have `in_degrees`.
    fn load(
        &self,
        shard: usize,
        nodes: NodeRange,
        in_degrees: &[u32],
    ) -> Result<InArcs<V>, IngestError>;
}

/// The in-arcs of some nodes, one list after the other, each by ascending dense source.
struct InArcs<V> {
    /// Where the lists begin, and the end of the last.
    offsets: Vec<u64>,
    sources: Vec<u32>,
    values: Vec<V>,
}

impl<'a> Publication<'a> {
    /// Begins the directory, before any work is done in vain.
    ///
    /// # Errors
    /// [`IngestError::ShardCount`], or the directory cannot be made.
    pub(crate) fn begin(
        directory: &'a DirectorySpec,
        budget: Budget,
        progress: &'a dyn Progress,
    ) -> Result<Self, IngestError> {
        let n_shards = directory.n_shards;
        if !(1..=kaskade_store::MAX_SHARDS).contains(&n_shards) {
            return Err(IngestError::ShardCount { n_shards });
        }
        attributes::check(directory.nodes.as_ref())?;
        let writer = GraphWriter::create(&directory.out, directory.force)?;
        Ok(Self { directory, writer, budget, progress })
    }

    /// Who watches.
    pub(crate) fn progress(&self) -> &'a dyn Progress {
        self.progress
    }

    /// What is left of the memory beside `node_bytes`.
    ///
    /// # Errors
    /// [`IngestError::MemoryExceeded`].
    pub(crate) fn shares(&self, node_bytes: u64) -> Result<Shares, IngestError> {
        self.budget.shares(node_bytes)
    }

    /// The folder for what does not fit into memory.
    pub(crate) fn spill_folder(&self) -> PathBuf {
        self.directory.temp_dir.clone().unwrap_or_else(|| beside(&self.directory.out).to_owned())
    }

    /// Makes the arcs of `runs` distinct, writes them and publishes the directory. `facts`
    /// are complete but for the duplicates.
    ///
    /// # Errors
    /// Those of [`distinct_arcs`] and of the writer; [`IngestError::ShardMemory`];
    /// [`IngestError::Interrupted`].
    pub(crate) fn finish<V: Payload>(
        self,
        ids: IdTable,
        runs: Runs<V>,
        shares: Shares,
        duplicates: Duplicates,
        facts: GraphFacts,
    ) -> Result<Manifest, IngestError> {
        let n_input_arcs = runs.n_arcs();
        let folder = self.spill_folder();
        let plan =
            SortPlan { rule: duplicates, ids: &ids, budget: self.budget, shares, folder: &folder };
        let mut incoming = distinct_arcs(runs, plan, self.progress)?;
        let n_arcs = incoming.n_arcs;

        let order = DenseOrder::new(self.directory.order, &incoming.in_degrees);
        let in_degrees = order.arrange(&incoming.in_degrees);
        let nodes = {
            let out_degrees = order.arrange(&std::mem::take(&mut incoming.out_degrees));
            let ids = ids.arrange(&order.rank_of);
            let (originals, by_original) = (ids.originals(), &order.dense_of);
            let writer = &self.writer;
            writer.write_ranked_nodes(originals, by_original, &out_degrees, &in_degrees)?
        };
        let tables = self.directory.nodes.as_ref();
        let nodes = attributes::attach(&self.writer, tables, nodes, self.progress)?;
        let ranges = cut_shards(&in_degrees, self.directory.n_shards);

        let shards = if incoming.is_kept() {
            self.progress.begin(Phase::Write, Some(n_arcs), Unit::Arcs);
            let lists = KeptLists { incoming: &incoming, order: &order };
            self.write_shards(&lists, &ranges, &in_degrees, shares.shard_bytes())?
        } else {
            let DenseOrder { dense_of, .. } = order;
            let lists =
                ScatteredLists::new(incoming, &dense_of, &ranges, shares, &folder, self.progress)?;
            self.progress.begin(Phase::Write, Some(n_arcs), Unit::Arcs);
            self.write_shards(&lists, &ranges, &in_degrees, shares.all_bytes())?
        };
        self.check_interrupted()?;
        let facts = GraphFacts { n_duplicates: n_input_arcs - n_arcs, ..facts };
        Ok(self.writer.commit(facts, nodes, shards)?)
    }

    /// Writes all shards: as many at a time as `allowed_bytes` have room for. Not behind a
    /// [`crate::memory::Gate`], because a writer makes checksums in parallel, and a thread that waits for those
    /// may begin another shard. For that reason none waits for its turn either: see [`Turns`].
    fn write_shards<V: Payload>(
        &self,
        lists: &impl ShardSource<V>,
        ranges: &[NodeRange],
        in_degrees: &[u32],
        allowed_bytes: u64,
    ) -> Result<Vec<WrittenShard>, IngestError> {
        let n_nodes = in_degrees.len() as u32;
        let own = |nodes: NodeRange| &in_degrees[nodes.begin as usize..nodes.end as usize];
        let n_arcs = |nodes| own(nodes).iter().map(|&degree| u64::from(degree)).sum::<u64>();
        let turns = Turns::new(n_nodes);
        let mut written = Vec::with_capacity(ranges.len());
        while written.len() < ranges.len() {
            let begin = written.len();
            let (mut end, mut taken_bytes) = (begin, 0);
            for &nodes in &ranges[begin..] {
                let n_own = own(nodes).len() as u64;
                let needed_bytes = self.shard_bytes::<V>(n_nodes.into(), n_own, n_arcs(nodes));
                if needed_bytes > allowed_bytes {
                    // At most `MAX_SHARDS`.
                    let shard = ShardId(end as u32);
                    return Err(IngestError::ShardMemory { shard, needed_bytes, allowed_bytes });
                }
                if taken_bytes + needed_bytes > allowed_bytes {
                    break;
                }
                taken_bytes += needed_bytes;
                end += 1;
            }
            let count_shard = |shard: usize| {
                self.check_interrupted()?;
                let nodes = ranges[shard];
                let in_arcs = lists.load(shard, nodes, own(nodes))?;
                self.count_shard(ShardId(shard as u32), nodes, n_nodes, in_arcs)
            };
            let write_shard = |shard: RankedShard| {
                let n_arcs = shard.n_arcs();
                let written = self.writer.write_shard(shard, self.layout())?;
                self.progress.advance(n_arcs);
                Ok(written)
            };
            let group: Vec<Vec<WrittenShard>> = (begin..end)
                .into_par_iter()
                .map(|_| turns.take_next(count_shard)?.into_par_iter().map(write_shard).collect())
                .collect::<Result<_, IngestError>>()?;
            written.extend(group.into_iter().flatten());
        }
        Ok(written)
    }

    fn count_shard<V: Payload>(
        &self,
        shard: ShardId,
        nodes: NodeRange,
        n_nodes: u32,
        in_arcs: InArcs<V>,
    ) -> Result<CountedShard, IngestError> {
        let ArcColumns { probabilities, channels } = V::into_columns(in_arcs.values);
        let arcs = ShardArcs {
            nodes,
            n_nodes,
            in_offsets: in_arcs.offsets,
            in_sources: in_arcs.sources,
            probabilities,
            channels,
        };
        Ok(CountedShard::new(shard, arcs, self.directory.views)?)
    }

    fn layout(&self) -> Layout {
        Layout::of(self.directory.compress)
    }

    /// What loading and writing a shard of `n_arcs` into `n_own` of the graph's nodes takes.
    fn shard_bytes<V: Payload>(&self, n_nodes: u64, n_own: u64, n_arcs: u64) -> u64 {
        let list_bytes = (size_of::<u32>() + size_of::<V>()) as u64;
        // Where lists begin, and where the next arc of each goes.
        let in_arcs = n_arcs * list_bytes + 16 * n_own;
        let DirectorySpec { views, compress, .. } = *self.directory;
        in_arcs + shard_write_bytes(n_nodes, n_own, n_arcs, V::HAS_VALUE, views, compress)
    }

    fn check_interrupted(&self) -> Result<(), IngestError> {
        if self.progress.interrupted() { Err(IngestError::Interrupted) } else { Ok(()) }
    }
}

/// The folder that `path` lies in.
fn beside(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
