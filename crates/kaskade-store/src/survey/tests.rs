//! Surveys against plain answers.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::tests::fixture::{Input, inputs, tiny};
use crate::{ShardSelection, Verify, Views};

/// Component sizes by flooding, one node after the other.
fn component_sizes(input: &Input) -> Vec<u64> {
    let mut neighbours = vec![Vec::new(); input.n_nodes as usize];
    for &(target, source) in input.arcs.keys() {
        neighbours[target as usize].push(source);
        neighbours[source as usize].push(target);
    }
    let mut seen = vec![false; neighbours.len()];
    let mut sizes = Vec::new();
    for start in 0..neighbours.len() {
        let mut open = vec![start as u32];
        let mut size = 0;
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node as usize], true) {
                size += 1;
                open.extend(&neighbours[node as usize]);
            }
        }
        if size > 0 {
            sizes.push(size);
        }
    }
    sizes
}

fn opened(input: &Input, n_shards: u32, views: Views) -> (tempfile::TempDir, Graph) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("surveyed.kg");
    input.write(&dir, n_shards, views).unwrap();
    let graph = Graph::open(&dir, ShardSelection::All, Verify::Full, &|_, _| {}).unwrap();
    (folder, graph)
}

const ALL_VIEWS: [Views; 3] = [Views::Both, Views::Out, Views::In];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn surveys_match_plain_answers(input in inputs(), n_shards in 1u32..5) {
        let arcs: BTreeSet<(u32, u32)> = input.arcs.keys().copied().collect();
        let n_reciprocal = arcs.iter().filter(|&&(v, u)| arcs.contains(&(u, v))).count() as u64;
        let sizes = component_sizes(&input);
        for views in ALL_VIEWS {
            let (_folder, graph) = opened(&input, n_shards, views);
            let found = survey(&graph, &|done, total| assert!(done <= total));
            prop_assert_eq!(found.n_reciprocal_arcs, n_reciprocal, "{}", views);
            prop_assert_eq!(found.n_components, sizes.len() as u64);
            let largest = sizes.iter().copied().max().unwrap_or(0);
            prop_assert_eq!(found.n_nodes_of_largest_component, largest);
            prop_assert_eq!(found.out_degrees.max, graph.manifest().max_out_degree);
            prop_assert_eq!(found.in_degrees.max, graph.manifest().max_in_degree);
            // Small groups: the arcs are read many times.
            let meter = ArcMeter { done: AtomicU64::new(0), total: u64::MAX, progress: &|_, _| {} };
            prop_assert_eq!(reciprocity::reciprocal_arcs(&graph, 7, &meter), n_reciprocal);
        }
    }

    #[test]
    fn neighbours_are_those_of_the_arcs(input in inputs(), n_shards in 1u32..5) {
        let (_folder, graph) = opened(&input, n_shards, Views::Both);
        for node in 0..input.n_nodes {
            let (mut sources, mut targets) = (Vec::new(), Vec::new());
            graph.append_sources(kaskade_model::NodeId(node), &mut sources);
            graph.append_targets(kaskade_model::NodeId(node), &mut targets);
            let into = input.arcs.range((node, 0)..(node + 1, 0)).map(|(&(_, source), _)| source);
            prop_assert!(sources.into_iter().eq(into));
            let from = input.arcs.keys().filter(|&&(_, source)| source == node);
            prop_assert!(targets.into_iter().eq(from.map(|&(target, _)| target)));
        }
    }
}

#[test]
fn tails_tell_the_orientation() {
    let star = |reverse: bool| {
        let arc = |leaf: u32| if reverse { ((0, leaf), 1.0) } else { ((leaf, 0), 1.0) };
        Input { n_nodes: 100, arcs: (1..100).map(arc).collect(), has_column: false, ..tiny() }
    };
    let tail = |input: &Input| {
        let (_folder, graph) = opened(input, 2, Views::Both);
        survey(&graph, &|_, _| {}).heavier_tail()
    };
    assert_eq!(tail(&star(false)), HeavierTail::Out);
    assert_eq!(tail(&star(true)), HeavierTail::In);
    assert_eq!(tail(&tiny()), HeavierTail::Neither);
    let empty = Input { n_nodes: 0, arcs: [].into(), has_column: false, ..tiny() };
    assert_eq!(tail(&empty), HeavierTail::Neither);
}

#[test]
fn sections_sum_to_the_files() {
    let (_folder, graph) = opened(&tiny(), 2, Views::Both);
    let sections = bytes_by_section(&graph);
    let sum: u64 = sections.iter().map(|section| section.bytes).sum();
    assert_eq!(sum, graph.manifest().total_bytes());
    let bytes = |name| sections.iter().find(|section| section.name == name).map(|s| s.bytes);
    assert_eq!(bytes("out-targets"), Some(4 * 6));
    assert_eq!(bytes("in-degrees"), Some(2 * 4 * 71), "in the nodes file and in the shards");
    assert_eq!(sections[0].name, "originals");
}
