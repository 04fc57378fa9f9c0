//! Where each measure stands among those of a round.

use kaskade_model::dynamics::{Class, Dynamics, Measure};
use kaskade_model::lanes::LaneMask;

use crate::kernel::LaneTotals;

/// The places of the measures of a job, as [`Dynamics::measures`] lists them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) forwarded: Option<usize>,
    pub(super) endorsed: Option<usize>,
    pub(super) infections: Option<usize>,
    pub(super) exposed: Option<usize>,
    pub(super) infectious: Option<usize>,
    /// Of the first side; the others follow.
    pub(super) sides: Option<usize>,
    /// Of the first channel; the others follow.
    pub(super) channels: Option<usize>,
    fakes: Option<usize>,
    weight: Option<usize>,
    /// Of the first segment; the others follow.
    segments: Option<usize>,
}

impl Places {
    pub(super) fn of(dynamics: &Dynamics) -> Self {
        let measures = dynamics.measures();
        let place = |is_meant: fn(&Measure) -> bool| measures.iter().position(is_meant);
        Self {
            forwarded: place(|measure| *measure == Measure::Forwarded),
            endorsed: place(|measure| *measure == Measure::Endorsed),
            infections: place(|measure| *measure == Measure::Infections),
            exposed: place(|measure| *measure == Measure::Exposed),
            infectious: place(|measure| *measure == Measure::Infectious),
            sides: place(|measure| matches!(measure, Measure::Positive | Measure::Campaign(0, _))),
            channels: place(|measure| matches!(measure, Measure::Channel(0, _))),
            fakes: place(|measure| *measure == Measure::Fakes),
            weight: place(|measure| *measure == Measure::Weight),
            segments: place(|measure| matches!(measure, Measure::Segment(0, _))),
        }
    }

    /// Counts a node of `class` and `weight` that became active in the lanes of `active` for the
    /// first time.
    #[inline(always)]
    pub(super) fn count_class<const W: usize>(
        &self,
        measures: &mut [LaneTotals<W>],
        (class, weight): (&Class, u64),
        active: &LaneMask<W>,
    ) {
        if let Some(place) = self.weight.filter(|_| class.counts) {
            measures[place].add_weight(active, weight);
        }
        if let Some(fakes) = self.fakes.filter(|_| class.is_fake) {
            measures[fakes].add(active);
        }
        if let (Some(first), Some(segment), true) = (self.segments, class.segment, class.counts) {
            measures[first + usize::from(segment)].add(active);
        }
    }
}
