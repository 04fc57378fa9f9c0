//! Distinct arcs to the shards of a graph directory.

use kaskade_model::{NodeRange, ShardId};
use kaskade_store::{
    GraphFacts, GraphWriter, Manifest, Originals, ShardArcs, WrittenShard, cut_shards,
};
use rayon::prelude::*;

use crate::arcs::Payload;
use crate::attributes;
use crate::error::IngestError;
use crate::incoming::{InArc, Incoming, distinct_arcs};
use crate::nodes::NodeSet;
use crate::order::DenseOrder;
use crate::progress::{Phase, Progress, Unit};
use crate::runs::Runs;
use crate::spec::{DirectorySpec, Duplicates};

/// A graph directory that is being made.
pub(crate) struct Publication<'a> {
    directory: &'a DirectorySpec,
    writer: GraphWriter,
    progress: &'a dyn Progress,
}

impl<'a> Publication<'a> {
    /// Begins the directory, before any work is done in vain.
    ///
    /// # Errors
    /// [`IngestError::ShardCount`], or the directory cannot be made.
    pub(crate) fn begin(
        directory: &'a DirectorySpec,
        progress: &'a dyn Progress,
    ) -> Result<Self, IngestError> {
        let n_shards = directory.n_shards;
        if !(1..=kaskade_store::MAX_SHARDS).contains(&n_shards) {
            return Err(IngestError::ShardCount { n_shards });
        }
        attributes::check(directory.nodes.as_ref())?;
        let writer = GraphWriter::create(&directory.out, directory.force)?;
        Ok(Self { directory, writer, progress })
    }

    /// Makes the arcs of `runs` distinct, writes them and publishes the directory. `facts`
    /// are complete but for the duplicates.
    ///
    /// # Errors
    /// Those of [`distinct_arcs`] and of the writer; [`IngestError::Interrupted`].
    pub(crate) fn finish<V: Payload>(
        self,
        nodes: NodeSet,
        runs: Runs<V>,
        duplicates: Duplicates,
        facts: GraphFacts,
    ) -> Result<Manifest, IngestError> {
        let originals = nodes.into_originals();
        let n_input_arcs = runs.n_arcs();
        let incoming = distinct_arcs(runs, duplicates, &originals, self.progress)?;
        let n_duplicates = n_input_arcs - incoming.n_arcs;

        let in_degrees = incoming.in_degrees();
        let order = DenseOrder::new(self.directory.order, &in_degrees);
        let in_degrees = order.arrange(&in_degrees);
        let out_degrees = order.arrange(&incoming.out_degrees);
        let originals = order.arrange(&originals);
        let nodes =
            self.writer.write_nodes(Originals::Numbers(&originals), &out_degrees, &in_degrees)?;
        let tables = self.directory.nodes.as_ref();
        let nodes = attributes::attach(&self.writer, tables, nodes, self.progress)?;

        self.progress.begin(Phase::Write, Some(incoming.n_arcs), Unit::Arcs);
        let ranges = cut_shards(&in_degrees, self.directory.n_shards);
        let write_shard = |(shard, range): (usize, &NodeRange)| {
            // At most `MAX_SHARDS`.
            self.write_shard(ShardId(shard as u32), *range, &incoming, &order)
        };
        let shards = ranges.par_iter().enumerate().map(write_shard).collect::<Result<_, _>>()?;
        self.check_interrupted()?;
        Ok(self.writer.commit(GraphFacts { n_duplicates, ..facts }, nodes, shards)?)
    }

    fn write_shard<V: Payload>(
        &self,
        shard: ShardId,
        nodes: NodeRange,
        incoming: &Incoming<V>,
        order: &DenseOrder,
    ) -> Result<WrittenShard, IngestError> {
        self.check_interrupted()?;
        let own = &order.rank_of[nodes.begin as usize..nodes.end as usize];
        let n_arcs: usize = own.iter().map(|&rank| incoming.list(rank).len()).sum();
        let mut in_offsets = Vec::with_capacity(own.len() + 1);
        let mut in_sources = Vec::with_capacity(n_arcs);
        let mut probabilities = Vec::new();
        let mut list: Vec<InArc<V>> = Vec::new();
        in_offsets.push(0);
        for &rank in own {
            list.clear();
            list.extend(incoming.list(rank).iter().map(|arc| InArc {
                source: order.dense_of[arc.source as usize],
                value: arc.value,
            }));
            list.sort_unstable_by_key(|arc| arc.source);
            in_sources.extend(list.iter().map(|arc| arc.source));
            probabilities.extend(list.iter().filter_map(|arc| arc.value.probability()));
            in_offsets.push(in_sources.len() as u64);
        }
        let arcs = ShardArcs {
            nodes,
            n_nodes: order.rank_of.len() as u32,
            in_offsets: &in_offsets,
            in_sources: &in_sources,
            probabilities: V::IS_PROBABILITY.then_some(probabilities.as_slice()),
        };
        let written = self.writer.write_shard(shard, &arcs, self.directory.views)?;
        self.progress.advance(n_arcs as u64);
        Ok(written)
    }

    fn check_interrupted(&self) -> Result<(), IngestError> {
        if self.progress.interrupted() { Err(IngestError::Interrupted) } else { Ok(()) }
    }
}
