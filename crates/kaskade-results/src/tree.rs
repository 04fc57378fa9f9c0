//! The form of one cascade: how deep, how broad, and how far apart those who took part are.

use crate::cascades::Activation;

/// One cascade as a forest, a tree for each seed, in integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Nodes.
    pub size: u64,
    /// Trees: nodes that nobody passed it to.
    pub trees: u64,
    /// Hops from a root to the node farthest from it.
    pub depth: u32,
    /// Nodes by hops from their root; the largest is the breadth.
    pub by_depth: Vec<u64>,
    /// Pairs of nodes in one tree.
    pub pairs: u128,
    /// The sum of their distances.
    pub distances: u128,
}

impl Form {
    /// The form of `activations`, which are of one simulation, parents before those whom they pass
    /// it to; `scratch` has a place for every node that can occur. O(activations), exact: an arc
    /// with s nodes below it lies between s · (n − s) pairs of a tree of n nodes.
    #[must_use]
    pub fn of(activations: &[Activation], scratch: &mut Scratch) -> Self {
        let mut form = Self { size: activations.len() as u64, ..Self::default() };
        let Scratch { places, nodes } = scratch;
        nodes.clear();
        for (place, activation) in (0..).zip(activations) {
            places[activation.node as usize] = place;
            let parent = activation.parent.map(|parent| places[parent as usize]);
            let (depth, root) = parent.map_or((0, place), |parent| {
                let of = &nodes[parent as usize];
                (of.depth + 1, of.root)
            });
            nodes.push(Node { parent, depth, root, below: 1 });
            form.trees += u64::from(parent.is_none());
            form.depth = form.depth.max(depth);
            if form.by_depth.len() <= depth as usize {
                form.by_depth.push(0);
            }
            form.by_depth[depth as usize] += 1;
        }
        for place in (0..nodes.len()).rev() {
            let Node { parent, below, .. } = nodes[place];
            if let Some(parent) = parent {
                nodes[parent as usize].below += below;
            }
        }
        for node in nodes.iter() {
            let size = u128::from(nodes[node.root as usize].below);
            let below = u128::from(node.below);
            match node.parent {
                None => form.pairs += size * (size - 1) / 2,
                Some(_) => form.distances += below * (size - below),
            }
        }
        form
    }

    /// The most nodes at one depth.
    #[must_use]
    pub fn breadth(&self) -> u64 {
        self.by_depth.iter().copied().max().unwrap_or(0)
    }

    /// Structural virality (Goel, Anderson, Hofman and Watts 2016): the mean distance over all pairs
    /// of nodes in one tree; none where nobody passed it on.
    #[must_use]
    pub fn virality(&self) -> Option<f64> {
        (self.pairs > 0).then(|| self.distances as f64 / self.pairs as f64)
    }

    /// Nodes that heard it from a root.
    #[must_use]
    pub fn first_hand(&self) -> u64 {
        self.by_depth.get(1).copied().unwrap_or(0)
    }

    /// What kind of cascade it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let passed = self.size - self.trees;
        if passed == 0 {
            Kind::Silent
        } else if 2 * self.first_hand() >= passed {
            Kind::Broadcast
        } else {
            Kind::Viral
        }
    }
}

/// What kind of cascade one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody passed it on.
    Silent,
    /// At least half of those who were reached heard it from a seed.
    Broadcast,
    /// More than half heard it from somebody who had heard it.
    Viral,
}

impl Kind {
    /// Its name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Broadcast => "broadcast",
            Self::Viral => "viral",
        }
    }
}

/// What is used again from one cascade to the next.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// By node: its place among the activations.
    places: Vec<u32>,
    /// By place.
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: Option<u32>,
    depth: u32,
    root: u32,
    /// Nodes of its subtree, itself among them.
    below: u64,
}

impl Scratch {
    /// Room for cascades among `n_nodes` nodes.
    #[must_use]
    pub fn new(n_nodes: usize) -> Self {
        Self { places: vec![0; n_nodes], nodes: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
