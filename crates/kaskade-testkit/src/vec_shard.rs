use std::ops::Range;

use kaskade_model::coin::Threshold;
use kaskade_model::{NodeId, NodeRange, OutArcs, Ranks, Shard};

use crate::ArcList;

/// A shard of an [`ArcList`] in memory, with both views, in-ranks and, where the list has a
/// column, everything that is made from it. Cumulative weights are there only if no node of
/// the whole graph has a sum above 1, as in a graph directory.
#[derive(Clone, Debug)]
pub struct VecShard {
    nodes: NodeRange,
    /// For every source of the graph, where its arcs begin; and the number of arcs.
    first_arcs: Vec<usize>,
    /// For every source of the graph, its arcs into nodes before these; 0 where it has none here.
    first_ranks: Vec<u32>,
    targets: Vec<u32>,
    in_ranks: Vec<u32>,
    in_sources: Vec<Vec<u32>>,
    in_degrees: Vec<u32>,
    thresholds: Option<Vec<u32>>,
    channels: Option<Vec<u8>>,
    cumulative_weights: Option<Vec<Vec<u32>>>,
}

impl VecShard {
    /// The shard of `graph` that owns `nodes`.
    ///
    /// # Panics
    /// When the column holds what is no probability.
    #[must_use]
    pub fn new(graph: &ArcList, nodes: Range<u32>) -> Self {
        let nodes = NodeRange { begin: nodes.start, end: nodes.end };
        let mut shard = Self {
            nodes,
            first_arcs: vec![0; graph.n_nodes() as usize + 1],
            first_ranks: vec![0; graph.n_nodes() as usize],
            targets: Vec::new(),
            in_ranks: Vec::new(),
            in_sources: vec![Vec::new(); nodes.n_nodes()],
            in_degrees: vec![0; nodes.n_nodes()],
            thresholds: graph.column().map(|_| Vec::new()),
            channels: graph.channels().map(|_| Vec::new()),
            cumulative_weights: cumulative_weights(graph, nodes),
        };
        for (position, arc) in graph.arcs().iter().enumerate() {
            shard.first_ranks[arc.source as usize] += u32::from(arc.target < nodes.begin);
            if !nodes.contains(NodeId(arc.target)) {
                continue;
            }
            let target_idx = arc.target - nodes.begin;
            // Arcs come by ascending source, so a target has met all its smaller sources.
            let in_degree = &mut shard.in_degrees[target_idx as usize];
            shard.first_arcs[arc.source as usize + 1] += 1;
            shard.targets.push(target_idx);
            shard.in_ranks.push(*in_degree);
            shard.in_sources[target_idx as usize].push(arc.source);
            *in_degree += 1;
            if let (Some(thresholds), Some(column)) = (&mut shard.thresholds, graph.column()) {
                thresholds.push(threshold(column[position]));
            }
            if let (Some(channels), Some(of_arcs)) = (&mut shard.channels, graph.channels()) {
                channels.push(of_arcs[position]);
            }
        }
        for source in 0..graph.n_nodes() as usize {
            if shard.first_arcs[source + 1] == 0 {
                shard.first_ranks[source] = 0;
            }
            shard.first_arcs[source + 1] += shard.first_arcs[source];
        }
        shard
    }
}

impl Shard for VecShard {
    fn nodes(&self) -> NodeRange {
        self.nodes
    }

    fn n_arcs(&self) -> u64 {
        self.targets.len() as u64
    }

    fn out_arcs<'a>(&'a self, source: NodeId, _scratch: &'a mut Vec<u32>) -> OutArcs<'a> {
        let first_arc = self.first_arcs[source.index()];
        let end = self.first_arcs[source.index() + 1];
        OutArcs { first_arc, targets: &self.targets[first_arc..end] }
    }

    fn n_out_arcs(&self, source: NodeId) -> usize {
        self.first_arcs[source.index() + 1] - self.first_arcs[source.index()]
    }

    fn first_rank(&self, source: NodeId) -> u32 {
        self.first_ranks[source.index()]
    }

    fn in_sources<'a>(&'a self, node_idx: u32, _scratch: &'a mut Vec<u32>) -> Option<&'a [u32]> {
        Some(&self.in_sources[node_idx as usize])
    }

    fn in_degrees(&self) -> &[u32] {
        &self.in_degrees
    }

    fn in_ranks(&self) -> Option<Ranks<'_>> {
        Some(Ranks::U32(&self.in_ranks))
    }

    fn arc_thresholds(&self) -> Option<&[u32]> {
        self.thresholds.as_deref()
    }

    fn arc_channels(&self) -> Option<&[u8]> {
        self.channels.as_deref()
    }

    fn cumulative_weights(&self, node_idx: u32) -> Option<&[u32]> {
        let weights = self.cumulative_weights.as_ref()?;
        Some(&weights[node_idx as usize])
    }
}

fn threshold(probability: f64) -> u32 {
    let threshold = Threshold::from_probability(probability);
    threshold.expect("a fixture's column holds probabilities").stored()
}

/// For each of `nodes`, its in-arcs' weights summed up to and including each. Sums are taken
/// in units of 2⁻⁶⁴ and rounded afterwards, so that d weights of 1/d end at exactly 1.
fn cumulative_weights(graph: &ArcList, nodes: NodeRange) -> Option<Vec<Vec<u32>>> {
    let column = graph.column()?;
    let one = 1u128 << 64;
    let mut all = Vec::new();
    for in_arcs in graph.in_arcs() {
        let mut sum = 0u128;
        let sums = in_arcs.iter().map(|&position| {
            sum += (column[position] * one as f64).round_ties_even() as u128;
            let rounded = ((sum + (1 << 31)) >> 32).min(1 << 32);
            u32::try_from(rounded).unwrap_or(u32::MAX)
        });
        all.push(sums.collect::<Vec<u32>>());
        // A weight written as the nearest double to 1/d is off by at most 2⁻⁵³ of itself.
        if sum > one + (one >> 52) {
            return None;
        }
    }
    Some(all[nodes.begin as usize..nodes.end as usize].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn every_cut_holds_every_arc_once() {
        let graph = fixtures::complete(7).with_column(|arc| f64::from(arc.source) / 64.0);
        for n_shards in [1, 2, 3, 7, 9] {
            let shards = graph.shards(n_shards);
            assert_eq!(shards.len(), n_shards);
            let mut found: Vec<(u32, u32)> = Vec::new();
            for shard in &shards {
                for source in 0..7 {
                    let mut scratch = Vec::new();
                    let arcs = shard.out_arcs(NodeId(source), &mut scratch);
                    let n_before = found.iter().filter(|arc| arc.0 == source).count();
                    let expected = if arcs.targets.is_empty() { 0 } else { n_before };
                    assert_eq!(shard.first_rank(NodeId(source)) as usize, expected);
                    assert_eq!(arcs.targets.len(), shard.n_out_arcs(NodeId(source)));
                    for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
                        let target = shard.nodes().node(target_idx);
                        found.push((source, target.0));
                        let rank = source - u32::from(source > target.0);
                        assert_eq!(shard.in_ranks().unwrap().at(position), rank);
                        let mut scratch = Vec::new();
                        let sources = shard.in_sources(target_idx, &mut scratch).unwrap();
                        assert_eq!(sources[rank as usize], source);
                        assert_eq!(shard.arc_thresholds().unwrap()[position], source << 26);
                    }
                }
            }
            found.sort_unstable();
            let expected: Vec<_> = graph.arcs().iter().map(|a| (a.source, a.target)).collect();
            assert_eq!(found, expected);
            assert_eq!(shards.iter().map(Shard::n_arcs).sum::<u64>(), 42);
        }
    }

    #[test]
    fn cumulative_weights_of_one_over_d_end_at_one() {
        for n_sources in [2, 3, 5, 6, 7, 10, 49, 100, 1000] {
            let star = fixtures::in_star(n_sources).with_column(|_| 1.0 / f64::from(n_sources));
            let shards = star.shards(1);
            let sums = shards[0].cumulative_weights(0).unwrap();
            assert_eq!(sums.last(), Some(&u32::MAX), "{n_sources} sources");
        }
        let heavy = fixtures::in_star(3).with_column(|_| 0.4);
        assert!(heavy.shards(2)[1].cumulative_weights(0).is_none());
    }
}
