use super::fraction::{Fraction, common_denominator};
use crate::{Arc, ArcList};

/// With which probability a simulation reaches how many nodes, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpreadDistribution {
    /// By spread, 0 to n: its probability times `denominator`.
    weights: Vec<u128>,
    denominator: u128,
}

impl SpreadDistribution {
    /// The expected spread σ.
    #[must_use]
    pub fn mean(&self) -> Fraction {
        let spreads = (0u128..).zip(&self.weights);
        Fraction::new(spreads.map(|(spread, weight)| spread * weight).sum(), self.denominator)
    }

    /// The probability of each spread, 0 to n.
    pub fn probabilities(&self) -> impl Iterator<Item = Fraction> + '_ {
        self.weights.iter().map(|&weight| Fraction::new(weight, self.denominator))
    }
}

/// The independent cascade on `graph` from `seeds`, by going through all 2^arcs sets of live
/// arcs.
///
/// # Panics
/// With more than 16 arcs, or when the product of all denominators exceeds 128 bits.
#[must_use]
pub fn independent_cascade(
    graph: &ArcList,
    probability: impl Fn(Arc) -> Fraction,
    seeds: &[u32],
) -> SpreadDistribution {
    assert!(graph.arcs().len() <= 16, "{} arcs are too many to enumerate", graph.arcs().len());
    let arcs = graph.arcs().iter().map(|&arc| {
        let Fraction { numerator, denominator } = probability(arc);
        Choice {
            denominator,
            options: vec![(numerator, Some(arc)), (denominator - numerator, None)],
        }
    });
    enumerate(graph.n_nodes(), &arcs.collect::<Vec<_>>(), seeds)
}

/// Linear threshold on `graph` from `seeds`, by going through every way in which each node
/// listens to one of its in-arcs or to none.
///
/// # Panics
/// When a node's weights exceed 1, or the product of all denominators exceeds 128 bits.
#[must_use]
pub fn linear_threshold(
    graph: &ArcList,
    weight: impl Fn(Arc) -> Fraction,
    seeds: &[u32],
) -> SpreadDistribution {
    let nodes = graph.in_arcs().into_iter().map(|in_arcs| {
        let arcs: Vec<Arc> = in_arcs.into_iter().map(|position| graph.arcs()[position]).collect();
        let denominator = common_denominator(arcs.iter().map(|&arc| weight(arc)));
        let numerator = |arc: Arc| weight(arc).numerator * (denominator / weight(arc).denominator);
        let sum: u128 = arcs.iter().map(|&arc| numerator(arc)).sum();
        let none = denominator.checked_sub(sum).expect("a node's weights sum to at most 1");
        let listens = arcs.into_iter().map(|arc| (numerator(arc), Some(arc)));
        Choice { denominator, options: listens.chain([(none, None)]).collect() }
    });
    enumerate(graph.n_nodes(), &nodes.collect::<Vec<_>>(), seeds)
}

/// One of several outcomes, independent of all other choices: its probability times
/// `denominator`, and the arc that is then live.
struct Choice {
    denominator: u128,
    options: Vec<(u128, Option<Arc>)>,
}

fn enumerate(n_nodes: u32, choices: &[Choice], seeds: &[u32]) -> SpreadDistribution {
    let factors = choices.iter().map(|choice| choice.denominator);
    let denominator = factors.reduce(|a, b| a.checked_mul(b).expect("denominators fit 128 bits"));
    let mut distribution = SpreadDistribution {
        weights: vec![0; n_nodes as usize + 1],
        denominator: denominator.unwrap_or(1),
    };
    go_through(choices, 1, &mut Vec::new(), &mut |weight, live| {
        distribution.weights[reach(n_nodes, live, seeds)] += weight;
    });
    let total: u128 = distribution.weights.iter().sum();
    assert_eq!(total, distribution.denominator, "probabilities sum to 1");
    distribution
}

fn go_through(
    choices: &[Choice],
    weight: u128,
    live: &mut Vec<Arc>,
    visit: &mut impl FnMut(u128, &[Arc]),
) {
    let Some((choice, rest)) = choices.split_first() else {
        return visit(weight, live);
    };
    for &(option_weight, arc) in &choice.options {
        if option_weight > 0 {
            live.extend(arc);
            go_through(rest, weight * option_weight, live, visit);
            live.truncate(live.len() - usize::from(arc.is_some()));
        }
    }
}

/// The number of nodes that `seeds` reach over the arcs `live`.
fn reach(n_nodes: u32, live: &[Arc], seeds: &[u32]) -> usize {
    let mut is_active = vec![false; n_nodes as usize];
    seeds.iter().for_each(|&seed| is_active[seed as usize] = true);
    loop {
        let newly = |arc: &&Arc| is_active[arc.source as usize] && !is_active[arc.target as usize];
        let Some(arc) = live.iter().find(newly) else {
            return is_active.iter().filter(|&&active| active).count();
        };
        is_active[arc.target as usize] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn two_arcs_by_hand() {
        let half = |_| Fraction::new(1, 2);
        let path = independent_cascade(&fixtures::path(3), half, &[0]);
        let expected = [(0, 1), (1, 2), (1, 4), (1, 4)].map(|(n, d)| Fraction::new(n, d));
        assert!(path.probabilities().eq(expected));
        assert_eq!(path.mean(), Fraction::new(7, 4));
        // The centre listens to source 1, source 2 or neither.
        let weight = |arc: Arc| Fraction::new(arc.source.into(), 6);
        let star = linear_threshold(&fixtures::in_star(2), weight, &[2]);
        assert_eq!(star.mean(), Fraction::new(4, 3));
    }
}
