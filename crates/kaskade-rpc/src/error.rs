//! What goes wrong between processes.

use kaskade_model::ids::InvalidName;
use kaskade_model::message::Reason;

use crate::version::VersionMismatch;

/// What kind of error it is: a short list, mapped one way to gRPC's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// What was named is not there.
    NotFound,
    /// What was to be made is there already, and is different.
    AlreadyExists,
    /// The request can never be answered as it is.
    InvalidArgument,
    /// The request needs another state first, or another version.
    FailedPrecondition,
    /// Nobody answers now; trying again may help.
    Unavailable,
    /// A limit was reached: memory, disk, or the size of a message.
    ResourceExhausted,
    /// The job was cancelled.
    Cancelled,
    /// Bytes are not those that were written.
    DataLoss,
    /// Refused.
    PermissionDenied,
    /// No answer within the deadline.
    DeadlineExceeded,
    /// A defect in kaskade.
    Internal,
}

/// An error as the other side is told it, and as it tells it to its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// The cause and, where there is one, the next step.
    pub message: String,
    /// Why a job failed, when that is the error.
    pub reason: Option<Reason>,
}

impl RpcError {
    /// An error of kind `code`; `message` says the cause and, where there is one, the next step.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), reason: None }
    }

    /// The same error, with the reason why a job failed.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Whether the same request may succeed later. All requests of kaskade may be repeated.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.code, ErrorCode::Unavailable | ErrorCode::DeadlineExceeded)
    }
}

/// A message from the wire that is not what `docs/protocol.md` says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A field that must be there is not.
    #[error("invalid {message}: field {field} is missing")]
    Missing {
        /// The message.
        message: &'static str,
        /// Its field.
        field: &'static str,
    },
    /// A field has a value that it may not have.
    #[error("invalid {message}: field {field} {reason}")]
    Invalid {
        /// The message.
        message: &'static str,
        /// Its field.
        field: &'static str,
        /// What is wrong with it; reads on from the field's name.
        reason: String,
    },
    /// A job or graph cannot have this name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The other side speaks another version.
    #[error(transparent)]
    Version(#[from] VersionMismatch),
}

impl ConvertError {
    /// An error about `field` of `message`; `reason` reads on from the field's name.
    pub(crate) fn new(
        message: &'static str,
        field: &'static str,
        reason: impl Into<String>,
    ) -> Self {
        Self::Invalid { message, field, reason: reason.into() }
    }
}

impl From<ConvertError> for RpcError {
    fn from(error: ConvertError) -> Self {
        let code = match error {
            ConvertError::Version(_) => ErrorCode::FailedPrecondition,
            _ => ErrorCode::InvalidArgument,
        };
        Self::new(code, error.to_string())
    }
}
