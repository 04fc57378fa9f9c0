use kaskade_model::message::Reason;
use proptest::prelude::*;

use super::*;
use crate::convert::testing::{assert_golden_message, error_codes};

proptest! {
    #[test]
    fn errors_cross_the_wire_unchanged(
        code in error_codes(),
        message in ".{0,80}",
        with_reason in any::<bool>(),
    ) {
        let mut error = RpcError::new(code, message);
        if with_reason {
            error = error.with_reason(Reason::CorruptShard);
        }
        prop_assert_eq!(RpcError::from(Status::from(error.clone())), error);
    }
}

#[test]
fn golden_bytes() {
    let detail = pb::ErrorDetail {
        code: pb::ErrorCode::DataLoss.into(),
        reason: pb::Reason::CorruptShard.into(),
    };
    assert_golden_message(&detail, "08081005");
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let error = RpcError::new(ErrorCode::Internal, "é".repeat(ERROR_MESSAGE_BYTES) + "x");
    let status = Status::from(RpcError { message: format!("x{}", error.message), ..error });
    assert_eq!(status.message().len(), ERROR_MESSAGE_BYTES - 1);
}

#[test]
fn an_error_without_detail_degrades_by_its_code() {
    for (status, code, text) in [
        (Status::unavailable("tcp"), ErrorCode::Unavailable, "the connection was lost: tcp"),
        (Status::cancelled("reset"), ErrorCode::Unavailable, "the connection was lost: reset"),
        (
            Status::cancelled(TimeoutExpired(()).to_string()),
            ErrorCode::DeadlineExceeded,
            "no answer within the deadline",
        ),
        (Status::out_of_range("5"), ErrorCode::ResourceExhausted, "a message was refused: 5"),
        (Status::unknown("odd"), ErrorCode::Internal, "odd"),
        (Status::unauthenticated("who"), ErrorCode::PermissionDenied, "who"),
    ] {
        let error = RpcError::from(status);
        assert_eq!((error.code, error.message.as_str()), (code, text));
    }
}

#[test]
fn a_detail_that_is_damaged_or_of_a_later_version_degrades_by_code() {
    let later = pb::ErrorDetail { code: 99, reason: 99 }.encode_to_vec();
    for bytes in [later, vec![0xff, 0xff]] {
        let mut metadata = MetadataMap::new();
        metadata.insert_bin(DETAIL_TRAILER, MetadataValue::from_bytes(&bytes));
        let status = Status::with_metadata(Code::NotFound, "no job `x`", metadata);
        let error = RpcError::from(status);
        assert_eq!(error, RpcError::new(ErrorCode::NotFound, "no job `x`"));
    }
}

#[test]
fn only_what_may_pass_by_itself_is_retried() {
    for (code, retryable) in [
        (ErrorCode::Unavailable, true),
        (ErrorCode::DeadlineExceeded, true),
        (ErrorCode::NotFound, false),
        (ErrorCode::ResourceExhausted, false),
    ] {
        assert_eq!(RpcError::new(code, "").is_retryable(), retryable, "{code:?}");
    }
}
