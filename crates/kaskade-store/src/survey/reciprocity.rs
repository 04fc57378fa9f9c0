//! How many arcs are answered.

use kaskade_model::NodeId;
use kaskade_model::seeds::NodeDirectory;
use rayon::prelude::*;

use super::ArcMeter;
use crate::choices::Views;
use crate::graph::Graph;

/// Arcs of the missing view that are made at a time, 4 bytes each, unless a single node has more.
pub(super) const GROUP_ARCS: u64 = 1 << 26;

/// Nodes that one task looks at.
const TASK_NODES: usize = 1 << 8;

/// The arcs of `graph` whose reverse is an arc too. With both views O(arcs + nodes · shards);
/// with one of them the arcs are read again for every `group_arcs` of them.
pub(super) fn reciprocal_arcs(graph: &Graph, group_arcs: u64, meter: &ArcMeter<'_>) -> u64 {
    match graph.manifest().views {
        Views::Both => count(graph, 0..graph.n_nodes(), meter, |node, sources, targets| {
            graph.append_sources(node, sources);
            graph.append_targets(node, targets);
        }),
        Views::Out => groups(graph.in_degrees(), group_arcs)
            .map(|nodes| {
                let made = Transposed::sources(graph, nodes.clone());
                count(graph, nodes, meter, |node, sources, targets| {
                    sources.extend_from_slice(made.list(node));
                    graph.append_targets(node, targets);
                })
            })
            .sum(),
        Views::In => groups(graph.out_degrees(), group_arcs)
            .map(|nodes| {
                let made = Transposed::targets(graph, nodes.clone());
                count(graph, nodes, meter, |node, sources, targets| {
                    graph.append_sources(node, sources);
                    targets.extend_from_slice(made.list(node));
                })
            })
            .sum(),
    }
}

/// Sums over `nodes` how many are both source and target of a node; `neighbours` appends them.
fn count(
    graph: &Graph,
    nodes: std::ops::Range<u32>,
    meter: &ArcMeter<'_>,
    neighbours: impl Fn(NodeId, &mut Vec<u32>, &mut Vec<u32>) + Sync,
) -> u64 {
    let (in_degrees, out_degrees) = (graph.in_degrees(), graph.out_degrees());
    let n_tasks = nodes.len().div_ceil(TASK_NODES);
    let task = |(sources, targets): &mut (Vec<u32>, Vec<u32>), task: usize| {
        let begin = nodes.start + (task * TASK_NODES) as u32;
        let end = nodes.end.min(begin.saturating_add(TASK_NODES as u32));
        let (mut n_reciprocal, mut n_arcs) = (0, 0);
        for node in begin..end {
            let idx = node as usize;
            n_arcs += u64::from(in_degrees[idx]);
            if in_degrees[idx] > 0 && out_degrees[idx] > 0 {
                sources.clear();
                targets.clear();
                neighbours(NodeId(node), sources, targets);
                n_reciprocal += n_common(sources, targets);
            }
        }
        meter.add(n_arcs);
        n_reciprocal
    };
    (0..n_tasks).into_par_iter().map_init(|| (Vec::new(), Vec::new()), task).sum()
}

/// The elements that two ascending lists share. O(shorter · log) where one is much longer.
fn n_common(a: &[u32], b: &[u32]) -> u64 {
    const MUCH: usize = 16;
    let (short, mut long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let mut n_common = 0;
    if long.len() / MUCH > short.len() {
        for element in short {
            long = &long[long.partition_point(|other| other < element)..];
            n_common += u64::from(long.first() == Some(element));
        }
        return n_common;
    }
    let mut short = short.iter().peekable();
    for element in long {
        while short.next_if(|&other| other < element).is_some() {}
        n_common += u64::from(short.next_if_eq(&element).is_some());
    }
    n_common
}

/// Contiguous ranges of all nodes, each of at least one node and of at most `group_arcs` by
/// `degrees` beyond that.
fn groups(degrees: &[u32], group_arcs: u64) -> impl Iterator<Item = std::ops::Range<u32>> + '_ {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let rest = &degrees[begin..];
        let mut n_arcs = 0;
        let fits = |&(idx, &degree): &(usize, &u32)| {
            n_arcs += u64::from(degree);
            idx == 0 || n_arcs <= group_arcs
        };
        let n_nodes = rest.iter().enumerate().take_while(fits).count();
        let range = begin as u32..(begin + n_nodes) as u32;
        begin += n_nodes;
        (n_nodes > 0).then_some(range)
    })
}

/// The lists of a range of nodes in the view that a graph was built without.
struct Transposed {
    begin: u32,
    list_begins: Vec<usize>,
    lists: Vec<u32>,
}

impl Transposed {
    /// The sources of `nodes`, from the out-view.
    fn sources(graph: &Graph, nodes: std::ops::Range<u32>) -> Self {
        let degrees = &graph.in_degrees()[nodes.start as usize..nodes.end as usize];
        Self::of(graph, nodes, degrees, |node, list| graph.append_targets(node, list))
    }

    /// The targets of `nodes`, from the in-view.
    fn targets(graph: &Graph, nodes: std::ops::Range<u32>) -> Self {
        let degrees = &graph.out_degrees()[nodes.start as usize..nodes.end as usize];
        Self::of(graph, nodes, degrees, |node, list| graph.append_sources(node, list))
    }

    fn of(
        graph: &Graph,
        nodes: std::ops::Range<u32>,
        degrees: &[u32],
        neighbours: impl Fn(NodeId, &mut Vec<u32>),
    ) -> Self {
        let mut list_begins = Vec::with_capacity(degrees.len() + 1);
        let mut n_arcs = 0;
        for &degree in degrees {
            list_begins.push(n_arcs);
            n_arcs += degree as usize;
        }
        let mut next = list_begins.clone();
        list_begins.push(n_arcs);
        let mut lists = vec![0; n_arcs];
        let mut list = Vec::new();
        for other in 0..graph.n_nodes() {
            list.clear();
            neighbours(NodeId(other), &mut list);
            let begin = list.partition_point(|&node| node < nodes.start);
            for &node in list[begin..].iter().take_while(|&&node| node < nodes.end) {
                // Others come in ascending order, so the lists ascend.
                let place = &mut next[(node - nodes.start) as usize];
                lists[*place] = other;
                *place += 1;
            }
        }
        Self { begin: nodes.start, list_begins, lists }
    }

    fn list(&self, node: NodeId) -> &[u32] {
        let idx = (node.0 - self.begin) as usize;
        &self.lists[self.list_begins[idx]..self.list_begins[idx + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_share_what_is_in_both() {
        assert_eq!(n_common(&[1, 3, 5], &[2, 3, 4, 5, 6]), 2);
        assert_eq!(n_common(&[], &[1]), 0);
        let long: Vec<u32> = (0..1000).map(|i| 3 * i).collect();
        assert_eq!(n_common(&[3, 4, 6, 2997, 5000], &long), 3);
        assert_eq!(n_common(&long, &long), 1000);
    }

    #[test]
    fn groups_tile_the_nodes() {
        let found: Vec<_> = groups(&[5, 1, 1, 9, 0, 0, 2], 4).collect();
        assert_eq!(found, [0..1, 1..3, 3..4, 4..7]);
        assert_eq!(groups(&[], 4).count(), 0);
    }
}
