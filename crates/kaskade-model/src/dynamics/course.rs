//! The course of an infection, in discrete time.
//!
//! Kermack and McKendrick's compartments (1927) as a chain of rounds: in round t + 1 every
//! infectious node tries each arc to a susceptible node once, and then recovers with its
//! probability; a node that is infected in round t + 1 may first transmit, or recover, in round
//! t + 2. All coins are new in every round.

use crate::coin::Threshold;
use crate::dynamics::DynamicsError;

/// How an infection goes on. Sojourns are geometric: `recovery` 0.25 is four rounds on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// The probability a round that an exposed node becomes infectious; without it, infected nodes
    /// are infectious at once.
    pub incubation: Option<f64>,
    /// The probability a round that an infectious node recovers.
    pub recovery: f64,
    /// What recovery is followed by.
    pub immunity: Immunity,
}

/// What recovery is followed by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Immunity {
    /// The node is never infected again (SIR, SEIR).
    Lasting,
    /// The node is susceptible at once (SIS).
    None,
    /// The node loses its immunity with this probability a round (SIRS).
    Waning(f64),
}

impl Course {
    /// Lane planes of a node: ever infected, exposed, infectious, immune, and what cannot be infected now.
    pub(super) const N_PLANES: usize = 5;

    /// Whether an infection may never end, so that a job needs a last round.
    #[must_use]
    pub fn may_last(&self) -> bool {
        self.recovery == 0.0 || self.immunity != Immunity::Lasting || self.incubation == Some(0.0)
    }

    pub(super) fn check(&self) -> Result<(), DynamicsError> {
        let waning = match self.immunity {
            Immunity::Waning(waning) => Some(waning),
            Immunity::Lasting | Immunity::None => None,
        };
        for probability in [self.incubation, Some(self.recovery), waning].into_iter().flatten() {
            Threshold::from_probability(probability)?;
        }
        Ok(())
    }
}
