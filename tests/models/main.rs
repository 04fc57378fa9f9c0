//! What each model must give: exact answers on tiny graphs, closed forms on regular and random
//! ones, and the models that others become in the limit (`reference/peers.md` §7.1–7.3).

mod audience;
mod channels;
mod closed_forms;
mod exact;
mod limits;
mod peer_defects;
mod random_graphs;
mod reference;

use kaskade_model::coin::Family;
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::dynamics::{
    Course, Dynamics, Immunity, NodeRule, Requirement, Rival, Sides, Tie,
};

/// The coins of batches whose nodes do more than those of the classical cascade.
const FAMILIES: [Family; 2] = [Family::Octet, Family::Arc];

const WEIGHTED_CASCADE: LiveArcModel =
    LiveArcModel::IndependentCascade(ArcProbability::WeightedCascade);
const LINEAR_THRESHOLD: LiveArcModel = LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade);

fn cascade(probability: f64) -> LiveArcModel {
    LiveArcModel::IndependentCascade(ArcProbability::Constant(probability))
}

fn ruled(rule: NodeRule) -> Dynamics {
    Dynamics { rule, ..Dynamics::default() }
}

fn waiting(requirement: Requirement) -> Dynamics {
    ruled(NodeRule::Threshold(requirement))
}

fn epidemic(incubation: Option<f64>, recovery: f64, immunity: Immunity) -> Dynamics {
    ruled(NodeRule::Epidemic(Course { incubation, recovery, immunity }))
}

fn opinion(quality: f64) -> Dynamics {
    ruled(NodeRule::Contagion(Sides::Opinion { quality }))
}

/// The job's own campaign and `n_rivals` others.
fn campaigns(n_rivals: usize, tie: Tie) -> Dynamics {
    let rivals = (1..=n_rivals).map(|number| Rival { name: format!("rival-{number}") });
    ruled(NodeRule::Contagion(Sides::Campaigns { rivals: rivals.collect(), tie }))
}
