//! Which attempt at which job a message belongs to.

use kaskade_model::ids::{Epoch, JobId};
use kaskade_model::message::Attempt;

use crate::error::ConvertError;
use crate::pb;

impl From<Attempt> for pb::Attempt {
    fn from(attempt: Attempt) -> Self {
        Self { job_id: attempt.job.into(), group: attempt.group, epoch: attempt.epoch.0 }
    }
}

impl TryFrom<pb::Attempt> for Attempt {
    type Error = ConvertError;

    fn try_from(attempt: pb::Attempt) -> Result<Self, ConvertError> {
        Ok(Self {
            job: JobId::new(attempt.job_id)?,
            group: attempt.group,
            epoch: Epoch(attempt.epoch),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, attempt, attempts};

    proptest! {
        #[test]
        fn round_trips(attempt in attempts()) {
            assert_round_trip::<_, pb::Attempt>(attempt);
        }
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::Attempt>(attempt(), "0a056a6f622d3710021803");
    }

    #[test]
    fn a_job_id_that_names_a_path_is_refused() {
        let message = pb::Attempt { job_id: "../7".into(), group: 0, epoch: 1 };
        let error = Attempt::try_from(message).unwrap_err();
        assert!(error.to_string().starts_with("invalid name \"../7\""), "{error}");
    }
}
