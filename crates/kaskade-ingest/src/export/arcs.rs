//! The arcs of a graph in pieces that can be formatted alone.

use std::ops::Range;

use kaskade_model::coin::Threshold;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::{NodeId, OutArcs, Shard};
use kaskade_store::{Graph, Originals, Strings};

/// What is exported.
pub(super) struct Source<'a> {
    pub(super) graph: &'a Graph,
    /// The place of the channel whose arcs are written; of all arcs where there is none.
    pub(super) channel: Option<u8>,
    /// Nodes to be written as arcs to themselves, ascending.
    pub(super) isolated: Vec<u32>,
}

/// An arc as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExportedArc<'a> {
    pub(super) source: Id<'a>,
    pub(super) target: Id<'a>,
    /// Its probability, where the graph has a column.
    pub(super) threshold: Option<Threshold>,
}

/// An original id, borrowed from the graph.
#[derive(Clone, Copy, Debug)]
pub(super) enum Id<'a> {
    Number(u64),
    Name(&'a [u8]),
}

/// Arcs that are formatted together.
pub(super) struct Piece {
    pub(super) n_arcs: u64,
    content: Content,
}

enum Content {
    /// The arcs from a range of sources into a shard.
    FromSources { shard_idx: usize, sources: Range<u32> },
    /// All arcs into a range of a shard's own nodes, by offset.
    IntoTargets { shard_idx: usize, targets: Range<u32> },
    /// A range of [`Source::isolated`].
    SelfLoops(Range<usize>),
}

/// A piece ends with the node by which it has so many arcs.
const PIECE_ARCS: u64 = 1 << 16;

/// Nodes without any arc, ascending.
pub(super) fn isolated_nodes(graph: &Graph) -> Vec<u32> {
    let degrees = graph.out_degrees().iter().zip(graph.in_degrees());
    let isolated = (0u32..).zip(degrees).filter(|(_, (out, r#in))| **out == 0 && **r#in == 0);
    isolated.map(|(node, _)| node).collect()
}

impl Source<'_> {
    /// Whether arcs have a probability.
    pub(super) fn has_column(&self) -> bool {
        !self.graph.manifest().columns.is_empty()
    }

    /// The names of all nodes, where ids are names.
    pub(super) fn names(&self) -> Option<Strings<'_>> {
        match self.graph.nodes().originals() {
            Originals::Numbers(_) => None,
            Originals::Names { ends, bytes } => Some(Strings::new(ends, bytes)),
        }
    }

    /// All pieces, in the order in which they are written.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        let shards = self.graph.shards().iter().enumerate();
        let of_shards = shards.flat_map(|(shard_idx, shard)| -> Box<dyn Iterator<Item = Piece>> {
            if shard.has_out_view() {
                let n_arcs = move |node| shard.n_out_arcs(NodeId(node)) as u64;
                Box::new(cut(shard.n_graph_nodes(), n_arcs).map(move |(sources, n_arcs)| Piece {
                    n_arcs,
                    content: Content::FromSources { shard_idx, sources },
                }))
            } else {
                let n_arcs = |target_idx| u64::from(shard.in_degrees()[target_idx as usize]);
                let n_own = shard.nodes().n_nodes() as u32;
                Box::new(cut(n_own, n_arcs).map(move |(targets, n_arcs)| Piece {
                    n_arcs,
                    content: Content::IntoTargets { shard_idx, targets },
                }))
            }
        });
        let step = PIECE_ARCS as usize;
        let self_loops = (0..self.isolated.len()).step_by(step).map(move |begin| {
            let nodes = begin..self.isolated.len().min(begin + step);
            Piece { n_arcs: 0, content: Content::SelfLoops(nodes) }
        });
        of_shards.chain(self_loops)
    }

    /// Calls `visit` with every arc of `piece`.
    pub(super) fn for_each_arc(&self, piece: &Piece, mut visit: impl FnMut(ExportedArc<'_>)) {
        let ids = self.graph.nodes().originals();
        let original = |node: u32| match ids {
            Originals::Numbers(numbers) => Id::Number(numbers[node as usize]),
            Originals::Names { ends, bytes } => {
                let name = Strings::new(ends, bytes).get(node as usize);
                Id::Name(name.unwrap_or_default())
            }
        };
        match &piece.content {
            Content::FromSources { shard_idx, sources } => {
                let shard = &self.graph.shards()[*shard_idx];
                let begin = shard.nodes().begin;
                let mut scratch = Vec::new();
                for node in sources.clone() {
                    let OutArcs { first_arc, targets } = shard.out_arcs(NodeId(node), &mut scratch);
                    if targets.is_empty() {
                        continue;
                    }
                    let source = original(node);
                    let thresholds = shard.arc_thresholds().map(|all| &all[first_arc..]);
                    let channels = self.channel.zip(shard.arc_channels());
                    for (position, target_idx) in targets.iter().enumerate() {
                        let is_other =
                            |(place, of): (u8, &[u8])| of[first_arc + position] >> place & 1 == 0;
                        if channels.is_some_and(is_other) {
                            continue;
                        }
                        let stored = thresholds.map(|thresholds| thresholds[position]);
                        visit(ExportedArc {
                            source,
                            target: original(begin + target_idx),
                            threshold: stored.map(Threshold::from_stored),
                        });
                    }
                }
            }
            Content::IntoTargets { shard_idx, targets } => {
                let shard = &self.graph.shards()[*shard_idx];
                let mut scratch = Vec::new();
                for target_idx in targets.clone() {
                    let target = original(shard.nodes().node(target_idx).0);
                    // Without an out-view a shard has an in-view.
                    for &source in shard.in_sources(target_idx, &mut scratch).unwrap_or_default() {
                        visit(ExportedArc { source: original(source), target, threshold: None });
                    }
                }
            }
            Content::SelfLoops(nodes) => {
                for &node in &self.isolated[nodes.clone()] {
                    let threshold = self.has_column().then_some(Threshold::NEVER);
                    let (source, target) = (original(node), original(node));
                    visit(ExportedArc { source, target, threshold });
                }
            }
        }
    }
}

/// Cuts `0..n_nodes` into ranges of about [`PIECE_ARCS`] arcs, each with the number of its
/// arcs; a range without arcs comes last, if at all.
fn cut(n_nodes: u32, n_arcs_of: impl Fn(u32) -> u64) -> impl Iterator<Item = (Range<u32>, u64)> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let mut n_arcs = 0;
        let mut end = begin;
        while end < n_nodes && n_arcs < PIECE_ARCS {
            n_arcs += n_arcs_of(end);
            end += 1;
        }
        let range = begin..end;
        begin = end;
        (!range.is_empty()).then_some((range, n_arcs))
    })
}
