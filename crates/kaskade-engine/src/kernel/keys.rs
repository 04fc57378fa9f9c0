//! The keys of a batch's simulations.

use kaskade_model::coin::{LaneKeys, OctetKeys, simulation_key};
use kaskade_model::job::BatchPlan;
use kaskade_model::lanes::LANES_PER_WORD;

/// What coins of either family need of the simulations of a batch: keys word by word.
#[derive(Clone, Debug)]
pub struct BatchKeys<const W: usize> {
    pub(super) lanes: [LaneKeys; W],
    pub(super) octets: [OctetKeys; W],
}

impl<const W: usize> BatchKeys<W> {
    /// The keys of `batch` in a job with `seed`.
    #[must_use]
    pub fn new(seed: u64, batch: &BatchPlan) -> Self {
        let first_word = batch.first_simulation / LANES_PER_WORD as u64;
        let word = |word: usize| first_word + word as u64;
        let key = |word: u64, lane: usize| {
            simulation_key(seed, word * LANES_PER_WORD as u64 + lane as u64)
        };
        Self {
            lanes: std::array::from_fn(|at| LaneKeys::new(|lane| key(word(at), lane))),
            octets: std::array::from_fn(|at| OctetKeys::new(seed, word(at))),
        }
    }
}
