use super::*;

fn shards(n: u32) -> Vec<ShardLoad> {
    (0..n)
        .map(|i| ShardLoad { shard: ShardId(i), n_nodes: 640, n_arcs: 10_000, n_bytes: 100_000 })
        .collect()
}

fn workers(memory: &[u64]) -> Vec<WorkerInfo> {
    let worker = |(id, &memory_bytes)| WorkerInfo {
        worker: WorkerId(id),
        address: format!("w{id}"),
        memory_bytes,
    };
    (1..).zip(memory).map(worker).collect()
}

fn auto(shards: &[ShardLoad], memory: &[u64]) -> Result<Placement, Shortage> {
    let shape = MemoryShape::in_cluster(shards, 1);
    decide(shape, Placement::Auto, &workers(memory)).map(|decision| decision.placement)
}

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

#[test]
fn auto_takes_the_smallest_groups_that_memory_allows() {
    let shards = shards(16);
    let shape = MemoryShape::in_cluster(&shards, 1);
    let of = |parts: usize| largest_footprint(shape, parts).total_bytes();
    assert_eq!(auto(&shards, &[of(1); 4]), Ok(Placement::Replicate));
    assert_eq!(auto(&shards, &[of(2); 2]), Ok(Placement::Partition));
    let hybrid = |replicas, parts| Ok(Placement::Hybrid { replicas, parts });
    assert_eq!(auto(&shards, &[of(2); 4]), hybrid(2, 2));
    assert_eq!(auto(&shards, &[of(2); 7]), hybrid(3, 2));
    assert_eq!(auto(&shards, &[of(4); 6]), Ok(Placement::Partition), "one group, widened to all");
    assert_eq!(auto(&shards, &[of(2), of(2), 10]), Ok(Placement::Partition));
    assert_eq!(auto(&shards, &[of(1), of(1), of(1), 10]), Ok(Placement::Replicate));
}

/// Whoever is alone lays all lists side by side; a group has none, and may need less than its part of
/// that.
#[test]
fn what_only_one_alone_needs_keeps_no_group_from_forming() {
    let shards: Vec<ShardLoad> = shards(16)
        .into_iter()
        .map(|shard| ShardLoad { n_arcs: 1 << 20, n_bytes: 1 << 22, ..shard })
        .collect();
    let shape = MemoryShape::in_cluster(&shards, 1);
    let of = |parts: usize| largest_footprint(shape, parts).total_bytes();
    assert!(of(2) < of(1) / 2);
    assert_eq!(auto(&shards, &[of(2); 2]), Ok(Placement::Partition));
    assert!(decide(shape, Placement::Partition, &workers(&[of(2); 2])).is_ok());
}

#[test]
fn a_job_that_fits_nowhere_is_refused_with_the_sum() {
    let shards = shards(16);
    let shape = MemoryShape::in_cluster(&shards, 1);
    let needed = largest_footprint(shape, 3).total_bytes();
    let asked = decide(shape, Placement::Auto, &workers(&[needed - 1; 3]));
    let text = asked.unwrap_err().to_string();
    for part in [format!("{needed} bytes"), format!("{}", needed - 1), "--memory".to_owned()] {
        assert!(text.contains(&part), "{text}");
    }
    assert!(auto(&shards, &[needed; 3]).is_ok());
    assert!(decide(shape, Placement::Replicate, &workers(&[needed; 3])).is_err());
    let hybrid = Placement::Hybrid { replicas: 2, parts: 3 };
    assert!(decide(shape, hybrid, &workers(&[needed; 3])).is_ok(), "one of its groups fits");
}

#[test]
fn batches_are_narrowed_until_the_job_fits() {
    let shards = shards(16);
    let of = |words| largest_footprint(MemoryShape::in_cluster(&shards, words), 2).total_bytes();
    let fitting = |memory: u64, widest| {
        let shape = MemoryShape::in_cluster(&shards, widest);
        fitting_lane_words(shape, Placement::Partition, &workers(&[memory; 2]))
    };
    assert_eq!([fitting(of(8), 8), fitting(of(8) - 1, 8), fitting(of(2), 8)], [8, 4, 2]);
    assert_eq!([fitting(of(8), 2), fitting(of(1) - 1, 8)], [2, 1]);
    assert_eq!(fitting_lane_words(MemoryShape::in_cluster(&shards, 8), Placement::Auto, &[]), 8);
}

#[test]
fn the_worker_with_more_memory_gets_the_larger_share() {
    let mut shards = shards(2);
    shards[1].n_bytes *= 10;
    let shape = MemoryShape::in_cluster(&shards, 1);
    let (light, heavy) =
        (footprint_of(shape, &[ShardId(0)], 2), footprint_of(shape, &[ShardId(1)], 2));
    let memory = [light.total_bytes(), heavy.total_bytes()];
    for order in [[0, 1], [1, 0]] {
        let workers = workers(&order.map(|i| memory[i]));
        let formed = groups(shape, Placement::Partition, &workers, 0);
        let of_heavy = formed[0].iter().find(|member| member.shards == [ShardId(1)]).unwrap();
        let largest = workers.iter().max_by_key(|info| info.memory_bytes).unwrap();
        assert_eq!(of_heavy.worker, largest.worker);
    }
}
