//! How many active in-neighbours a node waits for.

use crate::dynamics::DynamicsError;

/// How many live in-arcs a node waits for (Granovetter 1978; Watts, PNAS 2002). At least one,
/// whatever the share: nobody follows nobody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Requirement {
    /// At least this share of its in-degree.
    Share(f64),
    /// At least a share of its in-degree that is uniform between two, drawn for each node and
    /// simulation.
    UniformShare(f64, f64),
    /// At least so many, whatever its in-degree.
    Count(u32),
    /// At least a number that is uniform between two, both included, drawn for each node and
    /// simulation.
    UniformCount(u32, u32),
}

impl Requirement {
    /// How many the node of `in_degree` waits for in a simulation that draws `uniform` for it.
    #[inline]
    #[must_use]
    pub fn of(self, in_degree: u32, uniform: u32) -> u32 {
        let count = match self {
            Self::Share(share) => count_of_share(share, in_degree),
            Self::UniformShare(low, high) => {
                let place = f64::from(uniform) / (1u64 << 32) as f64;
                count_of_share(low + (high - low) * place, in_degree)
            }
            Self::Count(count) => count,
            Self::UniformCount(low, high) => {
                let n_choices = u64::from(high - low) + 1;
                low + ((u64::from(uniform) * n_choices) >> 32) as u32
            }
        };
        count.max(1)
    }

    /// The most that the node of `in_degree` waits for in any simulation.
    #[must_use]
    pub fn most(self, in_degree: u32) -> u32 {
        self.of(in_degree, u32::MAX).max(self.of(in_degree, 0))
    }

    /// Whether simulations draw it.
    #[must_use]
    pub fn is_drawn(self) -> bool {
        matches!(self, Self::UniformShare(..) | Self::UniformCount(..))
    }

    /// Planes of the counter of a node, where the mean in-degree is `mean_in_degree`: an upper
    /// bound of their mean, as the logarithm bends down.
    pub(super) fn mean_planes(self, mean_in_degree: f64) -> u64 {
        let count = match self {
            Self::Share(share) | Self::UniformShare(_, share) => share * mean_in_degree + 1.0,
            Self::Count(count) | Self::UniformCount(_, count) => count.into(),
        };
        (1.0 + count).log2().ceil() as u64 + 1
    }

    pub(super) fn check(self) -> Result<(), DynamicsError> {
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        let is_right = match self {
            Self::Share(share) => is_share(share),
            Self::UniformShare(low, high) => is_share(low) && is_share(high) && low <= high,
            Self::Count(count) => count >= 1,
            Self::UniformCount(low, high) => low >= 1 && low <= high,
        };
        if is_right { Ok(()) } else { Err(DynamicsError::Requirement) }
    }
}

/// Bits that count down from `count`.
#[must_use]
pub fn counter_bits(count: u32) -> u32 {
    u32::BITS - count.leading_zeros()
}

/// The fewest of `in_degree` that are at least `share` of them. A share that was written as the
/// nearest double to k/d means k: the product may exceed k by some units of its last place.
fn count_of_share(share: f64, in_degree: u32) -> u32 {
    let wanted = share * f64::from(in_degree);
    (wanted - wanted * ROUNDING).ceil() as u32
}

const ROUNDING: f64 = 1.0 / (1u64 << 50) as f64;
