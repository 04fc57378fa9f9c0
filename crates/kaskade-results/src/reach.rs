//! Where it goes: in how many simulations each node was reached, `nodes.parquet`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kaskade_model::NodeId;
use kaskade_model::dynamics::Value;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use serde::{Deserialize, Serialize};

use crate::cascades::extend_with_id;

/// The nodes that were reached, ascending by original id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Simulations of the job.
    pub(crate) simulations: u64,
    /// What the nodes are called.
    pub(crate) names: Vec<OriginalId>,
    /// In how many simulations each became active, at least 1.
    pub(crate) counts: Vec<u64>,
    /// The segment of each, as a place among `segment_names`; of none where the job has no
    /// segments.
    pub(crate) segments: Option<Vec<Option<u32>>>,
    pub(crate) segment_names: Vec<String>,
    digest: String,
}

impl Reach {
    /// What `counts`, by dense id, say of `nodes` in `simulations`, with the segments of the column
    /// `segment`.
    #[must_use]
    pub fn collect(
        counts: &[u64],
        simulations: u64,
        nodes: &dyn NodeDirectory,
        segment: Option<&str>,
    ) -> Self {
        let count = |node: u32| counts.get(node as usize).copied().unwrap_or(0);
        let reached = nodes.by_original().iter().filter(|node| count(**node) > 0);
        let reached: Vec<NodeId> = reached.map(|&node| NodeId(node)).collect();
        let names: Vec<_> = reached.iter().map(|&node| nodes.original(node)).collect();
        let counts: Vec<_> = reached.iter().map(|node| count(node.0)).collect();
        let mut places = BTreeMap::new();
        let column = segment.and_then(|segment| nodes.columns().find(segment));
        let segments = column.map(|column| {
            let mut place = |node: &NodeId| match nodes.columns().value(column, *node) {
                Value::Category(name) => {
                    let next = places.len() as u32;
                    Some(*places.entry(name.to_owned()).or_insert(next))
                }
                _ => None,
            };
            reached.iter().map(&mut place).collect()
        });
        let mut segment_names = vec![String::new(); places.len()];
        places.into_iter().for_each(|(name, place)| segment_names[place as usize] = name);
        let digest = digest(&names, &counts);
        Self { simulations, names, counts, segments, segment_names, digest }
    }

    /// BLAKE3 over the nodes by ascending original id, in hexadecimal: the id as
    /// [`crate::Cascades::digest`] takes it, and `u64` simulations, little-endian.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The share of the simulations in which the node at `place` was reached.
    pub(crate) fn probability(&self, place: usize) -> f64 {
        self.counts[place] as f64 / self.simulations.max(1) as f64
    }

    pub(crate) fn segment(&self, place: usize) -> Option<&str> {
        let segment = self.segments.as_ref()?[place]?;
        Some(&self.segment_names[segment as usize])
    }
}

fn digest(names: &[OriginalId], counts: &[u64]) -> String {
    const PIECE_BYTES: usize = 1 << 16;
    let mut hasher = blake3::Hasher::new();
    let mut piece = Vec::new();
    for (name, count) in names.iter().zip(counts) {
        extend_with_id(&mut piece, Some(name));
        piece.extend(count.to_le_bytes());
        if piece.len() >= PIECE_BYTES {
            hasher.update(&piece);
            piece.clear();
        }
    }
    hasher.update(&piece);
    hasher.finalize().to_hex().to_string()
}

/// What the summary says of where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReachSummary {
    /// Nodes that were reached in at least one simulation.
    pub nodes: u64,
    /// Those that were reached most often.
    pub top: Vec<TopNode>,
    /// The digest of all of them ([`Reach::digest`]).
    pub digest: String,
}

/// A node that was reached often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopNode {
    /// What it is called.
    pub node: OriginalId,
    /// Simulations in which it became active.
    pub reached: u64,
    /// The same as a share of all simulations.
    pub reach_probability: f64,
    /// Its segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
}

/// Nodes that a summary names.
const TOP: usize = 20;

impl ReachSummary {
    /// The summary of `reach`. O(nodes).
    #[must_use]
    pub fn of(reach: &Reach) -> Self {
        let mut places: Vec<usize> = (0..reach.names.len()).collect();
        let order = |&place: &usize| (Reverse(reach.counts[place]), place);
        if places.len() > TOP {
            places.select_nth_unstable_by_key(TOP, order);
            places.truncate(TOP);
        }
        places.sort_unstable_by_key(order);
        let top = places.into_iter().map(|place| TopNode {
            node: reach.names[place].clone(),
            reached: reach.counts[place],
            reach_probability: reach.probability(place),
            segment: reach.segment(place).map(str::to_owned),
        });
        Self { nodes: reach.names.len() as u64, top: top.collect(), digest: reach.digest.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Directory;

    #[test]
    fn nodes_come_by_original_id_and_the_most_reached_first() {
        let nodes = Directory::of(&[30, 10, 20, 40]);
        let reach = Reach::collect(&[3, 0, 4, 3], 4, &nodes, None);
        assert_eq!(reach.names, [20u64, 30, 40].map(OriginalId::from));
        assert_eq!(reach.counts, [4, 3, 3]);
        let summary = ReachSummary::of(&reach);
        let top: Vec<_> =
            summary.top.iter().map(|top| (top.node.to_string(), top.reached)).collect();
        assert_eq!(top, [("20".into(), 4), ("30".into(), 3), ("40".into(), 3)]);
        assert_eq!(summary.top[1].reach_probability, 0.75);
        assert_eq!(summary.nodes, 3);
        let other = Reach::collect(&[3, 0, 4, 2], 4, &nodes, None);
        assert_ne!(other.digest(), reach.digest());
        let many = Directory::of(&(0..100).collect::<Vec<_>>());
        let reach = Reach::collect(&(0..100).collect::<Vec<_>>(), 100, &many, None);
        let top = ReachSummary::of(&reach).top;
        assert_eq!((top.len(), top[0].reached, top[19].reached), (20, 99, 80));
    }
}
