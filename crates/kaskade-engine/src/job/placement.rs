//! Who holds what: a placement by memory, groups of workers, shards by cost.

use std::cmp::Reverse;

use kaskade_model::message::Member;
use kaskade_model::spec::Placement;
use kaskade_model::{ShardId, WorkerId};

use super::footprint::{Footprint, MemoryShape, footprint_of, largest_footprint};

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

impl ShardLoad {
    /// What a round on it takes, in arcs.
    fn cost(&self) -> u64 {
        self.n_arcs + self.n_nodes
    }
}

/// A placement and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Never `auto`.
    pub placement: Placement,
    /// The reason, a sentence with the bytes per worker.
    pub why: String,
}

/// A job that the workers at hand cannot hold, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Shortage {
    text: String,
}

/// Fixes `asked` by the memory of `workers`. `auto` takes the smallest groups that hold the
/// graph and still put at least half of the workers to work: a group of one (`replicate`) exchanges
/// nothing, and the fewer share a round, the less they do. Then groups are widened as far as
/// there are workers for it.
///
/// # Errors
/// [`Shortage`] when no group fits.
pub fn decide(
    shape: MemoryShape<'_>,
    asked: Placement,
    workers: &[WorkerInfo],
) -> Result<Decision, Shortage> {
    let workers = by_memory(workers);
    let fits = |placement| !groups(shape, placement, &workers, 0).is_empty();
    let bytes = |n_parts: usize| largest_footprint(shape, n_parts).total_bytes();
    if asked != Placement::Auto {
        if !fits(asked) {
            return Err(Shortage::of(shape, asked, &workers));
        }
        let needed = bytes(group_size(asked, workers.len()));
        let why = format!("it was asked for; up to {needed} bytes a worker");
        return Ok(Decision { placement: asked, why });
    }
    let n_parts = smallest_parts(shape, &workers)
        .ok_or_else(|| Shortage::of(shape, Placement::Partition, &workers))?;
    let n_groups = n_fitting(shape, n_parts, &workers);
    let wider = workers.len() / n_groups;
    let n_parts =
        if n_fitting(shape, wider, &workers) == n_groups && n_parts > 1 { wider } else { n_parts };
    let (alone, smallest) = (bytes(1), workers.last().map_or(0, |info| info.memory_bytes));
    let (placement, why) = if n_parts == 1 {
        let n_workers = workers.len();
        let why = format!(
            "{n_groups} of {n_workers} workers hold graph and state alone, {alone} bytes a worker"
        );
        (Placement::Replicate, why)
    } else {
        let placement = match n_groups {
            1 => Placement::Partition,
            _ => Placement::Hybrid { replicas: n_groups as u32, parts: n_parts as u32 },
        };
        let needed = bytes(n_parts);
        let why = format!(
            "graph and state take {alone} bytes, the smallest worker has {smallest}; \
             shared by {n_parts} they take up to {needed} bytes a worker"
        );
        (placement, why)
    };
    Ok(Decision { placement, why })
}

/// The words of the widest batch, no wider than those of `shape`, with which the workers hold a
/// job: fewer simulations at a time take less state. 1 where none does; all without workers.
#[must_use]
pub fn fitting_lane_words(
    shape: MemoryShape<'_>,
    placement: Placement,
    workers: &[WorkerInfo],
) -> usize {
    let widest = shape.lane_words;
    let fits = |&lane_words: &usize| {
        let shape = MemoryShape { lane_words, ..shape };
        workers.is_empty() || decide(shape, placement, workers).is_ok()
    };
    [widest, 4, 2, 1].into_iter().filter(|words| *words <= widest).find(fits).unwrap_or(1)
}

/// The groups that `placement` forms of `free` workers, beside `n_groups` present ones. Those
/// with the most memory come first, and get the largest shares.
pub(super) fn groups(
    shape: MemoryShape<'_>,
    placement: Placement,
    free: &[WorkerInfo],
    n_groups: usize,
) -> Vec<Vec<Member>> {
    let free = by_memory(free);
    match placement {
        Placement::Partition => {
            if n_groups > 0 {
                return Vec::new();
            }
            // The smallest are left out where they hold less than their share.
            let sizes = (1..=free.len().min(shape.shards.len().max(1))).rev();
            let shared = shared_bytes(shape);
            let widest = sizes.filter(|&size| may_fit(shared, size, &free));
            widest.filter_map(|size| group(shape, &free[..size])).take(1).collect()
        }
        Placement::Hybrid { replicas, parts } => {
            let room = (replicas as usize).saturating_sub(n_groups);
            let chunks = free.chunks_exact((parts as usize).max(1));
            chunks.filter_map(|workers| group(shape, workers)).take(room).collect()
        }
        Placement::Replicate | Placement::Auto => {
            free.chunks_exact(1).filter_map(|workers| group(shape, workers)).collect()
        }
    }
}

/// Deals `shards` to `n_members`, each with about the same share of the arcs and nodes; members
/// that would hold nothing are left out.
#[must_use]
pub fn deal_shards(shards: &[ShardLoad], n_members: usize) -> Vec<Vec<ShardId>> {
    let mut by_cost: Vec<&ShardLoad> = shards.iter().collect();
    by_cost.sort_by_key(|shard| (Reverse(shard.cost()), shard.shard));
    let mut hands: Vec<(u64, Vec<ShardId>)> = vec![(0, Vec::new()); n_members];
    for shard in by_cost {
        let lightest = hands.iter_mut().min_by_key(|(cost, _)| *cost);
        if let Some((cost, hand)) = lightest {
            *cost += shard.cost();
            hand.push(shard.shard);
        }
    }
    let mut hands: Vec<_> = hands.into_iter().map(|(_, hand)| hand).collect();
    hands.retain(|hand| !hand.is_empty());
    hands.iter_mut().for_each(|hand| hand.sort_unstable());
    hands
}

/// The fewest workers that make a group of `placement`, of `n_workers` at hand.
pub(super) fn group_size(placement: Placement, n_workers: usize) -> usize {
    match placement {
        Placement::Hybrid { parts, .. } => parts as usize,
        Placement::Partition => n_workers.max(1),
        Placement::Replicate | Placement::Auto => 1,
    }
}

/// The most memory first; the same order whatever order they came in.
fn by_memory(workers: &[WorkerInfo]) -> Vec<WorkerInfo> {
    let mut workers = workers.to_vec();
    workers.sort_by_key(|info| (Reverse(info.memory_bytes), info.worker));
    workers
}

/// A group of all `workers`, the most memory first, if each holds its share.
fn group(shape: MemoryShape<'_>, workers: &[WorkerInfo]) -> Option<Vec<Member>> {
    let hands = deal_shards(shape.shards, workers.len());
    let bytes = |hand: &Vec<ShardId>| footprint_of(shape, hand, hands.len()).total_bytes();
    let mut sized: Vec<(u64, &Vec<ShardId>)> =
        hands.iter().map(|hand| (bytes(hand), hand)).collect();
    sized.sort_by_key(|&(bytes, hand)| (Reverse(bytes), hand));
    let fits = sized.iter().zip(workers).all(|((bytes, _), info)| *bytes <= info.memory_bytes);
    let member = |((_, shards), info): (&(u64, &Vec<ShardId>), &WorkerInfo)| Member {
        worker: info.worker,
        address: info.address.clone(),
        shards: (*shards).clone(),
    };
    let mut members: Vec<Member> = sized.iter().zip(workers).map(member).collect();
    members.sort_by_key(|member| member.worker);
    (fits && !members.is_empty()).then_some(members)
}

/// Groups of `n_parts` that hold the graph, of `workers`, the most memory first.
fn n_fitting(shape: MemoryShape<'_>, n_parts: usize, workers: &[WorkerInfo]) -> usize {
    let chunks = workers.chunks_exact(n_parts.max(1));
    chunks.filter(|workers| group(shape, workers).is_some()).count()
}

/// The smallest groups that hold the graph and put at least half of `workers` to work, else
/// those that put the most to work.
fn smallest_parts(shape: MemoryShape<'_>, workers: &[WorkerInfo]) -> Option<usize> {
    let shared = shared_bytes(shape);
    let mut best = (0, None);
    for n_parts in (1..=workers.len()).filter(|&parts| may_fit(shared, parts, workers)) {
        let n_used = n_parts * n_fitting(shape, n_parts, workers);
        if 2 * n_used >= workers.len() {
            return Some(n_parts);
        }
        if n_used > best.0 {
            best = (n_used, Some(n_parts));
        }
    }
    best.1
}

/// What the workers of a group share, however many they are: who is alone has more than that.
fn shared_bytes(shape: MemoryShape<'_>) -> u64 {
    let Footprint { shard_bytes, state_bytes, .. } = largest_footprint(shape, 1);
    shard_bytes.saturating_add(state_bytes)
}

/// Whether equal shares of `shared_bytes` for `n_parts` would fit the largest of `workers`: where
/// not, nothing has to be dealt to see that no group fits.
fn may_fit(shared_bytes: u64, n_parts: usize, workers: &[WorkerInfo]) -> bool {
    workers.first().is_some_and(|info| shared_bytes / n_parts as u64 <= info.memory_bytes)
}

impl Shortage {
    /// That `placement` does not fit `workers`, the most memory first.
    fn of(shape: MemoryShape<'_>, placement: Placement, workers: &[WorkerInfo]) -> Self {
        let n_parts = group_size(placement, workers.len().min(shape.shards.len()).max(1));
        let largest = largest_footprint(shape, n_parts);
        let needed = largest.total_bytes();
        let Footprint {
            n_shards: _,
            shard_bytes,
            state_bytes,
            frontier_bytes,
            list_bytes,
            exchange_bytes,
        } = largest;
        let smallest = workers.iter().take(n_parts).next_back().map_or(0, |info| info.memory_bytes);
        let n_workers = super::count(workers.len(), "worker");
        let text = format!(
            "placement {placement} on {n_workers} takes up to {needed} bytes a worker (shards \
             {shard_bytes}, state {state_bytes}, frontier {frontier_bytes}, lists \
             {list_bytes}, exchange {exchange_bytes}), and one has {smallest}: start more workers, give them more with \
             --memory, or cut the graph into more shards; `kaskade graph plan` says what fits"
        );
        Self { text }
    }
}

#[cfg(test)]
mod tests;
