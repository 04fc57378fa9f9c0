//! Service `Jobs`: clients hand in jobs, watch them and take their results.

use bytes::Bytes;
use kaskade_model::ids::JobId;

use crate::channel::Connection;
use crate::error::ConvertError;
use crate::file::{self, FileChunk, FileName};
use crate::limits::{self, CLIENT_MESSAGE_BYTES, DOCUMENT_BYTES};
use crate::pb;
use crate::version::{self, PROTOCOL_VERSION};

pub use pb::jobs_server::Jobs;

/// What a client calls.
pub type Client = pb::jobs_client::JobsClient<Connection>;

/// What a coordinator serves.
pub type Server<S> = pb::jobs_server::JobsServer<S>;

/// A client over `connection`, with the limits of this crate.
#[must_use]
pub fn client(connection: Connection) -> Client {
    Client::new(connection)
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES)
        .max_encoding_message_size(limits::LEFT_TO_THE_SERVER)
}

/// A server of `service`, with the limits of this crate.
#[must_use]
pub fn server<S: Jobs>(service: S) -> Server<S> {
    Server::new(service)
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES)
        .max_encoding_message_size(CLIENT_MESSAGE_BYTES)
}

/// A job handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The job's id, the client's choice.
    pub job: JobId,
    /// The spec as a JSON document, 1 to [`DOCUMENT_BYTES`] bytes, not looked into yet.
    pub spec_json: Bytes,
}

impl From<Submission> for pb::SubmitRequest {
    fn from(submission: Submission) -> Self {
        Self {
            protocol_version: PROTOCOL_VERSION,
            job_id: submission.job.into(),
            spec_json: submission.spec_json,
        }
    }
}

impl TryFrom<pb::SubmitRequest> for Submission {
    type Error = ConvertError;

    fn try_from(request: pb::SubmitRequest) -> Result<Self, ConvertError> {
        version::check_protocol("coordinator", "the client", request.protocol_version)?;
        check_document(&request.spec_json, "SubmitRequest", "spec_json")?;
        Ok(Self { job: JobId::new(request.job_id)?, spec_json: request.spec_json })
    }
}

/// Whether a document has something in it and not too much.
pub(crate) fn check_document(
    document: &[u8],
    message: &'static str,
    field: &'static str,
) -> Result<(), ConvertError> {
    if (1..=DOCUMENT_BYTES).contains(&document.len()) {
        return Ok(());
    }
    let reason = format!("has {} bytes, must be 1 to {DOCUMENT_BYTES}", document.len());
    Err(ConvertError::new(message, field, reason))
}

impl From<JobId> for pb::JobRequest {
    fn from(job: JobId) -> Self {
        Self { job_id: job.into() }
    }
}

impl TryFrom<pb::JobRequest> for JobId {
    type Error = ConvertError;

    fn try_from(request: pb::JobRequest) -> Result<Self, ConvertError> {
        Ok(Self::new(request.job_id)?)
    }
}

/// A piece of a file of a job's result directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultChunk {
    /// The file.
    pub name: FileName,
    /// The piece.
    pub chunk: FileChunk,
}

impl From<ResultChunk> for pb::ResultChunk {
    fn from(result: ResultChunk) -> Self {
        Self { name: result.name.as_str().to_owned(), chunk: Some(result.chunk.into()) }
    }
}

impl TryFrom<pb::ResultChunk> for ResultChunk {
    type Error = ConvertError;

    fn try_from(result: pb::ResultChunk) -> Result<Self, ConvertError> {
        let chunk = file::chunk(result.chunk, "ResultChunk")?;
        Ok(Self { name: FileName::new(result.name)?, chunk })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, chunks, job_ids};

    proptest! {
        #[test]
        fn round_trips(
            job in job_ids(),
            spec in "[ -~]{1,40}",
            name in "[a-z]{1,9}",
            chunk in chunks(),
        ) {
            assert_round_trip::<_, pb::JobRequest>(job.clone());
            assert_round_trip::<_, pb::SubmitRequest>(Submission { job, spec_json: spec.into() });
            let name = FileName::new(name).unwrap();
            assert_round_trip::<_, pb::ResultChunk>(ResultChunk { name, chunk });
        }
    }

    fn submission() -> Submission {
        Submission { job: JobId::new("job-7").unwrap(), spec_json: "{}".into() }
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::SubmitRequest>(submission(), "080212056a6f622d371a027b7d");
        assert_golden::<pb::JobRequest>(submission().job, "0a056a6f622d37");
        let chunk = FileChunk { offset: 0, total_bytes: 0, data: Bytes::new() };
        let name = FileName::new("summary.json").unwrap();
        assert_golden::<pb::ResultChunk>(
            ResultChunk { name, chunk },
            "0a0c73756d6d6172792e6a736f6e1200",
        );
    }

    #[test]
    fn submissions_of_another_version_or_size_are_refused() {
        let refuse = |change: fn(&mut pb::SubmitRequest)| {
            let mut request = pb::SubmitRequest::from(submission());
            change(&mut request);
            Submission::try_from(request).unwrap_err()
        };
        let version = refuse(|request| request.protocol_version = 9);
        assert!(matches!(version, ConvertError::Version(_)), "{version}");
        let size = refuse(|request| request.spec_json = vec![b' '; DOCUMENT_BYTES + 1].into());
        assert!(size.to_string().contains("must be 1 to 16777216"), "{size}");
        refuse(|request| request.spec_json.clear());
        refuse(|request| request.job_id = "a/b".into());
    }
}
