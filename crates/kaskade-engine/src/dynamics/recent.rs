//! Who transmitted of late.

use std::collections::VecDeque;

use kaskade_model::dynamics::Dynamics;

use crate::kernel::Sources;
use crate::slice::Slice;

/// The slices that were offered in this round and those before it, for as long as their messages
/// are under way or may be asked for again.
///
/// A delay that all messages of a channel have is not drawn: their sources are held back here, and
/// their arcs are tried in the round in which they arrive, as those of a cascade without delay.
#[derive(Debug)]
pub(super) struct Recent<const W: usize> {
    /// By rounds since they were offered, then by side.
    by_age: VecDeque<Vec<Vec<Slice<W>>>>,
    /// The rounds that each channel holds its sources back; one entry where there are none.
    holds: Vec<usize>,
    longest_hold: usize,
    /// (node, lane) pairs of all slices, where some are held back.
    n_held: u64,
}

impl<const W: usize> Recent<W> {
    pub(super) fn new(dynamics: &Dynamics) -> Self {
        let holds = dynamics.delays().map(|(delay, _)| delay.held_rounds() as usize).collect();
        let longest_hold = dynamics.longest_hold() as usize;
        Self { by_age: VecDeque::from([Vec::new()]), holds, longest_hold, n_held: 0 }
    }

    /// Adds `slices`, for each side those of one of its sources, to what this round offers.
    pub(super) fn add(&mut self, slices: Vec<Vec<Slice<W>>>) {
        let newest = &mut self.by_age[0];
        newest.resize(newest.len().max(slices.len()), Vec::new());
        for (of_side, slices) in newest.iter_mut().zip(slices) {
            of_side.extend(slices.into_iter().filter(|slice| slice.n_nodes() > 0).inspect(
                |slice| {
                    if self.longest_hold > 0 {
                        self.n_held += slice.n_activations();
                    }
                },
            ));
        }
    }

    /// The slices of this round so far, for each side their number.
    pub(super) fn n_offered(&self) -> Vec<usize> {
        self.by_age[0].iter().map(Vec::len).collect()
    }

    /// For each side who transmits over channel number `channel` in this round, but for those of it
    /// who were offered already: of each side the first `already_offered`, where it was asked before.
    pub(super) fn sources(
        &self,
        channel: usize,
        already_offered: Option<&[usize]>,
    ) -> Vec<Vec<Sources<'_, W>>> {
        let hold = self.holds[channel];
        if hold > 0 && already_offered.is_some() {
            // What was held back was there before the round began.
            return Vec::new();
        }
        let sides = self.by_age.get(hold).into_iter().flatten().enumerate();
        let by_side = sides.map(|(side, slices)| {
            let first = already_offered.map_or(0, |n_offered| n_offered[side]);
            slices[first..].iter().map(Sources::of).collect()
        });
        by_side.collect()
    }

    /// Ends the round; gives the (node, lane) pairs that are held back for later ones.
    pub(super) fn end_round(&mut self) -> u64 {
        self.by_age.push_front(Vec::new());
        // One age is added a round.
        let oldest =
            if self.by_age.len() > self.longest_hold + 1 { self.by_age.pop_back() } else { None };
        if self.longest_hold > 0 {
            let over = oldest.iter().flatten().flatten();
            self.n_held -= over.map(Slice::n_activations).sum::<u64>();
        }
        self.n_held
    }
}
