//! The shapes of the traced cascades: broadcast or viral, deep or broad.

use serde::{Deserialize, Serialize};

use crate::cascades::Cascades;
use crate::course::Figure;
use crate::tree::{Form, Kind, Scratch};

/// The shapes of a job's traced cascades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Traced simulations.
    pub simulations: u64,
    /// Nodes of a cascade, its seeds and those who do not count among them.
    pub size: Figure,
    /// Hops from a seed to the node farthest from it.
    pub depth: Figure,
    /// The most nodes at one number of hops.
    pub breadth: Figure,
    /// The mean distance between two nodes of one seed's tree; `null` where nobody passed it on in
    /// any simulation.
    pub virality: Option<Virality>,
    /// The share of those reached who heard it from a seed; `null` where nobody was.
    pub first_hand: Option<f64>,
    /// Simulations by kind.
    pub kinds: Kinds,
    /// Nodes by hops from their seed, up to 999.
    pub by_depth: Vec<Generation>,
    /// Simulations by size, so that cascades of one size can be compared.
    pub by_size: Vec<SizeClass>,
    /// The digest of who passed it to whom ([`Cascades::digest`]).
    pub digest: String,
}

/// Structural virality over simulations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Virality {
    /// Simulations in which somebody passed it on, of which the others are.
    pub simulations: u64,
    /// The mean over simulations; of each the mean over all pairs of nodes in one tree.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The largest.
    pub max: f64,
    /// The mean over all pairs of all simulations.
    pub over_pairs: f64,
}

/// Simulations by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds {
    /// Nobody passed it on.
    pub silent: u64,
    /// At least half of those reached heard it from a seed.
    pub broadcast: u64,
    /// More than half heard it from somebody who had heard it.
    pub viral: u64,
}

/// Nodes at one number of hops from their seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// The hops.
    pub depth: u32,
    /// The nodes of a simulation.
    pub nodes: Figure,
}

/// Simulations whose sizes lie between two powers of 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeClass {
    /// The smallest size of the class, a power of 2.
    pub from: u64,
    /// The largest.
    pub to: u64,
    /// Simulations.
    pub simulations: u64,
    /// The mean depth.
    pub mean_depth: f64,
    /// The mean breadth.
    pub mean_breadth: f64,
    /// The mean structural virality of those in which somebody passed it on.
    pub mean_virality: Option<f64>,
}

impl Shape {
    /// The shape of `cascades`. O(activations + simulations · (depth + log simulations)).
    #[must_use]
    pub fn of(cascades: &Cascades) -> Self {
        let mut scratch = Scratch::new(cascades.names().len());
        let forms = cascades.by_simulation().map(|of| Form::of(of, &mut scratch));
        let forms: Vec<Form> = forms.collect();
        let figure = |value: fn(&Form) -> u64| Figure::of(forms.iter().map(value).collect());
        let mut kinds = Kinds::default();
        for form in &forms {
            match form.kind() {
                Kind::Silent => kinds.silent += 1,
                Kind::Broadcast => kinds.broadcast += 1,
                Kind::Viral => kinds.viral += 1,
            }
        }
        let sum = |value: fn(&Form) -> u64| forms.iter().map(value).sum::<u64>();
        let passed = sum(|form| form.size - form.trees);
        Self {
            simulations: forms.len() as u64,
            size: figure(|form| form.size),
            depth: figure(|form| form.depth.into()),
            breadth: figure(Form::breadth),
            virality: Virality::of(&forms),
            first_hand: (passed > 0).then(|| sum(Form::first_hand) as f64 / passed as f64),
            kinds,
            by_depth: generations(&forms),
            by_size: size_classes(&forms),
            digest: cascades.digest().to_owned(),
        }
    }
}

/// How far two jobs' cascades of the same sizes differ, the other less the baseline: means over the
/// classes of [`Shape::by_size`] that both have, each with the smaller number of its simulations as
/// its weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchedShape {
    /// The sum of the weights.
    pub simulations: u64,
    /// The difference in depth.
    pub depth: f64,
    /// The difference in breadth.
    pub breadth: f64,
    /// The difference in structural virality; `null` where no class has one in both.
    pub virality: Option<f64>,
}

impl MatchedShape {
    /// `other` beside `baseline`; none where they have no size in common.
    #[must_use]
    pub fn of(baseline: &Shape, other: &Shape) -> Option<Self> {
        let partner = |class: &SizeClass| other.by_size.iter().find(|of| of.from == class.from);
        let classes = baseline.by_size.iter();
        let matched: Vec<_> = classes.filter_map(|class| Some((class, *partner(class)?))).collect();
        let weight =
            |(one, other): &(&SizeClass, SizeClass)| one.simulations.min(other.simulations);
        let mean = |value: fn(&SizeClass) -> Option<f64>| {
            let (mut sum, mut weights) = (0.0, 0);
            for pair in &matched {
                if let (Some(one), Some(other)) = (value(pair.0), value(&pair.1)) {
                    sum += weight(pair) as f64 * (other - one);
                    weights += weight(pair);
                }
            }
            (weights > 0).then(|| sum / weights as f64)
        };
        Some(Self {
            simulations: matched.iter().map(weight).sum(),
            depth: mean(|class| Some(class.mean_depth))?,
            breadth: mean(|class| Some(class.mean_breadth))?,
            virality: mean(|class| class.mean_virality),
        })
    }
}

impl Virality {
    fn of(forms: &[Form]) -> Option<Self> {
        let mut values: Vec<f64> = forms.iter().filter_map(Form::virality).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let n = values.len();
        let distances: u128 = forms.iter().map(|form| form.distances).sum();
        let pairs: u128 = forms.iter().map(|form| form.pairs).sum();
        Some(Self {
            simulations: n as u64,
            mean: values.iter().sum::<f64>() / n as f64,
            min,
            // As all quantiles: the smallest value that half of them do not exceed.
            median: values[n.div_ceil(2) - 1],
            max,
            over_pairs: distances as f64 / pairs as f64,
        })
    }
}

/// Deeper generations are not listed.
const MAX_GENERATIONS: usize = 1000;

fn generations(forms: &[Form]) -> Vec<Generation> {
    let deepest = forms.iter().map(|form| form.by_depth.len()).max().unwrap_or(0);
    let deepest = deepest.min(MAX_GENERATIONS);
    // A cascade that is less deep has nobody there.
    let at = |form: &Form, depth: usize| form.by_depth.get(depth).copied().unwrap_or(0);
    let generation = |depth: usize| Generation {
        depth: depth as u32,
        nodes: Figure::of(forms.iter().map(|form| at(form, depth)).collect()),
    };
    (0..deepest).map(generation).collect()
}

fn size_classes(forms: &[Form]) -> Vec<SizeClass> {
    let class_of = |form: &Form| form.size.max(1).ilog2();
    let largest = forms.iter().map(class_of).max().unwrap_or(0);
    let class = |class: u32| {
        let of: Vec<&Form> = forms.iter().filter(|form| class_of(form) == class).collect();
        let mean = |sum: f64, n: usize| sum / n as f64;
        let virality: Vec<f64> = of.iter().filter_map(|form| form.virality()).collect();
        (!of.is_empty()).then(|| SizeClass {
            from: 1 << class,
            to: u64::MAX >> (63 - class),
            simulations: of.len() as u64,
            mean_depth: mean(of.iter().map(|form| f64::from(form.depth)).sum(), of.len()),
            mean_breadth: mean(of.iter().map(|form| form.breadth() as f64).sum(), of.len()),
            mean_virality: (!virality.is_empty())
                .then(|| mean(virality.iter().sum(), virality.len())),
        })
    };
    (0..=largest).filter_map(class).collect()
}

#[cfg(test)]
mod tests {
    use kaskade_model::recording::TracedActivation;
    use kaskade_model::spec::OriginalId;

    use super::*;

    /// Simulations 0, 1, …, each with the parents of its nodes 0, 1, ….
    pub(crate) fn cascades(forests: &[&[Option<u32>]]) -> Cascades {
        let trace: Vec<_> = (0u64..)
            .zip(forests)
            .flat_map(|(simulation, parents)| {
                (0..).zip(*parents).map(move |(node, &parent)| {
                    (simulation, TracedActivation { place: 0, round: node, node, parent })
                })
            })
            .collect();
        let trace = trace.iter().map(|(simulation, of)| (*simulation, of));
        Cascades::collect(trace, |node| OriginalId::from(u64::from(node.0)))
    }

    #[test]
    fn shapes_are_told_apart() {
        let star = [None, Some(0), Some(0), Some(0)];
        let path = [None, Some(0), Some(1), Some(2)];
        let alone = [None, None];
        let shape = Shape::of(&cascades(&[&star, &path, &alone]));
        assert_eq!(shape.kinds, Kinds { silent: 1, broadcast: 1, viral: 1 });
        assert_eq!((shape.simulations, shape.size.quantiles.p50), (3, 4));
        assert_eq!((shape.depth.quantiles.p95, shape.breadth.quantiles.p95), (3, 3));
        let virality = shape.virality.unwrap();
        assert_eq!((virality.simulations, virality.min, virality.max), (2, 1.5, 5.0 / 3.0));
        assert_eq!((virality.median, virality.over_pairs), (1.5, 19.0 / 12.0));
        assert_eq!(shape.first_hand, Some(4.0 / 6.0));
        let means: Vec<_> = shape.by_depth.iter().map(|of| of.nodes.mean).collect();
        assert_eq!(means, [4.0 / 3.0, 4.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);
        let classes: Vec<_> =
            shape.by_size.iter().map(|of| (of.from, of.to, of.simulations)).collect();
        assert_eq!(classes, [(2, 3, 1), (4, 7, 2)]);
        assert_eq!(shape.by_size[0].mean_virality, None);
        assert_eq!(shape.by_size[1].mean_depth, 2.0);
    }

    #[test]
    fn cascades_of_one_size_are_compared() {
        let star = [None, Some(0), Some(0), Some(0)];
        let path = [None, Some(0), Some(1), Some(2)];
        let (pair, alone) = ([None, Some(0)], [None]);
        let stars = Shape::of(&cascades(&[&star, &star, &star, &alone]));
        let paths = Shape::of(&cascades(&[&path, &path, &pair, &alone]));
        let matched = MatchedShape::of(&stars, &paths).unwrap();
        // Two of four nodes and one of one.
        assert_eq!(matched.simulations, 3);
        assert_eq!((matched.depth, matched.breadth), (2.0 * 2.0 / 3.0, -2.0 * 2.0 / 3.0));
        assert!((matched.virality.unwrap() - 1.0 / 6.0).abs() < 1e-12);
        assert_eq!(MatchedShape::of(&stars, &Shape::of(&cascades(&[&pair]))), None);
    }

    #[test]
    fn a_job_in_which_nobody_passes_it_on_has_a_shape() {
        let shape = Shape::of(&cascades(&[&[None]]));
        assert_eq!((shape.virality, shape.first_hand), (None, None));
        assert_eq!(shape.by_size.len(), 1);
        let json = serde_json::to_string(&shape).unwrap();
        assert!(json.contains("\"virality\":null"));
        assert_eq!(serde_json::from_str::<Shape>(&json).unwrap(), shape);
    }
}
