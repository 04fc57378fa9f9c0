//! Who is active in round 0.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use roaring::RoaringBitmap;

use crate::coin::{self, Purpose};
use crate::dynamics::{NoColumns, NodeColumns, Selector, TraitError, select};
use crate::ids::NodeId;
use crate::spec::{OriginalId, SeedSpec};

/// What planning a job reads of a graph: degrees and ids, never arcs.
pub trait NodeDirectory {
    /// The number of nodes.
    fn n_nodes(&self) -> u32;

    /// The out-degree of every node, by dense id.
    fn out_degrees(&self) -> &[u32];

    /// The in-degree of every node, by dense id.
    fn in_degrees(&self) -> &[u32];

    /// A node whose in-arcs' weights in the arc column sum to more than 1, if there is one.
    fn overweight_node(&self) -> Option<OriginalId> {
        None
    }

    /// The columns of the nodes.
    fn columns(&self) -> &dyn NodeColumns {
        &NoColumns
    }

    /// The names of the channels that arcs belong to.
    fn channels(&self) -> &[String] {
        &[]
    }

    /// The id that the input gave a node.
    fn original(&self, node: NodeId) -> OriginalId;

    /// The node that the input called `original`. Where ids are numbers, a name that reads as
    /// one with zeros before it is that number; where ids are names, a number is its digits.
    fn find(&self, original: &OriginalId) -> Option<NodeId>;

    /// Every dense id once, by ascending original id: numbers by value, names bytewise.
    fn by_original(&self) -> &[u32];
}

/// The seeds of a job in dense ids.
#[derive(Clone, Debug, PartialEq)]
pub enum SeedPlan {
    /// The same set in every simulation.
    Fixed(RoaringBitmap),
    /// A set of so many distinct nodes, drawn anew for every simulation.
    RandomEach(u32),
}

impl SeedPlan {
    /// The seeds of simulation `simulation` in a job with `seed` on `n_nodes` nodes, in
    /// no particular order. `push` is 0 for the job's first seeds; every later push has a number of
    /// its own, so that it draws others.
    #[must_use]
    pub fn of_simulation(
        &self,
        seed: u64,
        simulation: u64,
        n_nodes: u32,
        push: u32,
    ) -> Vec<NodeId> {
        match self {
            Self::Fixed(nodes) => nodes.iter().map(NodeId).collect(),
            Self::RandomEach(count) => {
                draw_distinct(*count, n_nodes, coin::simulation_key(seed, simulation), push)
            }
        }
    }
}

/// Turns what a person asked for into the seeds of push number `push`, chosen of those whom each of
/// `eligible` selects.
///
/// # Errors
/// [`SeedError`] when a seed is unknown or more are asked for than there are nodes.
pub fn resolve<'a>(
    spec: &SeedSpec,
    seed: u64,
    graph: &impl NodeDirectory,
    push: u32,
    eligible: impl IntoIterator<Item = &'a Selector>,
) -> Result<SeedPlan, SeedError> {
    let selections = eligible.into_iter();
    let mut selections =
        selections.map(|selector| select(selector, graph.n_nodes(), graph.columns()));
    let eligible = match selections.next() {
        None => None,
        Some(first) => Some(selections.try_fold(first?, |all, selected| {
            selected.map(|selected| all.iter().zip(&selected).map(|(all, of)| all & of).collect())
        })?),
    };
    let eligible = eligible.map(Eligible::new);
    let n_nodes = eligible.as_ref().map_or(graph.n_nodes(), Eligible::count);
    let at_most_all = |count: u64| {
        u32::try_from(count)
            .ok()
            .filter(|&count| count <= n_nodes)
            .ok_or(SeedError::MoreThanNodes { count, n_nodes })
    };
    let nodes = match spec {
        SeedSpec::TopDegree(count) => top_degree_of(at_most_all(*count)?, graph, eligible.as_ref()),
        SeedSpec::Random(count) => {
            let places = draw_distinct(at_most_all(*count)?, n_nodes, coin::job_key(seed), push);
            match &eligible {
                None => places,
                Some(eligible) => places.into_iter().map(|place| eligible.node(place)).collect(),
            }
        }
        SeedSpec::RandomEach(_) if eligible.is_some() => return Err(SeedError::EachOfSome),
        SeedSpec::RandomEach(count) => return Ok(SeedPlan::RandomEach(at_most_all(*count)?)),
        SeedSpec::Ids(ids) => ids
            .iter()
            .map(|id| graph.find(id).ok_or_else(|| SeedError::UnknownNode { id: id.clone() }))
            .collect::<Result<_, _>>()?,
        SeedSpec::File(path) => return Err(SeedError::UnreadFile { path: path.clone() }),
    };
    Ok(SeedPlan::Fixed(nodes.into_iter().map(|node| node.0).collect()))
}

/// The `count` nodes of highest out-degree, ties by smaller original id. O(n log count).
#[must_use]
pub fn top_degree(count: u32, graph: &impl NodeDirectory) -> Vec<NodeId> {
    top_degree_of(count, graph, None)
}

fn top_degree_of(
    count: u32,
    graph: &impl NodeDirectory,
    eligible: Option<&Eligible>,
) -> Vec<NodeId> {
    let out_degrees = graph.out_degrees();
    let mut best = BinaryHeap::with_capacity(count as usize + 1);
    // Ascending ranks stand for the ids themselves: a name need not be looked at.
    let may_be = |node: u32| eligible.is_none_or(|eligible| eligible.is_in(NodeId(node)));
    for (rank, &node) in (0u32..).zip(graph.by_original()).filter(|(_, node)| may_be(**node)) {
        let degree = out_degrees[node as usize];
        let worst_kept: Option<&Reverse<(u32, Reverse<u32>, NodeId)>> = best.peek();
        if best.len() == count as usize && worst_kept.is_none_or(|worst| degree <= worst.0.0) {
            continue;
        }
        best.push(Reverse((degree, Reverse(rank), NodeId(node))));
        if best.len() > count as usize {
            best.pop();
        }
    }
    best.into_sorted_vec().into_iter().map(|Reverse((_, _, node))| node).collect()
}

/// The nodes that may be chosen as seeds.
#[derive(Debug)]
struct Eligible {
    is_in: Vec<bool>,
    nodes: Vec<NodeId>,
}

impl Eligible {
    fn new(is_in: Vec<bool>) -> Self {
        let nodes = (0..).map(NodeId).zip(&is_in).filter(|(_, is_in)| **is_in);
        Self { nodes: nodes.map(|(node, _)| node).collect(), is_in }
    }

    fn count(&self) -> u32 {
        // Ids are `u32`.
        self.nodes.len() as u32
    }

    fn is_in(&self, node: NodeId) -> bool {
        self.is_in[node.index()]
    }

    /// The one at `place`.
    fn node(&self, place: NodeId) -> NodeId {
        self.nodes[place.index()]
    }
}

/// `count` distinct nodes of `n_nodes` by a Fisher–Yates shuffle whose swaps are draws of `key`.
fn draw_distinct(count: u32, n_nodes: u32, key: u64, push: u32) -> Vec<NodeId> {
    let mut moved: HashMap<u32, u32> = HashMap::with_capacity(count as usize);
    let mut drawn = Vec::with_capacity(count as usize);
    for position in 0..count {
        let remaining = u64::from(n_nodes - position);
        let number = u64::from(push) << 32 | u64::from(position);
        let uniform = coin::uniform(coin::numbered_item(number, Purpose::Seeds), key);
        let chosen = position + ((u64::from(uniform) * remaining) >> 32) as u32;
        let node = moved.get(&chosen).copied().unwrap_or(chosen);
        let displaced = moved.get(&position).copied().unwrap_or(position);
        moved.insert(chosen, displaced);
        drawn.push(NodeId(node));
    }
    drawn
}

/// Why there are no such seeds.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SeedError {
    /// A seed does not occur in the graph.
    #[error("seed {id} is not a node of the graph: seeds are the ids of the graph's input file")]
    UnknownNode {
        /// The id as given.
        id: OriginalId,
    },
    /// More seeds than nodes that may be one.
    #[error("{count} seeds were asked for, there are {n_nodes} nodes to choose from")]
    MoreThanNodes {
        /// Seeds asked for.
        count: u64,
        /// Those nodes.
        n_nodes: u32,
    },
    /// A new set for every simulation, of some nodes only.
    #[error(
        "`random_each` draws from all nodes: with `audience.seeds`, use `random` or `top_degree`"
    )]
    EachOfSome,
    /// The nodes' columns do not say who may be a seed.
    #[error(transparent)]
    Traits(#[from] TraitError),
    /// A seed file must be read where the spec is, before the job starts.
    #[error("seed file {path} was not read before the job started")]
    UnreadFile {
        /// The file.
        path: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::Value;

    /// Degrees by dense id; original ids descend from 1000.
    struct Degrees {
        degrees: Vec<u32>,
        by_original: Vec<u32>,
    }

    impl Degrees {
        fn new(degrees: Vec<u32>) -> Self {
            let by_original = (0..degrees.len() as u32).rev().collect();
            Self { degrees, by_original }
        }
    }

    impl NodeDirectory for Degrees {
        fn n_nodes(&self) -> u32 {
            self.degrees.len() as u32
        }
        fn out_degrees(&self) -> &[u32] {
            &self.degrees
        }
        fn in_degrees(&self) -> &[u32] {
            &self.degrees
        }
        fn original(&self, node: NodeId) -> OriginalId {
            OriginalId::Number(1000 - u64::from(node.0))
        }
        fn find(&self, original: &OriginalId) -> Option<NodeId> {
            let OriginalId::Number(number) = original else { return None };
            let node = 1000u64.checked_sub(*number)? as u32;
            (node < self.n_nodes()).then_some(NodeId(node))
        }
        fn by_original(&self) -> &[u32] {
            &self.by_original
        }
        fn columns(&self) -> &dyn NodeColumns {
            &OddOrEven
        }
    }

    #[test]
    fn top_degree_breaks_ties_by_original_id() {
        let graph = Degrees::new(vec![3, 9, 3, 3, 0]);
        assert_eq!(top_degree(3, &graph), [NodeId(1), NodeId(3), NodeId(2)]);
        assert_eq!(top_degree(0, &graph), []);
        assert_eq!(top_degree(5, &graph).len(), 5);
    }

    /// Whose id is odd, and the id as a number.
    struct OddOrEven;

    impl NodeColumns for OddOrEven {
        fn find(&self, name: &str) -> Option<usize> {
            ["odd", "id"].iter().position(|known| *known == name)
        }

        fn value(&self, place: usize, NodeId(node): NodeId) -> Value<'_> {
            if place == 0 { Value::Bool(node % 2 == 1) } else { Value::Number(node.into()) }
        }

        fn categories(&self, _place: usize) -> Option<Vec<String>> {
            None
        }
    }

    #[test]
    fn seeds_are_chosen_of_whom_all_select() {
        let graph = Degrees::new(vec![3, 9, 3, 8, 0, 7, 9, 2]);
        let selector = |column: &str| Selector {
            column: column.to_owned(),
            one_of: None,
            min: None,
            max: None,
            is: None,
        };
        let odd = Selector { is: Some(true), ..selector("odd") };
        let late = Selector { min: Some(2.0), ..selector("id") };
        let resolved =
            |spec: SeedSpec, of: &[&Selector]| resolve(&spec, 1, &graph, 3, of.iter().copied());
        let fixed = |nodes: &[u32]| Ok(SeedPlan::Fixed(nodes.iter().collect()));
        assert_eq!(resolved(SeedSpec::TopDegree(2), &[]), fixed(&[1, 6]));
        assert_eq!(resolved(SeedSpec::TopDegree(2), &[&odd]), fixed(&[1, 3]));
        assert_eq!(resolved(SeedSpec::TopDegree(2), &[&odd, &late]), fixed(&[3, 5]));
        assert_eq!(resolved(SeedSpec::Random(3), &[&late, &odd]), fixed(&[3, 5, 7]));
        assert_eq!(
            resolved(SeedSpec::Random(4), &[&late, &odd]),
            Err(SeedError::MoreThanNodes { count: 4, n_nodes: 3 })
        );
    }

    #[test]
    fn random_seeds_are_distinct_and_uniform() {
        let mut hits = [0u32; 10];
        for simulation in 0..20_000 {
            let mut nodes = SeedPlan::RandomEach(3).of_simulation(1, simulation, 10, 0);
            nodes.sort_unstable();
            nodes.dedup();
            assert_eq!(nodes.len(), 3);
            nodes.iter().for_each(|node| hits[node.index()] += 1);
        }
        // 6,000 expected each; the standard deviation is 65.
        assert!(hits.iter().all(|&hit| (5_700..6_300).contains(&hit)), "{hits:?}");
        let all = SeedPlan::RandomEach(10).of_simulation(7, 3, 10, 0);
        assert_eq!(all.iter().map(|node| node.0).collect::<RoaringBitmap>().len(), 10);
    }

    #[test]
    fn unknown_and_too_many_seeds_are_refused() {
        let graph = Degrees::new(vec![1, 2]);
        let unknown = SeedSpec::Ids(vec![OriginalId::Number(5)]);
        assert_eq!(
            resolve(&unknown, 1, &graph, 0, []),
            Err(SeedError::UnknownNode { id: OriginalId::Number(5) })
        );
        assert!(matches!(
            resolve(&SeedSpec::Random(3), 1, &graph, 0, []),
            Err(SeedError::MoreThanNodes { count: 3, n_nodes: 2 })
        ));
    }
}
