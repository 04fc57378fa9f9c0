//! Exact answers: every outcome enumerated on tiny graphs, closed forms on regular ones.

mod chain;
mod closed_forms;
mod enumeration;
mod fraction;

pub use chain::{Expected, chain};
pub use closed_forms::{
    complete_linear_threshold, giant_component, in_star_cascade, path, reed_frost, regular_attack,
    tree,
};
pub use enumeration::{SpreadDistribution, independent_cascade, linear_threshold};
pub use fraction::Fraction;
