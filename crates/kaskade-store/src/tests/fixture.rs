//! Small graphs, written through the public interface.

use std::collections::BTreeMap;
use std::path::Path;

use kaskade_model::ShardId;
use proptest::prelude::*;

use crate::{
    Column, CountedShard, FirstRanks, GraphFacts, GraphWriter, IdKind, Layout, MISSING_CATEGORY,
    MISSING_NUMBER, Manifest, NodesEntry, Order, Orientation, Originals, ShardArcs, StoreError,
    Strings, Views, cut_shards,
};

/// A graph as its arcs, (target, source) with a probability, in dense ids.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) n_nodes: u32,
    pub(crate) arcs: BTreeMap<(u32, u32), f64>,
    pub(crate) has_column: bool,
    /// Instead of a column.
    pub(crate) has_channels: bool,
    pub(crate) ids: IdKind,
    pub(crate) has_attributes: bool,
}

impl Input {
    /// Original ids, ascending, some beyond 32 bits.
    pub(crate) fn originals(&self) -> Vec<u64> {
        (0..self.n_nodes).map(|node| u64::from(node) << 33 | 5).collect()
    }

    /// Names, ascending, of several lengths; where names end, and what they are.
    pub(crate) fn names(&self) -> (Vec<u64>, Vec<u8>) {
        let (mut ends, mut bytes) = (Vec::new(), Vec::new());
        for node in 0..self.n_nodes {
            bytes.extend(format!("ö{node:06}").bytes().chain((0..node % 3).map(|_| b'x')));
            ends.push(bytes.len() as u64);
        }
        (ends, bytes)
    }

    pub(crate) fn degrees(&self) -> (Vec<u32>, Vec<u32>) {
        let n_nodes = self.n_nodes as usize;
        let (mut out_degrees, mut in_degrees) = (vec![0; n_nodes], vec![0; n_nodes]);
        for &(target, source) in self.arcs.keys() {
            out_degrees[source as usize] += 1;
            in_degrees[target as usize] += 1;
        }
        (out_degrees, in_degrees)
    }

    pub(crate) fn facts(&self, views: Views) -> GraphFacts {
        GraphFacts {
            order: Order::Id,
            orientation: Orientation::Influence,
            undirected: false,
            views,
            columns: if self.has_column { vec!["weight".to_owned()] } else { Vec::new() },
            channels: if self.has_channels {
                CHANNELS.map(str::to_owned).to_vec()
            } else {
                Vec::new()
            },
            n_duplicates: 1,
            n_self_loops: 2,
            n_skipped_lines: 3,
        }
    }

    /// Columns of each type, some values of each missing; a graph of three nodes has all texts.
    fn write_attributes(
        &self,
        writer: &GraphWriter,
        nodes: NodesEntry,
    ) -> Result<NodesEntry, StoreError> {
        let nodes_of = || 0..self.n_nodes;
        let number =
            |node: u32| if node.is_multiple_of(3) { MISSING_NUMBER } else { f64::from(node) / 2.0 };
        let numbers: Vec<f64> = nodes_of().map(number).collect();
        let bools: Vec<u8> = nodes_of().map(|node| (node % 3) as u8).collect();
        let texts = ["AR", "España", "NA"];
        let code = |node: u32| [0, 2, 1, MISSING_CATEGORY][node as usize % 4];
        let codes: Vec<u32> = nodes_of().map(code).collect();
        let n_texts = codes.iter().filter(|&&code| code != MISSING_CATEGORY).max();
        let n_texts = n_texts.map_or(0, |&code| code as usize + 1);
        let bytes = texts[..n_texts].concat();
        let ends = &[2, 9, 11][..n_texts];
        let names = Strings::new(ends, bytes.as_bytes());
        let columns = [
            ("país", Column::Category { codes: &codes, names }),
            ("age", Column::Number(&numbers)),
            ("is bot", Column::Bool(&bools)),
        ];
        // Two nodes have the first and the last text only.
        let columns = if self.n_nodes == 2 { &columns[1..] } else { &columns[..] };
        let entry = writer.write_attributes(&nodes, columns, 5)?;
        Ok(nodes.with_attributes(entry))
    }

    /// Writes the graph to `out` in shards of equal cost.
    pub(crate) fn write(
        &self,
        out: &Path,
        n_shards: u32,
        views: Views,
    ) -> Result<Manifest, StoreError> {
        self.write_as(out, n_shards, views, Layout::Plain)
    }

    /// As [`Input::write`], in the given layout.
    pub(crate) fn write_as(
        &self,
        out: &Path,
        n_shards: u32,
        views: Views,
        layout: Layout,
    ) -> Result<Manifest, StoreError> {
        self.write_with(GraphWriter::create(out, false)?, n_shards, views, layout)
    }

    pub(crate) fn write_with(
        &self,
        writer: GraphWriter,
        n_shards: u32,
        views: Views,
        layout: Layout,
    ) -> Result<Manifest, StoreError> {
        let (out_degrees, in_degrees) = self.degrees();
        let (numbers, (ends, bytes)) = (self.originals(), self.names());
        let originals = match self.ids {
            IdKind::Number => Originals::Numbers(&numbers),
            IdKind::String => Originals::Names { ends: &ends, bytes: &bytes },
        };
        let mut nodes = writer.write_nodes(originals, &out_degrees, &in_degrees)?;
        if self.has_attributes {
            nodes = self.write_attributes(&writer, nodes)?;
        }
        let mut first_ranks = FirstRanks::new(self.n_nodes);
        let mut shards = Vec::new();
        for (shard, range) in (0..).map(ShardId).zip(cut_shards(&in_degrees, n_shards)) {
            let own = self.arcs.range((range.begin, 0)..(range.end, 0));
            let (in_sources, probabilities): (Vec<u32>, Vec<f64>) =
                own.map(|(&(_, source), &probability)| (source, probability)).unzip();
            let channels = self.has_channels.then(|| in_sources.iter().map(channels_of).collect());
            let mut in_offsets = vec![0];
            for node in range.begin..range.end {
                let end = in_offsets[in_offsets.len() - 1] + u64::from(in_degrees[node as usize]);
                in_offsets.push(end);
            }
            let arcs = ShardArcs {
                nodes: range,
                n_nodes: self.n_nodes,
                in_offsets,
                in_sources,
                probabilities: self.has_column.then_some(probabilities),
                channels,
            };
            let ranked = first_ranks.rank(CountedShard::new(shard, arcs, views)?)?;
            shards.push(writer.write_shard(ranked, layout)?);
        }
        shards.reverse();
        writer.commit(self.facts(views), nodes, shards)
    }
}

const CHANNELS: [&str; 3] = ["mail", "sms", "follows"];

/// The channels of the arcs from `source`.
pub(crate) fn channels_of(source: &u32) -> u8 {
    1 + (source % 7) as u8
}

/// Graphs of up to 600 nodes (so that several blocks of the source index occur), among them
/// empty ones and ones with isolated nodes, whose weights sum to at most 1.
pub(crate) fn inputs() -> impl Strategy<Value = Input> {
    let n_nodes = prop_oneof![0u32..4, 4u32..80, 200u32..600];
    let ids = prop_oneof![Just(IdKind::Number), Just(IdKind::String)];
    (n_nodes, any::<[bool; 3]>(), ids).prop_flat_map(|(n_nodes, flags, ids)| {
        let [has_column, may_have_channels, has_attributes] = flags;
        let has_channels = may_have_channels && !has_column;
        let node = 0..n_nodes.max(1);
        let arcs = prop::collection::btree_map((node.clone(), node), 0u32..=16, 0..400);
        arcs.prop_map(move |arcs| {
            let is_arc = |&(&(target, source), _): &(&(u32, u32), &u32)| target != source;
            let mut in_degrees = vec![0u32; n_nodes as usize];
            arcs.iter().filter(is_arc).for_each(|((v, _), _)| in_degrees[*v as usize] += 1);
            let probability = |(&(target, source), &sixteenths): (&(u32, u32), &u32)| {
                let share = f64::from(sixteenths) / 16.0 / f64::from(in_degrees[target as usize]);
                ((target, source), share)
            };
            let arcs = arcs.iter().filter(is_arc).map(probability).collect();
            Input { n_nodes, arcs, has_column, has_channels, ids, has_attributes }
        })
    })
}

/// A graph small enough to try every byte of its files, with everything in it.
pub(crate) fn tiny() -> Input {
    let arcs =
        [(0, 1, 0.5), (0, 2, 0.25), (0, 70, 0.25), (1, 0, 1.0), (2, 69, 0.125), (69, 0, 0.3)];
    Input {
        n_nodes: 71,
        arcs: arcs.into_iter().map(|(v, u, p)| ((v, u), p)).collect(),
        has_column: true,
        has_channels: false,
        ids: IdKind::Number,
        has_attributes: false,
    }
}
