//! Worker to coordinator.

use kaskade_model::ids::{BatchId, Round, WorkerId};
use kaskade_model::message::WorkerEvent;
use pb::worker_event::Kind;

use super::required;
use crate::error::ConvertError;
use crate::pb;

impl From<WorkerEvent> for pb::WorkerEvent {
    fn from(event: WorkerEvent) -> Self {
        let kind = match event {
            WorkerEvent::Prepared { attempt } => {
                Kind::Prepared(pb::Prepared { attempt: Some(attempt.into()) })
            }
            WorkerEvent::RoundReported { attempt, batch, round, n_new } => {
                Kind::RoundReported(pb::RoundReported {
                    attempt: Some(attempt.into()),
                    batch: batch.0,
                    round: round.0,
                    n_new,
                })
            }
            WorkerEvent::BatchTallied { attempt, batch, tally } => {
                Kind::BatchTallied(pb::BatchTallied {
                    attempt: Some(attempt.into()),
                    batch: batch.0,
                    tally: Some((*tally).into()),
                })
            }
            WorkerEvent::PeerLost { attempt, peer, detail } => {
                Kind::PeerLost(pb::PeerLost { attempt: Some(attempt.into()), peer: peer.0, detail })
            }
            WorkerEvent::AttemptFailed { attempt, reason, detail } => {
                Kind::AttemptFailed(pb::AttemptFailed {
                    attempt: Some(attempt.into()),
                    reason: pb::Reason::from(reason).into(),
                    detail,
                })
            }
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::WorkerEvent> for WorkerEvent {
    type Error = ConvertError;

    fn try_from(event: pb::WorkerEvent) -> Result<Self, ConvertError> {
        Ok(match required(event.kind, "WorkerEvent", "kind")? {
            Kind::Prepared(event) => Self::Prepared {
                attempt: required(event.attempt, "Prepared", "attempt")?.try_into()?,
            },
            Kind::RoundReported(event) => Self::RoundReported {
                attempt: required(event.attempt, "RoundReported", "attempt")?.try_into()?,
                batch: BatchId(event.batch),
                round: Round(event.round),
                n_new: event.n_new,
            },
            Kind::BatchTallied(event) => Self::BatchTallied {
                attempt: required(event.attempt, "BatchTallied", "attempt")?.try_into()?,
                batch: BatchId(event.batch),
                tally: Box::new(required(event.tally, "BatchTallied", "tally")?.try_into()?),
            },
            Kind::PeerLost(event) => Self::PeerLost {
                attempt: required(event.attempt, "PeerLost", "attempt")?.try_into()?,
                peer: WorkerId(event.peer),
                detail: event.detail,
            },
            Kind::AttemptFailed(event) => Self::AttemptFailed {
                reason: required(event.reason().try_into().ok(), "AttemptFailed", "reason")?,
                attempt: required(event.attempt, "AttemptFailed", "attempt")?.try_into()?,
                detail: event.detail,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::message::Reason;
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, attempt, events, tally};

    proptest! {
        #[test]
        fn round_trips(event in events()) {
            assert_round_trip::<_, pb::WorkerEvent>(event);
        }
    }

    #[test]
    fn golden_bytes() {
        let (batch, detail) = (BatchId(9), "gone".to_owned());
        let golden = assert_golden::<pb::WorkerEvent>;
        golden(WorkerEvent::Prepared { attempt: attempt() }, "0a0d0a0b0a056a6f622d3710021803");
        golden(
            WorkerEvent::RoundReported { attempt: attempt(), batch, round: Round(4), n_new: 300 },
            "12140a0b0a056a6f622d37100218031009180420ac02",
        );
        golden(
            WorkerEvent::BatchTallied { attempt: attempt(), batch, tally: Box::new(tally()) },
            "1a5d0a0b0a056a6f622d371002180310091a4c080710021a20010000000000000002000000000000000300000000000000000000000000000022100807060504030201ffffffffffffffff2a12080110021803200428053206080610071808",
        );
        golden(
            WorkerEvent::PeerLost { attempt: attempt(), peer: WorkerId(5), detail: detail.clone() },
            "22150a0b0a056a6f622d371002180310051a04676f6e65",
        );
        let reason = Reason::DiskFull;
        golden(
            WorkerEvent::AttemptFailed { attempt: attempt(), reason, detail },
            "2a150a0b0a056a6f622d371002180310041a04676f6e65",
        );
    }

    #[test]
    fn a_failure_without_a_reason_is_refused() {
        for reason in [0, 99] {
            let failed = pb::AttemptFailed {
                attempt: Some(attempt().into()),
                reason,
                detail: String::new(),
            };
            let event = pb::WorkerEvent { kind: Some(Kind::AttemptFailed(failed)) };
            let error = WorkerEvent::try_from(event).unwrap_err();
            assert_eq!(error.to_string(), "invalid AttemptFailed: field reason is missing");
        }
    }
}
