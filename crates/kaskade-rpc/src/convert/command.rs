//! Coordinator to worker.

use kaskade_model::message::WorkerCommand;
use pb::worker_command::Kind;

use super::required;
use crate::error::ConvertError;
use crate::pb;

impl From<WorkerCommand> for pb::WorkerCommand {
    fn from(command: WorkerCommand) -> Self {
        let kind = match command {
            WorkerCommand::Prepare(assignment) => Kind::Prepare((*assignment).into()),
            WorkerCommand::BeginBatch { attempt, batch } => Kind::BeginBatch(pb::BeginBatch {
                attempt: Some(attempt.into()),
                batch: Some(batch.into()),
            }),
            WorkerCommand::Release { attempt } => {
                Kind::Release(pb::Release { attempt: Some(attempt.into()) })
            }
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::WorkerCommand> for WorkerCommand {
    type Error = ConvertError;

    fn try_from(command: pb::WorkerCommand) -> Result<Self, ConvertError> {
        Ok(match required(command.kind, "WorkerCommand", "kind")? {
            Kind::Prepare(assignment) => Self::Prepare(Box::new(assignment.try_into()?)),
            Kind::BeginBatch(begin) => Self::BeginBatch {
                attempt: required(begin.attempt, "BeginBatch", "attempt")?.try_into()?,
                batch: required(begin.batch, "BeginBatch", "batch")?.try_into()?,
            },
            Kind::Release(release) => Self::Release {
                attempt: required(release.attempt, "Release", "attempt")?.try_into()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{
        assert_golden, assert_round_trip, attempt, batch_plan, commands,
    };

    proptest! {
        #[test]
        fn round_trips(command in commands()) {
            assert_round_trip::<_, pb::WorkerCommand>(command);
        }
    }

    #[test]
    fn golden_bytes() {
        let (attempt, batch) = (attempt(), batch_plan());
        assert_golden::<pb::WorkerCommand>(
            WorkerCommand::BeginBatch { attempt: attempt.clone(), batch },
            "12170a0b0a056a6f622d371002180312080809108709188001",
        );
        assert_golden::<pb::WorkerCommand>(
            WorkerCommand::Release { attempt },
            "1a0d0a0b0a056a6f622d3710021803",
        );
    }

    #[test]
    fn a_command_without_content_is_refused() {
        let error = WorkerCommand::try_from(pb::WorkerCommand { kind: None }).unwrap_err();
        assert_eq!(error.to_string(), "invalid WorkerCommand: field kind is missing");
        let release =
            pb::WorkerCommand { kind: Some(Kind::Release(pb::Release { attempt: None })) };
        let error = WorkerCommand::try_from(release).unwrap_err();
        assert_eq!(error.to_string(), "invalid Release: field attempt is missing");
    }
}
