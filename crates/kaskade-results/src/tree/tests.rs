use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A forest whose node `i` has parent `parents[i]`, one of those before it.
fn form(parents: &[Option<u32>]) -> Form {
    let activations: Vec<_> = (0..)
        .zip(parents)
        .map(|(node, &parent)| Activation { simulation: 0, round: node, node, parent })
        .collect();
    Form::of(&activations, &mut Scratch::new(parents.len()))
}

/// A tree in which the parent of node `i`, from 1 on, is `parent(i)`.
fn tree(n_nodes: u32, parent: impl Fn(u32) -> u32) -> Form {
    let parents: Vec<_> = (0..n_nodes).map(|i| (i > 0).then(|| parent(i))).collect();
    form(&parents)
}

fn assert_close(found: Option<f64>, expected: f64) {
    let found = found.expect("there are pairs");
    assert!((found - expected).abs() < 1e-12 * expected.max(1.0), "{found} is not {expected}");
}

#[test]
fn closed_forms_of_paths_and_stars() {
    for n in [2u32, 3, 10, 1000] {
        let path = tree(n, |i| i - 1);
        assert_close(path.virality(), f64::from(n + 1) / 3.0);
        assert_eq!((path.depth, path.breadth(), path.first_hand()), (n - 1, 1, 1));
        let star = tree(n, |_| 0);
        assert_close(star.virality(), 2.0 * f64::from(n - 1) / f64::from(n));
        assert_eq!(
            (star.depth, star.breadth(), star.kind()),
            (1, u64::from(n - 1), Kind::Broadcast)
        );
    }
    assert_close(tree(10, |i| i - 1).virality(), 11.0 / 3.0);
    assert_close(tree(10, |_| 0).virality(), 1.8);
    assert_eq!(tree(1000, |i| i - 1).kind(), Kind::Viral);
}

#[test]
fn closed_forms_of_complete_trees() {
    assert!((tree(7, |i| (i - 1) / 2).virality().unwrap() - 2.285_714).abs() < 1e-6);
    assert!((tree(15, |i| (i - 1) / 2).virality().unwrap() - 3.504_762).abs() < 1e-6);
    for k in [2u64, 3, 5] {
        for height in 1..=5u32 {
            let of_height = |height: u32| (0..=height).map(|h| k.pow(h)).sum::<u64>();
            let n = of_height(height);
            let complete = tree(n as u32, |i| ((u64::from(i) - 1) / k) as u32);
            // k^d nodes at depth d, each with a complete tree of height h - d below it.
            let arcs = (1..=height).map(|d| (k.pow(d), of_height(height - d)));
            let distances: u64 = arcs.map(|(count, below)| count * below * (n - below)).sum();
            assert_eq!(complete.distances, u128::from(distances));
            assert_eq!((complete.depth, complete.breadth()), (height, k.pow(height)));
        }
    }
}

#[test]
fn a_star_of_paths_and_a_caterpillar() {
    // Arms of length l at a hub: pairs in one arm, hub to arm, and between arms.
    let (arms, length) = (4u64, 6u64);
    let spider = tree(1 + (arms * length) as u32, |i| if (i - 1) % 6 == 0 { 0 } else { i - 1 });
    let within = (length - 1) * length * (length + 1) / 6;
    let to_hub = length * (length + 1) / 2;
    let between = arms * (arms - 1) / 2 * length * length * (length + 1);
    assert_eq!(spider.distances, u128::from(arms * (within + to_hub) + between));
    // A spine of n nodes with a leaf each: between places i and j are |i - j| + 0, 1, 1, 2 steps.
    let n = 9u64;
    let parent = |i: u32| if i < 9 { i - 1 } else { i - 9 };
    let caterpillar = tree(18, parent);
    let spine = (n - 1) * n * (n + 1) / 6;
    let expected = 4 * spine + 4 * n * (n - 1) / 2 + n;
    assert_eq!(caterpillar.distances, u128::from(expected));
}

#[test]
fn a_forest_weighs_its_trees_by_pairs() {
    // A path of three, a pair, and a seed alone.
    let forest = form(&[None, None, None, Some(0), Some(1), Some(3)]);
    assert_eq!((forest.trees, forest.pairs, forest.distances), (3, 3 + 1, 4 + 1));
    assert_eq!(forest.by_depth, [3, 2, 1]);
    assert_close(forest.virality(), 1.25);
    let silent = form(&[None, None]);
    assert_eq!((silent.virality(), silent.kind(), silent.breadth()), (None, Kind::Silent, 2));
    assert_eq!(Form::of(&[], &mut Scratch::new(0)), Form::default());
}

/// Distances by breadth-first search from every node.
fn naive(parents: &[Option<u32>]) -> (u128, u128) {
    let mut neighbours = vec![Vec::new(); parents.len()];
    for (node, parent) in parents.iter().enumerate() {
        if let Some(parent) = *parent {
            neighbours[node].push(parent as usize);
            neighbours[parent as usize].push(node);
        }
    }
    let (mut pairs, mut sum) = (0, 0);
    for from in 0..parents.len() {
        let mut distances = vec![None; parents.len()];
        distances[from] = Some(0u128);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for &next in &neighbours[at] {
                if distances[next].is_none() {
                    distances[next] = distances[at].map(|distance| distance + 1);
                    queue.push_back(next);
                }
            }
        }
        let reached = distances.iter().enumerate().filter(|(to, _)| *to != from);
        for distance in reached.filter_map(|(_, distance)| *distance) {
            pairs += 1;
            sum += distance;
        }
    }
    (pairs / 2, sum / 2)
}

proptest! {
    #[test]
    fn any_forest_is_as_a_search_from_every_node_finds(
        draws in prop::collection::vec(any::<(u32, bool)>(), 1..60),
    ) {
        let parents: Vec<_> = (0u32..)
            .zip(&draws)
            .map(|(node, &(draw, is_root))| (node > 0 && (!is_root || draw % 4 > 0)).then(|| draw % node))
            .collect();
        let form = form(&parents);
        prop_assert_eq!((form.pairs, form.distances), naive(&parents));
        prop_assert_eq!(form.by_depth.iter().sum::<u64>(), parents.len() as u64);
        prop_assert_eq!(form.by_depth.len(), form.depth as usize + 1);
    }
}
