//! Kinds of errors.

use crate::error::ErrorCode;
use crate::pb;

impl From<ErrorCode> for pb::ErrorCode {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::AlreadyExists => Self::AlreadyExists,
            ErrorCode::InvalidArgument => Self::InvalidArgument,
            ErrorCode::FailedPrecondition => Self::FailedPrecondition,
            ErrorCode::Unavailable => Self::Unavailable,
            ErrorCode::ResourceExhausted => Self::ResourceExhausted,
            ErrorCode::Cancelled => Self::Cancelled,
            ErrorCode::DataLoss => Self::DataLoss,
            ErrorCode::PermissionDenied => Self::PermissionDenied,
            ErrorCode::DeadlineExceeded => Self::DeadlineExceeded,
            ErrorCode::Internal => Self::Internal,
        }
    }
}

impl TryFrom<pb::ErrorCode> for ErrorCode {
    /// Unspecified, or of a later version.
    type Error = ();

    fn try_from(code: pb::ErrorCode) -> Result<Self, ()> {
        Ok(match code {
            pb::ErrorCode::Unspecified => return Err(()),
            pb::ErrorCode::NotFound => Self::NotFound,
            pb::ErrorCode::AlreadyExists => Self::AlreadyExists,
            pb::ErrorCode::InvalidArgument => Self::InvalidArgument,
            pb::ErrorCode::FailedPrecondition => Self::FailedPrecondition,
            pb::ErrorCode::Unavailable => Self::Unavailable,
            pb::ErrorCode::ResourceExhausted => Self::ResourceExhausted,
            pb::ErrorCode::Cancelled => Self::Cancelled,
            pb::ErrorCode::DataLoss => Self::DataLoss,
            pb::ErrorCode::PermissionDenied => Self::PermissionDenied,
            pb::ErrorCode::DeadlineExceeded => Self::DeadlineExceeded,
            pb::ErrorCode::Internal => Self::Internal,
        })
    }
}
