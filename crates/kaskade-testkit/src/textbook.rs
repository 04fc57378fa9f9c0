//! The models as their papers define them, with another generator: node by node, attempts
//! in sequence, thresholds drawn. Nothing is shared with kaskade, so results agree only
//! within the interval.

use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};

use crate::philox::Philox;
use crate::{Arc, ArcList};

/// A model and a number for each arc of a graph.
#[derive(Clone, Debug)]
pub enum Diffusion {
    /// The arcs' probabilities. A node that became active in the last round makes one attempt
    /// on each inactive out-neighbour (Goldenberg, Libai and Muller 2001).
    IndependentCascade(Vec<f64>),
    /// The arcs' weights. A node becomes active once the weights of its arcs from active
    /// nodes sum to its threshold, uniform in (0, 1] (Granovetter 1978).
    LinearThreshold(Vec<f64>),
}

impl Diffusion {
    /// `model` on `graph`.
    ///
    /// # Panics
    /// For trivalency, whose levels are draws of the job, and when a column is missing.
    #[must_use]
    pub fn of(graph: &ArcList, model: &LiveArcModel) -> Self {
        use {ArcProbability as P, ArcWeight as W, LiveArcModel as M};
        let column = || graph.column().expect("the model reads a column").to_vec();
        let constant = |value| vec![value; graph.arcs().len()];
        let in_degrees = graph.in_degrees();
        let inverse_degrees = || -> Vec<f64> {
            let arcs = graph.arcs().iter();
            arcs.map(|arc| 1.0 / f64::from(in_degrees[arc.target as usize])).collect()
        };
        let over = |share: f64| inverse_degrees().iter().map(|one| share * one).collect();
        let by_nodes = |probability: &dyn Fn(Arc) -> f64| {
            Self::IndependentCascade(graph.arcs().iter().map(|&arc| probability(arc)).collect())
        };
        let nodes = graph.nodes();
        match model {
            &M::IndependentCascade(P::Constant(p)) => Self::IndependentCascade(constant(p)),
            M::IndependentCascade(P::OverInDegree(share)) => {
                let probabilities: Vec<f64> = over(*share);
                Self::IndependentCascade(probabilities.into_iter().map(|p| p.min(1.0)).collect())
            }
            M::IndependentCascade(P::Factors(of)) => by_nodes(&|arc| {
                let factor = |column: &Option<String>, node| {
                    column.as_ref().map_or(1.0, |column| nodes.number(column, node))
                };
                factor(&of.influence, arc.source) * factor(&of.susceptibility, arc.target)
            }),
            M::IndependentCascade(P::Segments(matrix)) => by_nodes(&|arc| {
                let category = |node| nodes.category(&matrix.segment, node);
                let pair = category(arc.source).zip(category(arc.target));
                let said = pair.and_then(|(source, target)| matrix.from.get(source)?.get(target));
                said.copied().unwrap_or(matrix.default)
            }),
            M::IndependentCascade(P::WeightedCascade) => {
                Self::IndependentCascade(inverse_degrees())
            }
            M::IndependentCascade(P::Column) => Self::IndependentCascade(column()),
            M::IndependentCascade(P::Trivalency) => panic!("trivalency has levels of its own"),
            &M::LinearThreshold(W::Constant(w)) => Self::LinearThreshold(constant(w)),
            M::LinearThreshold(W::OverInDegree(share)) => Self::LinearThreshold(over(*share)),
            M::LinearThreshold(W::WeightedCascade) => Self::LinearThreshold(inverse_degrees()),
            M::LinearThreshold(W::Column) => Self::LinearThreshold(column()),
        }
    }
}

/// The spreads of `n_simulations` cascades from `seeds`, generator stream by stream.
#[must_use]
pub fn spreads(
    graph: &ArcList,
    diffusion: &Diffusion,
    seeds: &[u32],
    n_simulations: u64,
) -> Vec<u64> {
    let out_arcs = graph.out_arcs();
    let simulations = 0..n_simulations;
    let spread = |simulation| {
        let mut philox = Philox::new(0x7465_7874_626f_6f6b, simulation);
        match diffusion {
            Diffusion::IndependentCascade(probabilities) => {
                independent_cascade(graph, &out_arcs, probabilities, seeds, &mut philox)
            }
            Diffusion::LinearThreshold(weights) => {
                linear_threshold(graph, &out_arcs, weights, seeds, &mut philox)
            }
        }
    };
    simulations.map(spread).collect()
}

fn independent_cascade(
    graph: &ArcList,
    out_arcs: &[Vec<usize>],
    probabilities: &[f64],
    seeds: &[u32],
    philox: &mut Philox,
) -> u64 {
    let mut is_active = vec![false; graph.n_nodes() as usize];
    seeds.iter().for_each(|&seed| is_active[seed as usize] = true);
    let mut queue = seeds.to_vec();
    let mut n_tried = 0;
    while n_tried < queue.len() {
        for &position in &out_arcs[queue[n_tried] as usize] {
            let target = graph.arcs()[position].target;
            if !is_active[target as usize] && philox.uniform() < probabilities[position] {
                is_active[target as usize] = true;
                queue.push(target);
            }
        }
        n_tried += 1;
    }
    queue.len() as u64
}

fn linear_threshold(
    graph: &ArcList,
    out_arcs: &[Vec<usize>],
    weights: &[f64],
    seeds: &[u32],
    philox: &mut Philox,
) -> u64 {
    let n_nodes = graph.n_nodes() as usize;
    let thresholds: Vec<f64> = (0..n_nodes).map(|_| 1.0 - philox.uniform()).collect();
    let mut active_weight = vec![0.0; n_nodes];
    let mut is_active = vec![false; n_nodes];
    seeds.iter().for_each(|&seed| is_active[seed as usize] = true);
    let mut queue = seeds.to_vec();
    let mut n_told = 0;
    while n_told < queue.len() {
        for &position in &out_arcs[queue[n_told] as usize] {
            let target = graph.arcs()[position].target as usize;
            active_weight[target] += weights[position];
            if !is_active[target] && active_weight[target] >= thresholds[target] {
                is_active[target] = true;
                queue.push(target as u32);
            }
        }
        n_told += 1;
    }
    queue.len() as u64
}
