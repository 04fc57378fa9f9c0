//! Service `Graphs`: clients see which graphs there are and bring new ones, in pieces and
//! resumably: what a broken push left is asked for from where it ended.

use bytes::Bytes;

use crate::channel::Connection;
use crate::convert::{digest, graph_name, required};
use crate::error::ConvertError;
use crate::file::{self, FileChunk, GraphFile};
use crate::jobs::check_document;
use crate::limits::{self, CLIENT_MESSAGE_BYTES};
use crate::pb;
use crate::version::{self, PROTOCOL_VERSION};

pub use pb::graphs_server::Graphs;

/// What a client calls.
pub type Client = pb::graphs_client::GraphsClient<Connection>;

/// What a coordinator serves.
pub type Server<S> = pb::graphs_server::GraphsServer<S>;

/// A client over `connection`, with the limits of this crate.
#[must_use]
pub fn client(connection: Connection) -> Client {
    Client::new(connection)
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES)
        .max_encoding_message_size(limits::LEFT_TO_THE_SERVER)
}

/// A server of `service`, with the limits of this crate.
#[must_use]
pub fn server<S: Graphs>(service: S) -> Server<S> {
    Server::new(service)
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES)
        .max_encoding_message_size(CLIENT_MESSAGE_BYTES)
}

/// A graph that jobs can run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphInfo {
    /// Its name.
    pub name: String,
    /// Its digest, lower-case hexadecimal.
    pub digest: String,
    /// Nodes.
    pub n_nodes: u32,
    /// Arcs.
    pub n_arcs: u64,
    /// Shards.
    pub n_shards: u32,
    /// The length of all its files, in bytes.
    pub n_bytes: u64,
}

impl From<GraphInfo> for pb::GraphInfo {
    fn from(info: GraphInfo) -> Self {
        Self {
            name: info.name,
            digest: info.digest,
            n_nodes: info.n_nodes,
            n_arcs: info.n_arcs,
            n_shards: info.n_shards,
            n_bytes: info.n_bytes,
        }
    }
}

impl TryFrom<pb::GraphInfo> for GraphInfo {
    type Error = ConvertError;

    fn try_from(info: pb::GraphInfo) -> Result<Self, ConvertError> {
        Ok(Self {
            name: graph_name(info.name)?,
            digest: digest(info.digest, "GraphInfo", "digest")?,
            n_nodes: info.n_nodes,
            n_arcs: info.n_arcs,
            n_shards: info.n_shards,
            n_bytes: info.n_bytes,
        })
    }
}

/// A graph announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushAnnouncement {
    /// The name to publish it under.
    pub name: String,
    /// Its manifest, 1 to [`DOCUMENT_BYTES`](crate::limits::DOCUMENT_BYTES) bytes, not
    /// looked into yet.
    pub manifest_json: Bytes,
}

impl From<PushAnnouncement> for pb::BeginPushRequest {
    fn from(announcement: PushAnnouncement) -> Self {
        Self {
            protocol_version: PROTOCOL_VERSION,
            name: announcement.name,
            manifest_json: announcement.manifest_json,
        }
    }
}

impl TryFrom<pb::BeginPushRequest> for PushAnnouncement {
    type Error = ConvertError;

    fn try_from(request: pb::BeginPushRequest) -> Result<Self, ConvertError> {
        version::check_protocol("coordinator", "the client", request.protocol_version)?;
        check_document(&request.manifest_json, "BeginPushRequest", "manifest_json")?;
        Ok(Self { name: graph_name(request.name)?, manifest_json: request.manifest_json })
    }
}

/// The name of the graph that `request` wants published.
///
/// # Errors
/// [`ConvertError::Name`] when it is none: it would be a path.
pub fn pushed_name(request: pb::FinishPushRequest) -> Result<String, ConvertError> {
    graph_name(request.name)
}

/// A file that the coordinator still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededFile {
    /// The file.
    pub file: GraphFile,
    /// From where to send it, in bytes.
    pub offset: u64,
}

impl From<NeededFile> for pb::NeededFile {
    fn from(needed: NeededFile) -> Self {
        Self { file: Some(needed.file.into()), offset: needed.offset }
    }
}

impl TryFrom<pb::NeededFile> for NeededFile {
    type Error = ConvertError;

    fn try_from(needed: pb::NeededFile) -> Result<Self, ConvertError> {
        let file = required(needed.file, "NeededFile", "file")?.try_into()?;
        Ok(Self { file, offset: needed.offset })
    }
}

/// A piece of a file of an announced graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushChunk {
    /// The graph's name.
    pub name: String,
    /// The file.
    pub file: GraphFile,
    /// The piece.
    pub chunk: FileChunk,
}

impl From<PushChunk> for pb::PushChunk {
    fn from(push: PushChunk) -> Self {
        Self { name: push.name, file: Some(push.file.into()), chunk: Some(push.chunk.into()) }
    }
}

impl TryFrom<pb::PushChunk> for PushChunk {
    type Error = ConvertError;

    fn try_from(push: pb::PushChunk) -> Result<Self, ConvertError> {
        Ok(Self {
            name: graph_name(push.name)?,
            file: required(push.file, "PushChunk", "file")?.try_into()?,
            chunk: file::chunk(push.chunk, "PushChunk")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::ids::ShardId;
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, chunks, graph_files};

    proptest! {
        #[test]
        fn round_trips(
            name in "[a-z0-9_-]{1,20}",
            digest in "[0-9a-f]{1,64}",
            numbers in any::<(u32, u64, u32, u64)>(),
            file in graph_files(),
            chunk in chunks(),
        ) {
            let manifest_json = Bytes::from(digest.clone());
            let announced = PushAnnouncement { name: name.clone(), manifest_json };
            assert_round_trip::<_, pb::BeginPushRequest>(announced);
            assert_round_trip::<_, pb::NeededFile>(NeededFile { file, offset: numbers.1 });
            assert_round_trip::<_, pb::PushChunk>(PushChunk { name: name.clone(), file, chunk });
            let (n_nodes, n_arcs, n_shards, n_bytes) = numbers;
            assert_round_trip::<_, pb::GraphInfo>(
                GraphInfo { name, digest, n_nodes, n_arcs, n_shards, n_bytes },
            );
        }
    }

    fn announcement() -> PushAnnouncement {
        PushAnnouncement { name: "wiki".into(), manifest_json: "{}".into() }
    }

    #[test]
    fn golden_bytes() {
        let file = GraphFile::Shard(ShardId(1));
        assert_golden::<pb::BeginPushRequest>(announcement(), "0802120477696b691a027b7d");
        assert_golden::<pb::NeededFile>(NeededFile { file, offset: 300 }, "0a040803100110ac02");
        let chunk = FileChunk { offset: 1, total_bytes: 2, data: "x".into() };
        assert_golden::<pb::PushChunk>(
            PushChunk { name: "wiki".into(), file, chunk },
            "0a0477696b691204080310011a0d080110021a01782093bff1c90a",
        );
        let info = GraphInfo {
            name: "wiki".into(),
            digest: "0f".into(),
            n_nodes: 3,
            n_arcs: 4,
            n_shards: 5,
            n_bytes: 600,
        };
        assert_golden::<pb::GraphInfo>(info, "0a0477696b691202306618032004280530d804");
    }

    #[test]
    fn pushes_of_another_version_or_to_a_path_are_refused() {
        let refuse = |change: fn(&mut pb::BeginPushRequest)| {
            let mut request = pb::BeginPushRequest::from(announcement());
            change(&mut request);
            PushAnnouncement::try_from(request).unwrap_err()
        };
        let version = refuse(|request| request.protocol_version = 0);
        assert!(matches!(version, ConvertError::Version(_)), "{version}");
        let path = refuse(|request| request.name = "../etc".into());
        assert!(matches!(path, ConvertError::Name(_)), "{path}");
        refuse(|request| request.manifest_json.clear());
        let finish = pb::FinishPushRequest { name: "a/../../b".into() };
        assert!(matches!(pushed_name(finish), Err(ConvertError::Name(_))));
    }
}
