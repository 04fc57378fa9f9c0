use kaskade_model::AnyShard;

use crate::{NodeTable, VecShard};

/// An arc `source -> target` in dense ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arc {
    /// Who transmits.
    pub source: u32,
    /// Who receives.
    pub target: u32,
}

/// A graph as the list of its arcs: distinct, without self-loops, ascending by source and
/// then target, perhaps with a column of probabilities or weights, and with columns of its nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct ArcList {
    n_nodes: u32,
    arcs: Vec<Arc>,
    column: Option<Vec<f64>>,
    channels: Option<Vec<u8>>,
    nodes: NodeTable,
}

impl ArcList {
    /// The graph on `0..n_nodes` with the distinct non-self arcs among `arcs`.
    ///
    /// # Panics
    /// When an arc names a node that is not below `n_nodes`.
    #[must_use]
    pub fn new(n_nodes: u32, arcs: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let arcs = arcs.into_iter().map(|(source, target)| Arc { source, target });
        let mut arcs: Vec<Arc> = arcs.filter(|arc| arc.source != arc.target).collect();
        arcs.sort_unstable();
        arcs.dedup();
        let in_range = |arc: &Arc| arc.source.max(arc.target) < n_nodes;
        assert!(arcs.iter().all(in_range), "an arc names a node that is not below {n_nodes}");
        Self { n_nodes, arcs, column: None, channels: None, nodes: NodeTable::default() }
    }

    /// The graph with both directions of every pair of `edges`.
    #[must_use]
    pub fn undirected(n_nodes: u32, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self::new(n_nodes, edges.into_iter().flat_map(|(u, v)| [(u, v), (v, u)]))
    }

    /// The same arcs with the column that `value` gives each of them.
    #[must_use]
    pub fn with_column(mut self, value: impl FnMut(Arc) -> f64) -> Self {
        self.column = Some(self.arcs.iter().copied().map(value).collect());
        self
    }

    /// The same arcs, each in the channels that `channels` gives it, a bit each.
    #[must_use]
    pub fn with_channels(mut self, channels: impl FnMut(Arc) -> u8) -> Self {
        self.channels = Some(self.arcs.iter().copied().map(channels).collect());
        self
    }

    /// The same with these columns of its nodes.
    #[must_use]
    pub fn with_nodes(mut self, nodes: NodeTable) -> Self {
        self.nodes = nodes;
        self
    }

    /// The columns of the nodes.
    #[must_use]
    pub fn nodes(&self) -> &NodeTable {
        &self.nodes
    }

    /// The number of nodes, isolated ones included.
    #[must_use]
    pub fn n_nodes(&self) -> u32 {
        self.n_nodes
    }

    /// The arcs, ascending by source and then target.
    #[must_use]
    pub fn arcs(&self) -> &[Arc] {
        &self.arcs
    }

    /// A probability or weight for each of [`ArcList::arcs`].
    #[must_use]
    pub fn column(&self) -> Option<&[f64]> {
        self.column.as_deref()
    }

    /// The channels of each of [`ArcList::arcs`], a bit each.
    #[must_use]
    pub fn channels(&self) -> Option<&[u8]> {
        self.channels.as_deref()
    }

    /// The number of arcs out of every node.
    #[must_use]
    pub fn out_degrees(&self) -> Vec<u32> {
        self.degrees(|arc| arc.source)
    }

    /// The number of arcs into every node.
    #[must_use]
    pub fn in_degrees(&self) -> Vec<u32> {
        self.degrees(|arc| arc.target)
    }

    /// For every node, the positions in [`ArcList::arcs`] of the arcs into it, by ascending source.
    #[must_use]
    pub fn in_arcs(&self) -> Vec<Vec<usize>> {
        self.positions(|arc| arc.target)
    }

    /// For every node, the positions in [`ArcList::arcs`] of the arcs out of it, by ascending target.
    #[must_use]
    pub fn out_arcs(&self) -> Vec<Vec<usize>> {
        self.positions(|arc| arc.source)
    }

    /// The graph cut into `n_shards` shards of about equally many nodes. Where there are more
    /// shards than nodes some are empty.
    ///
    /// # Panics
    /// When `n_shards` is 0.
    #[must_use]
    pub fn shards(&self, n_shards: usize) -> Vec<AnyShard> {
        assert!(n_shards > 0, "a graph has at least one shard");
        let cut = |shard: usize| (u64::from(self.n_nodes) * shard as u64 / n_shards as u64) as u32;
        let shard = |shard| VecShard::new(self, cut(shard)..cut(shard + 1));
        (0..n_shards).map(|place| -> AnyShard { std::sync::Arc::new(shard(place)) }).collect()
    }

    fn degrees(&self, end: impl Fn(&Arc) -> u32) -> Vec<u32> {
        let mut degrees = vec![0; self.n_nodes as usize];
        self.arcs.iter().for_each(|arc| degrees[end(arc) as usize] += 1);
        degrees
    }

    fn positions(&self, end: impl Fn(&Arc) -> u32) -> Vec<Vec<usize>> {
        let mut positions = vec![Vec::new(); self.n_nodes as usize];
        for (position, arc) in self.arcs.iter().enumerate() {
            positions[end(arc) as usize].push(position);
        }
        positions
    }
}
