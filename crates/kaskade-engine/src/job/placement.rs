//! Who holds what.

use kaskade_model::message::Member;
use kaskade_model::spec::Placement;
use kaskade_model::{ShardId, WorkerId};

use super::JobSetup;
use super::footprint::{MemoryShape, largest_footprint};

/// A worker as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// The worker.
    pub worker: WorkerId,
    /// Where its peers reach it, `http://host:port`.
    pub address: String,
    /// Bytes that it may use for shards and state.
    pub memory_bytes: u64,
}

/// What a shard costs its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardLoad {
    /// The shard.
    pub shard: ShardId,
    /// Its nodes.
    pub n_nodes: u64,
    /// Its arcs.
    pub n_arcs: u64,
    /// Its file's bytes.
    pub n_bytes: u64,
}

/// A placement and why.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Never `auto`.
    placement: Placement,
    /// What a worker must have to be given the whole graph; 0 where the spec insists.
    needed_bytes: u64,
    /// The reason, a sentence.
    pub why: String,
}

/// Fixes `auto` by the workers that are there: whole batches for each of them where every one
/// holds the whole graph and the state of its batches, else one group that shares each round.
#[must_use]
pub fn decide_placement(setup: &JobSetup, workers: &[WorkerInfo]) -> Decision {
    if setup.placement != Placement::Auto {
        let why = "it was asked for".to_owned();
        return Decision { placement: setup.placement, needed_bytes: 0, why };
    }
    let shape = MemoryShape::in_cluster(&setup.shards, setup.plan.lane_words);
    let smallest = workers.iter().map(|info| info.memory_bytes).min().unwrap_or(0);
    auto_placement(shape, smallest)
}

/// What `auto` is for a job of `shape` whose smallest worker has `smallest_bytes`.
#[must_use]
pub fn auto_placement(shape: MemoryShape<'_>, smallest_bytes: u64) -> Decision {
    let needed_bytes = largest_footprint(shape, 1).total_bytes();
    if smallest_bytes < needed_bytes {
        let why = format!(
            "graph and state take {needed_bytes} bytes, the smallest worker has {smallest_bytes}"
        );
        return Decision { placement: Placement::Partition, needed_bytes: 0, why };
    }
    let why = format!("every worker holds graph and state, {needed_bytes} bytes");
    Decision { placement: Placement::Replicate, needed_bytes, why }
}

impl Decision {
    /// The placement decided on, never `auto`.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The fewest workers that make a group.
    pub(super) fn smallest_group(&self) -> usize {
        match self.placement {
            Placement::Hybrid { parts, .. } => parts as usize,
            _ => 1,
        }
    }

    /// The groups that can be formed now of the workers that are `free`, beside `n_groups` present.
    pub(super) fn form(
        &self,
        free: &[WorkerInfo],
        n_groups: usize,
        shards: &[ShardLoad],
    ) -> Vec<Vec<Member>> {
        // One that joined after the decision may be smaller than those that it was made by.
        let suitable: Vec<WorkerInfo> =
            free.iter().filter(|info| info.memory_bytes >= self.needed_bytes).cloned().collect();
        let (size, max_groups) = match self.placement {
            Placement::Partition => (suitable.len(), 1),
            Placement::Hybrid { replicas, parts } => (parts as usize, replicas as usize),
            Placement::Replicate | Placement::Auto => (1, usize::MAX),
        };
        if size == 0 {
            return Vec::new();
        }
        let room = max_groups.saturating_sub(n_groups);
        suitable.chunks_exact(size).take(room).map(|workers| members(workers, shards)).collect()
    }
}

/// Deals `shards` to `n_members`, each with about the same share of the arcs; members that
/// would hold nothing are left out.
#[must_use]
pub fn deal_shards(shards: &[ShardLoad], n_members: usize) -> Vec<Vec<ShardId>> {
    let mut by_cost: Vec<&ShardLoad> = shards.iter().collect();
    by_cost.sort_by_key(|shard| (std::cmp::Reverse(shard.n_arcs + shard.n_nodes), shard.shard));
    let mut hands: Vec<(u64, Vec<ShardId>)> = vec![(0, Vec::new()); n_members];
    for shard in by_cost {
        let lightest = hands.iter_mut().min_by_key(|(cost, _)| *cost);
        if let Some((cost, hand)) = lightest {
            *cost += shard.n_arcs + shard.n_nodes;
            hand.push(shard.shard);
        }
    }
    let mut hands: Vec<_> = hands.into_iter().map(|(_, hand)| hand).collect();
    hands.retain(|hand| !hand.is_empty());
    hands.iter_mut().for_each(|hand| hand.sort_unstable());
    hands
}

fn members(workers: &[WorkerInfo], shards: &[ShardLoad]) -> Vec<Member> {
    let hands = deal_shards(shards, workers.len());
    let member = |(info, shards): (&WorkerInfo, Vec<ShardId>)| Member {
        worker: info.worker,
        address: info.address.clone(),
        shards,
    };
    workers.iter().zip(hands).map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_are_even_and_hold_each_shard_once() {
        let shards: Vec<_> = (0..16)
            .map(|i| ShardLoad {
                shard: ShardId(i),
                n_nodes: 64,
                n_arcs: u64::from(1000 - 50 * i),
                n_bytes: 1,
            })
            .collect();
        for n_members in [1, 2, 3, 5, 16] {
            let hands = deal_shards(&shards, n_members);
            assert_eq!(hands.len(), n_members);
            let mut all: Vec<_> = hands.concat();
            all.sort_unstable();
            assert_eq!(all, (0..16).map(ShardId).collect::<Vec<_>>());
        }
        assert_eq!(deal_shards(&shards, 20).len(), 16, "workers without a shard are left out");
    }
}
