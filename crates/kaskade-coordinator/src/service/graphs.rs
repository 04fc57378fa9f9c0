//! Graphs, for clients.

use std::pin::Pin;

use kaskade_rpc::graphs::{self, Graphs, PushAnnouncement, PushChunk};
use kaskade_rpc::pb;
use kaskade_rpc::security::Caller;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::with_files;
use crate::registry::Registry;

/// The service that clients push graphs to.
#[derive(Clone, Debug)]
pub(crate) struct GraphsService {
    pub(crate) registry: Registry,
}

#[tonic::async_trait]
impl Graphs for GraphsService {
    type ListStream = Pin<Box<dyn Stream<Item = Result<pb::GraphInfo, Status>> + Send>>;

    async fn list(
        &self,
        _request: Request<pb::ListGraphsRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let registry = self.registry.clone();
        let graphs = with_files(move || registry.list()).await?;
        let replies = tokio_stream::iter(graphs).map(|info| Ok(info.into()));
        Ok(Response::new(Box::pin(replies)))
    }

    async fn begin_push(
        &self,
        request: Request<pb::BeginPushRequest>,
    ) -> Result<Response<pb::BeginPushReply>, Status> {
        let caller = Caller::of(&request);
        let announcement = PushAnnouncement::try_from(request.into_inner())?;
        caller.note_graph(&announcement.name);
        let registry = self.registry.clone();
        let needed = with_files(move || registry.begin_push(&announcement)).await?;
        let needed = needed.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::BeginPushReply { needed }))
    }

    async fn push_file(
        &self,
        request: Request<Streaming<pb::PushChunk>>,
    ) -> Result<Response<pb::PushFileReply>, Status> {
        let caller = Caller::of(&request);
        let mut chunks = request.into_inner();
        let mut held_bytes = 0;
        while let Some(chunk) = chunks.message().await? {
            let PushChunk { name, file, chunk } = chunk.try_into()?;
            caller.note_graph(&name);
            let registry = self.registry.clone();
            held_bytes = with_files(move || registry.push_chunk(&name, file, &chunk)).await?;
        }
        Ok(Response::new(pb::PushFileReply { held_bytes }))
    }

    async fn finish_push(
        &self,
        request: Request<pb::FinishPushRequest>,
    ) -> Result<Response<pb::GraphInfo>, Status> {
        let caller = Caller::of(&request);
        let name = graphs::pushed_name(request.into_inner())?;
        caller.note_graph(&name);
        let registry = self.registry.clone();
        let info = with_files(move || registry.finish_push(&name)).await?;
        Ok(Response::new(info.into()))
    }
}
