//! What a worker needs for a job, before anything is allocated.

use super::group::BATCHES_IN_FLIGHT;
use super::placement::{ShardLoad, deal_shards};
use crate::dynamics::{channel_bytes, machine_bytes};
use crate::kernel::{dense_frontier_bytes, out_lists_bytes, presence_bytes, state_bytes};
use kaskade_model::ShardId;
use kaskade_model::coin::Family;
use kaskade_model::dynamics::Dynamics;
#[cfg(doc)]
use kaskade_model::job::JobPlan;
use kaskade_model::lanes::{LANES_PER_WORD, MAX_LANE_WORDS};

/// The widest batch that still leaves every worker four of them.
#[must_use]
pub fn lane_words(n_simulations: u64, n_workers: usize) -> usize {
    let n_batches = 4 * n_workers.max(1) as u64;
    let fits = |words: &usize| (words * LANES_PER_WORD) as u64 * n_batches <= n_simulations;
    [MAX_LANE_WORDS, 4, 2].into_iter().find(fits).unwrap_or(1)
}

/// The part of a job that decides how much memory it takes.
#[derive(Clone, Copy, Debug)]
pub struct MemoryShape<'a> {
    /// All shards of the graph.
    pub shards: &'a [ShardLoad],
    /// W: 64-lane words in a batch.
    pub lane_words: usize,
    /// Batches that hold state at a time.
    pub batches_in_flight: usize,
    /// The family of its coins; `None` counts for the one that takes most.
    pub coins: Option<Family>,
    /// What nodes do; `None` for the classical cascade.
    pub dynamics: Option<&'a Dynamics>,
    /// The bytes a node of the whole graph of what its columns say ([`JobPlan::node_bytes`]).
    pub node_bytes: u64,
    /// Whether nodes choose among their in-arcs.
    pub chooses: bool,
}

impl<'a> MemoryShape<'a> {
    /// The shape of a job in a cluster, where each group has two batches in hand.
    #[must_use]
    pub fn in_cluster(shards: &'a [ShardLoad], lane_words: usize) -> Self {
        Self {
            shards,
            lane_words,
            batches_in_flight: BATCHES_IN_FLIGHT,
            coins: None,
            dynamics: None,
            node_bytes: 0,
            chooses: false,
        }
    }
}

/// The bytes that a job takes on one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Shards that it holds.
    pub n_shards: usize,
    /// Their files, mapped: pages that the system may drop and read again.
    pub shard_bytes: u64,
    /// Lane state of the batches in flight.
    pub state_bytes: u64,
    /// Their frontiers, at most: all own nodes become active in one round. For a worker alone in its
    /// group once more, by node. Of jobs with delays that are not drawn also those of the whole graph
    /// whose messages are under way.
    pub frontier_bytes: u64,
    /// Of the whole graph: what the job reads of the nodes' columns, and which shards each node has arcs into or, where coins come in blocks and
    /// the worker is alone, all out-lists side by side; the larger. And what of its own nodes and arcs is
    /// counted over channels.
    pub list_bytes: u64,
    /// What they send and receive in a round, at most; 0 for a worker alone in its group.
    pub exchange_bytes: u64,
}

impl Footprint {
    /// All of it.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        [self.state_bytes, self.frontier_bytes, self.list_bytes, self.exchange_bytes]
            .into_iter()
            .fold(self.shard_bytes, u64::saturating_add)
    }
}

/// The footprints of the workers of a group of `n_parts`, as [`deal_shards`] deals; fewer than
/// `n_parts` where there are fewer shards that hold something.
#[must_use]
pub fn footprints(shape: MemoryShape<'_>, n_parts: usize) -> Vec<Footprint> {
    let hands = deal_shards(shape.shards, n_parts);
    hands.iter().map(|hand| footprint_of(shape, hand, hands.len())).collect()
}

/// The bytes of the lane state of one batch in flight for `n_nodes` nodes with `mean_in_degree` arcs
/// each, in a job with `dynamics`; without any, in a classical cascade.
#[must_use]
pub fn batch_bytes(
    dynamics: Option<&Dynamics>,
    n_nodes: u64,
    mean_in_degree: f64,
    lane_words: usize,
) -> u64 {
    match dynamics.filter(|dynamics| !dynamics.is_plain()) {
        Some(dynamics) => machine_bytes(dynamics, n_nodes, mean_in_degree, lane_words),
        None => state_bytes(n_nodes, lane_words),
    }
}

/// In so many rounds, where sources are held back, all nodes transmit at most.
const MOST_HELD_ROUNDS: u32 = 2;

/// The footprint of a worker that holds `hand`, ascending, in a group of `n_members`.
pub(super) fn footprint_of(
    shape: MemoryShape<'_>,
    hand: &[ShardId],
    n_members: usize,
) -> Footprint {
    let n_nodes: u64 = shape.shards.iter().map(|shard| shard.n_nodes).sum();
    let n_arcs: u64 = shape.shards.iter().map(|shard| shard.n_arcs).sum();
    let is_alone = n_members <= 1;
    let batches = shape.batches_in_flight as u64;
    let mask_bytes = 8 * shape.lane_words as u64;
    let own = || shape.shards.iter().filter(|shard| hand.binary_search(&shard.shard).is_ok());
    let n_own: u64 = own().map(|shard| shard.n_nodes).sum();
    let n_own_arcs: u64 = own().map(|shard| shard.n_arcs).sum();
    let mean_in_degree = n_arcs as f64 / n_nodes.max(1) as f64;
    let of_batch = |n_own| batch_bytes(shape.dynamics, n_own, mean_in_degree, shape.lane_words);
    let state: u64 = own().map(|shard| of_batch(shard.n_nodes)).sum();
    // An id and a mask a node, in arrays that grow by doubling.
    let slices = 2 * n_own * (4 + mask_bytes);
    let frontier = match is_alone {
        // Whoever has the whole graph lays it out by node, too.
        true => slices + dense_frontier_bytes(n_nodes, shape.lane_words),
        false => slices,
    };
    // Sent and received a bit and a mask a node; received decoded too.
    let encoded = n_nodes.div_ceil(8) + n_nodes * mask_bytes;
    let decoded = (n_nodes - n_own) * (4 + mask_bytes);
    // What is held back: who transmits in the whole graph. Each does so once in a lane, most lanes
    // within some rounds.
    let n_rounds = shape.dynamics.map_or(0, Dynamics::longest_hold).min(MOST_HELD_ROUNDS);
    let held = u64::from(n_rounds) * 2 * n_nodes * (4 + mask_bytes);
    Footprint {
        n_shards: hand.len(),
        shard_bytes: own().map(|shard| shard.n_bytes).sum(),
        state_bytes: batches * state,
        frontier_bytes: batches * (frontier + held),
        list_bytes: {
            let has_lists = is_alone && shape.coins.is_none_or(|coins| coins == Family::Block);
            let lists = has_lists.then(|| out_lists_bytes(n_nodes, n_arcs)).flatten();
            let lists = presence_bytes(n_nodes, hand.len()).max(lists.unwrap_or(0));
            let of_channels = shape
                .dynamics
                .map_or(0, |dynamics| channel_bytes(dynamics, shape.chooses, n_own, n_own_arcs));
            lists + n_nodes.saturating_mul(shape.node_bytes) + of_channels
        },
        exchange_bytes: if is_alone { 0 } else { batches * (encoded + decoded) },
    }
}

/// The largest footprint in a group of `n_parts`: what each worker of it must have.
#[must_use]
pub fn largest_footprint(shape: MemoryShape<'_>, n_parts: usize) -> Footprint {
    let all = footprints(shape, n_parts).into_iter();
    all.max_by_key(Footprint::total_bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kaskade_model::NodeRange;
    use kaskade_model::diffusion::ArcProbability;
    use kaskade_model::dynamics::{Channel, Delay};

    use super::*;
    use crate::kernel::ShardState;

    /// Shards of R-MAT graphs as `generate rmat --edge-factor 16` cuts them: few nodes and many
    /// arcs first.
    fn rmat_like(scale: u32) -> Vec<ShardLoad> {
        let n_nodes = 1u64 << scale;
        let mut begin = 0;
        let shard = |i: u32| {
            let end = if i == 15 { n_nodes } else { (n_nodes >> (15 - i).min(9)) / 64 * 64 };
            let n_own = end - begin;
            begin = end;
            let n_arcs = n_nodes;
            let n_bytes = 8 * n_arcs + 12 * n_own + n_nodes / 5;
            ShardLoad { shard: ShardId(i), n_nodes: n_own, n_arcs, n_bytes }
        };
        (0..16).map(shard).collect()
    }

    fn allocated<const W: usize>(shards: &[ShardLoad], hand: &[ShardId]) -> u64 {
        let own = shards.iter().filter(|shard| hand.contains(&shard.shard));
        let nodes = own.map(|shard| NodeRange { begin: 0, end: shard.n_nodes as u32 });
        nodes.map(|nodes| ShardState::<W>::new(nodes).allocated_bytes()).sum()
    }

    #[test]
    fn who_is_held_back_is_counted_wherever_it_transmits() {
        let shards = rmat_like(15);
        let delayed = |rounds| Dynamics { delay: Delay::Constant(rounds), ..Dynamics::default() };
        let frontier = |rounds: u32, n_parts| {
            let dynamics = delayed(rounds);
            let mut shape = MemoryShape::in_cluster(&shards, 1);
            shape.dynamics = Some(&dynamics);
            footprints(shape, n_parts).iter().map(|of| of.frontier_bytes).sum::<u64>()
        };
        // An id and a mask a node, twice for lists that grow, in two batches in flight.
        let of_graph = 2 * 2 * (4 + 8) * (1 << 15);
        for n_parts in [1, 4] {
            let held = |rounds| frontier(rounds, n_parts) - frontier(1, n_parts);
            assert_eq!(held(2), n_parts as u64 * of_graph);
            assert_eq!(held(50), 2 * held(2));
        }
    }

    #[test]
    fn state_is_what_is_allocated() {
        for scale in [10, 15, 18] {
            let shards = rmat_like(scale);
            for n_parts in [1, 2, 3, 16, 20] {
                let hands = deal_shards(&shards, n_parts);
                let planned =
                    |lane_words| footprints(MemoryShape::in_cluster(&shards, lane_words), n_parts);
                for (hand, (one, four)) in hands.iter().zip(planned(1).iter().zip(planned(4))) {
                    assert_eq!(one.state_bytes, 2 * allocated::<1>(&shards, hand));
                    assert_eq!(four.state_bytes, 2 * allocated::<4>(&shards, hand));
                    assert_eq!(one.n_shards, hand.len());
                }
            }
        }
    }

    #[test]
    fn parts_hold_the_whole_once() {
        let shards = rmat_like(12);
        let shape = MemoryShape::in_cluster(&shards, 2);
        let sum = |n_parts: usize| {
            let all = footprints(shape, n_parts);
            let sum = |value: fn(&Footprint) -> u64| all.iter().map(value).sum::<u64>();
            (sum(|f| f.shard_bytes), sum(|f| f.state_bytes), sum(|f| f.frontier_bytes))
        };
        let alone = footprints(shape, 1)[0];
        assert_eq!(alone.exchange_bytes, 0);
        let by_node = 2 * dense_frontier_bytes(1 << 12, 2);
        let whole = (alone.shard_bytes, alone.state_bytes, alone.frontier_bytes - by_node);
        for n_parts in [2, 3, 5, 16] {
            assert_eq!(sum(n_parts), whole);
            assert!(footprints(shape, n_parts).iter().all(|part| part.exchange_bytes > 0));
        }
        assert_eq!(footprints(shape, 99).len(), 16);
        assert_eq!(largest_footprint(MemoryShape::in_cluster(&[], 1), 3), Footprint::default());
    }

    #[test]
    fn what_nodes_say_is_held_for_the_whole_graph() {
        let shards = rmat_like(12);
        let shape = MemoryShape::in_cluster(&shards, 2);
        let read = footprints(MemoryShape { node_bytes: 17, ..shape }, 3);
        for (with, without) in read.iter().zip(footprints(shape, 3)) {
            assert_eq!(with.list_bytes - without.list_bytes, 17 << 12);
        }
        // What is counted over channels is held where the arcs are: of two channels an in-degree a
        // node and a rank an arc, where nodes choose.
        let channel = |place| Channel {
            name: format!("channel-{place}"),
            place,
            probability: ArcProbability::Constant(0.1),
            delay: Delay::NextRound,
            audience: None,
        };
        let channels = [0, 1].map(channel).to_vec();
        let dynamics = Dynamics { channels, ..Dynamics::default() };
        let over = |chooses| {
            let shape = MemoryShape { dynamics: Some(&dynamics), chooses, ..shape };
            footprints(shape, 3).iter().map(|of| of.list_bytes).sum::<u64>()
        };
        let n_arcs = shards.iter().map(|shard| shard.n_arcs).sum::<u64>();
        assert_eq!(over(true) - over(false), 2 * 4 * (n_arcs + (1 << 12)));
    }

    #[test]
    fn every_worker_gets_four_batches() {
        assert_eq!(lane_words(1000, 1), 2);
        assert_eq!(lane_words(2048, 1), 8);
        assert_eq!(lane_words(2048, 0), 8);
        assert_eq!(lane_words(2047, 2), 2);
        assert_eq!(lane_words(1, 9), 1);
    }
}
