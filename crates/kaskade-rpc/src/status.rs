//! Errors across the wire: the code and the message as gRPC has them, the typed part in a
//! trailer beside them.

use bytes::Bytes;
use prost::Message;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status, TimeoutExpired};

use crate::error::{ConvertError, ErrorCode, RpcError};
use crate::limits::ERROR_MESSAGE_BYTES;
use crate::pb;

/// The trailer with [`pb::ErrorDetail`].
const DETAIL_TRAILER: &str = "kaskade-error-bin";

impl From<RpcError> for Status {
    fn from(error: RpcError) -> Self {
        let detail = pb::ErrorDetail {
            code: pb::ErrorCode::from(error.code).into(),
            reason: error.reason.map_or(pb::Reason::Unspecified, pb::Reason::from).into(),
        };
        let mut metadata = MetadataMap::new();
        metadata.insert_bin(DETAIL_TRAILER, MetadataValue::from_bytes(&detail.encode_to_vec()));
        let message = &error.message[..error.message.floor_char_boundary(ERROR_MESSAGE_BYTES)];
        Self::with_metadata(grpc_code(error.code), message, metadata)
    }
}

impl From<ConvertError> for Status {
    fn from(error: ConvertError) -> Self {
        RpcError::from(error).into()
    }
}

impl From<Status> for RpcError {
    fn from(status: Status) -> Self {
        match detail(&status) {
            Some(detail) => Self {
                // A code of a later version: the gRPC code says as much as can be known.
                code: detail.code().try_into().unwrap_or_else(|()| code_of(&status)),
                message: status.message().to_owned(),
                reason: detail.reason().try_into().ok(),
            },
            // Not from kaskade but from the transport under it, or from something between.
            None => Self::new(code_of(&status), explain(&status)),
        }
    }
}

fn detail(status: &Status) -> Option<pb::ErrorDetail> {
    let bytes: Bytes = status.metadata().get_bin(DETAIL_TRAILER)?.to_bytes().ok()?;
    pb::ErrorDetail::decode(bytes).ok()
}

fn explain(status: &Status) -> String {
    let seen = status.message();
    match code_of(status) {
        ErrorCode::Unavailable => format!("the connection was lost: {}", innermost(status)),
        ErrorCode::DeadlineExceeded => "no answer within the deadline".to_owned(),
        ErrorCode::ResourceExhausted => format!("a message was refused: {seen}"),
        ErrorCode::FailedPrecondition => {
            format!("the server does not know this call, is it kaskade of this release? {seen}")
        }
        _ => seen.to_owned(),
    }
}

/// The first cause of an error of the transport, which itself only says that it is one.
fn innermost(status: &Status) -> String {
    let mut cause = std::error::Error::source(status);
    let mut text = None;
    while let Some(error) = cause {
        text = Some(error.to_string());
        cause = error.source();
    }
    let Some(text) = text else { return status.message().to_owned() };
    // What those hear, by chance one or another of it, who come to a server with TLS without
    // it, or without a certificate.
    let closed = [
        "connection closed",
        "broken pipe",
        "invalid size",
        "connection reset",
        "CertificateRequired",
    ];
    if closed.iter().any(|word| text.contains(word)) {
        text + " (a server that speaks https:// or asks for --tls-cert closes what comes without)"
    } else {
        text
    }
}

fn grpc_code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::AlreadyExists => Code::AlreadyExists,
        ErrorCode::InvalidArgument => Code::InvalidArgument,
        ErrorCode::FailedPrecondition => Code::FailedPrecondition,
        ErrorCode::Unavailable => Code::Unavailable,
        ErrorCode::ResourceExhausted => Code::ResourceExhausted,
        ErrorCode::Cancelled => Code::Cancelled,
        ErrorCode::DataLoss => Code::DataLoss,
        ErrorCode::PermissionDenied => Code::PermissionDenied,
        ErrorCode::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorCode::Internal => Code::Internal,
    }
}

/// The kind of an error of which only the gRPC code is known.
fn code_of(status: &Status) -> ErrorCode {
    match status.code() {
        Code::NotFound => ErrorCode::NotFound,
        Code::AlreadyExists => ErrorCode::AlreadyExists,
        Code::InvalidArgument => ErrorCode::InvalidArgument,
        Code::FailedPrecondition | Code::Unimplemented => ErrorCode::FailedPrecondition,
        // tonic's word for a message over the limit is "out of range".
        Code::ResourceExhausted | Code::OutOfRange => ErrorCode::ResourceExhausted,
        Code::DataLoss => ErrorCode::DataLoss,
        Code::PermissionDenied | Code::Unauthenticated => ErrorCode::PermissionDenied,
        Code::DeadlineExceeded => ErrorCode::DeadlineExceeded,
        // tonic reports a deadline on its own side as a cancelled call.
        Code::Cancelled if status.message() == TimeoutExpired(()).to_string() => {
            ErrorCode::DeadlineExceeded
        }
        // Without a detail no job was cancelled, but a call: its connection went away. A
        // connection that breaks in mid-stream shows as any of these, with its cause as source.
        Code::Unavailable | Code::Cancelled | Code::Aborted => ErrorCode::Unavailable,
        Code::Unknown | Code::Internal if std::error::Error::source(status).is_some() => {
            ErrorCode::Unavailable
        }
        Code::Ok | Code::Unknown | Code::Internal => ErrorCode::Internal,
    }
}

#[cfg(test)]
mod tests;
