//! What is run on every graph.

use std::fmt;

use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};

/// A model with its parameters, of those that every contender knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Workload {
    /// Independent cascade, every arc with this probability.
    ConstantCascade(f64),
    /// Independent cascade, an arc with 1 over its target's in-degree.
    WeightedCascade,
    /// Linear threshold, an arc with 1 over its target's in-degree.
    LinearThreshold,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 8] = [
        Self::ConstantCascade(0.001),
        Self::ConstantCascade(0.002),
        Self::ConstantCascade(0.005),
        Self::ConstantCascade(0.01),
        Self::ConstantCascade(0.05),
        Self::ConstantCascade(0.1),
        Self::WeightedCascade,
        Self::LinearThreshold,
    ];

    /// The model of kaskade's that it is.
    #[must_use]
    pub fn model(self) -> LiveArcModel {
        use {ArcProbability as P, ArcWeight as W, LiveArcModel as M};
        match self {
            Self::ConstantCascade(probability) => M::IndependentCascade(P::Constant(probability)),
            Self::WeightedCascade => M::IndependentCascade(P::WeightedCascade),
            Self::LinearThreshold => M::LinearThreshold(W::WeightedCascade),
        }
    }

    /// Whether its arcs are live one by one.
    #[must_use]
    pub fn is_cascade(self) -> bool {
        self != Self::LinearThreshold
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConstantCascade(probability) => write!(formatter, "ic p={probability}"),
            Self::WeightedCascade => formatter.write_str("ic weighted-cascade"),
            Self::LinearThreshold => formatter.write_str("lt weighted-cascade"),
        }
    }
}
