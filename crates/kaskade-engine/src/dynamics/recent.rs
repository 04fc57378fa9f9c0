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
    /// The rounds that each channel holds its sources back; one where there are no channels.
    holds: Vec<usize>,
}

impl<const W: usize> Recent<W> {
    pub(super) fn new(dynamics: &Dynamics) -> Self {
        let certain = |rounds: Option<u32>| rounds.map_or(0, |rounds| rounds as usize - 1);
        let mut holds: Vec<usize> = dynamics
            .channels
            .iter()
            .map(|channel| certain(channel.delay.certain_rounds()))
            .collect();
        if holds.is_empty() {
            holds.push(certain(dynamics.delay.certain_rounds()));
        }
        Self { by_age: VecDeque::from([Vec::new()]), holds }
    }

    /// Adds `slices`, for each side those of one of its sources, to what this round offers.
    pub(super) fn add(&mut self, slices: Vec<Vec<Slice<W>>>) {
        let newest = &mut self.by_age[0];
        newest.resize(newest.len().max(slices.len()), Vec::new());
        newest.iter_mut().zip(slices).for_each(|(of_side, slices)| of_side.extend(slices));
    }

    /// The slices of this round so far, for each side their number.
    pub(super) fn n_offered(&self) -> Vec<usize> {
        self.by_age[0].iter().map(Vec::len).collect()
    }

    /// For each side who transmits over channel number `channel` in this round; of those who were
    /// added to it after there were so many slices of each side as `before` says, where it does.
    pub(super) fn sources(
        &self,
        channel: usize,
        before: Option<&[usize]>,
    ) -> Vec<Vec<Sources<'_, W>>> {
        let hold = self.holds[channel];
        if hold > 0 && before.is_some() {
            // They were all there before the round began.
            return Vec::new();
        }
        let sides = self.by_age.get(hold).into_iter().flatten().enumerate();
        let later = sides.map(|(side, slices)| {
            let n_before = before.map_or(0, |before| before[side]);
            slices[n_before..].iter().filter(|slice| slice.n_nodes() > 0).map(Sources::of).collect()
        });
        later.collect()
    }

    /// Ends the round; gives the (node, lane) pairs that are held back for later ones.
    pub(super) fn end_round(&mut self) -> u64 {
        let longest = self.holds.iter().copied().max().unwrap_or(0);
        self.by_age.push_front(Vec::new());
        self.by_age.truncate(longest + 1);
        let held = self.by_age.iter().flatten().flatten();
        held.map(Slice::n_activations).sum()
    }
}
