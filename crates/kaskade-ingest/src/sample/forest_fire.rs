//! A fire that spreads from node to node (Leskovec and Faloutsos, KDD 2006, after Leskovec,
//! Kleinberg and Faloutsos, KDD 2005).

use std::collections::VecDeque;

use kaskade_model::NodeId;
use kaskade_model::seeds::NodeDirectory;
use kaskade_store::Graph;

use crate::error::IngestError;
use crate::generate::draws::Draws;
use crate::progress::Progress;

const FAMILY: u64 = 0x6669_7265;

/// The burning probabilities, as integers of 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Burning {
    forward: u64,
    backward: u64,
}

impl Burning {
    /// # Errors
    /// [`IngestError::SampleNumber`] for a probability outside [0, 1).
    pub(super) fn new(forward: f64, backward: f64) -> Result<Self, IngestError> {
        let fixed = |name, value: f64| {
            let accepted = "a number from 0 to below 1";
            if !(0.0..1.0).contains(&value) {
                return Err(IngestError::SampleNumber { name, value, accepted });
            }
            Ok((value * 2f64.powi(64)) as u64)
        };
        Ok(Self {
            forward: fixed("the forward burning probability", forward)?,
            backward: fixed("the backward burning probability", backward)?,
        })
    }

    pub(super) fn spreads_forward(self) -> bool {
        self.forward > 0
    }

    pub(super) fn spreads_backward(self) -> bool {
        self.backward > 0
    }
}

/// The first `n_wanted` nodes that burn, ascending.
///
/// One thread, as each draw depends on what burned before; O(arcs of burnt nodes + nodes ·
/// shards), and where nearly all nodes are wanted log n tries a node to light the last ones.
pub(super) fn nodes(
    graph: &Graph,
    n_wanted: u32,
    burning: Burning,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Vec<u32>, IngestError> {
    let mut fire = Fire {
        draws: Draws::new(seed, FAMILY),
        n_drawn: 0,
        is_burnt: vec![0; (graph.n_nodes() as usize).div_ceil(64)],
        n_left: n_wanted,
        burning: VecDeque::new(),
    };
    let mut neighbours = Vec::new();
    while fire.n_left > 0 {
        if progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        fire.light(graph.n_nodes());
        while let Some(node) = fire.burning.pop_front().filter(|_| fire.n_left > 0) {
            if burning.spreads_forward() {
                neighbours.clear();
                graph.append_targets(NodeId(node), &mut neighbours);
                fire.spread(&mut neighbours, burning.forward);
            }
            if burning.spreads_backward() {
                neighbours.clear();
                graph.append_sources(NodeId(node), &mut neighbours);
                fire.spread(&mut neighbours, burning.backward);
            }
        }
    }
    Ok(fire.burnt())
}

struct Fire {
    draws: Draws,
    n_drawn: u64,
    /// A bit per node.
    is_burnt: Vec<u64>,
    /// Nodes that are still wanted.
    n_left: u32,
    /// Nodes whose neighbours come next.
    burning: VecDeque<u32>,
}

impl Fire {
    fn next_draw(&mut self) -> u64 {
        self.n_drawn += 1;
        self.n_drawn - 1
    }

    /// Burns a random node of those that do not burn yet, of which there must be one.
    fn light(&mut self, n_nodes: u32) {
        loop {
            let number = self.next_draw();
            // Below `n_nodes`.
            let node = self.draws.below(number, n_nodes.into()) as u32;
            if !self.has_burnt(node) {
                return self.burn(node);
            }
        }
    }

    /// Burns a geometric number of `neighbours`, of those that do not burn yet.
    fn spread(&mut self, neighbours: &mut Vec<u32>, probability: u64) {
        neighbours.retain(|&node| !self.has_burnt(node));
        for begin in 0..neighbours.len() {
            let number = self.next_draw();
            if self.n_left == 0 || self.draws.word(number) >= probability {
                return;
            }
            let number = self.next_draw();
            let rest = neighbours.len() - begin;
            let chosen = begin + self.draws.below(number, rest as u64) as usize;
            neighbours.swap(begin, chosen);
            self.burn(neighbours[begin]);
        }
    }

    fn has_burnt(&self, node: u32) -> bool {
        self.is_burnt[node as usize / 64] >> (node % 64) & 1 == 1
    }

    fn burn(&mut self, node: u32) {
        self.is_burnt[node as usize / 64] |= 1 << (node % 64);
        self.n_left -= 1;
        self.burning.push_back(node);
    }

    fn burnt(&self) -> Vec<u32> {
        let words = (0u32..).zip(&self.is_burnt);
        words
            .flat_map(|(word_idx, &word)| {
                (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| 64 * word_idx + bit)
            })
            .collect()
    }
}
