//! Why a job ended or an attempt failed.

use kaskade_model::message::Reason;

use crate::pb;

impl From<Reason> for pb::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NoWorkers => Self::NoWorkers,
            Reason::WorkerLost => Self::WorkerLost,
            Reason::OutOfMemory => Self::OutOfMemory,
            Reason::DiskFull => Self::DiskFull,
            Reason::CorruptShard => Self::CorruptShard,
            Reason::GraphChanged => Self::GraphChanged,
            Reason::InvalidSpec => Self::InvalidSpec,
            Reason::Inconsistent => Self::Inconsistent,
            Reason::Cancelled => Self::Cancelled,
            Reason::Internal => Self::Internal,
        }
    }
}

impl TryFrom<pb::Reason> for Reason {
    /// Unspecified, or of a later version.
    type Error = ();

    fn try_from(reason: pb::Reason) -> Result<Self, ()> {
        Ok(match reason {
            pb::Reason::Unspecified => return Err(()),
            pb::Reason::NoWorkers => Self::NoWorkers,
            pb::Reason::WorkerLost => Self::WorkerLost,
            pb::Reason::OutOfMemory => Self::OutOfMemory,
            pb::Reason::DiskFull => Self::DiskFull,
            pb::Reason::CorruptShard => Self::CorruptShard,
            pb::Reason::GraphChanged => Self::GraphChanged,
            pb::Reason::InvalidSpec => Self::InvalidSpec,
            pb::Reason::Inconsistent => Self::Inconsistent,
            pb::Reason::Cancelled => Self::Cancelled,
            pb::Reason::Internal => Self::Internal,
        })
    }
}
