//! gRPC without the clients of kaskade: any call, any token, any bytes.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use kaskade_rpc::channel::{self, Connection, Remote};
use kaskade_rpc::security::ClientSecurity;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

/// Messages as they are.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// The first answer to a call of `path` with one `message` and the header `authorization`.
pub(crate) async fn ask(
    connection: Connection,
    path: &'static str,
    authorization: &str,
    message: Bytes,
) -> Result<Bytes, Status> {
    let mut grpc = Grpc::new(connection);
    grpc.ready().await.expect("a connection is ready");
    let mut request = Request::new(tokio_stream::once(message));
    request.set_timeout(Duration::from_secs(20));
    let header = authorization.parse().expect("the header is text");
    request.metadata_mut().insert("authorization", header);
    let path = PathAndQuery::from_static(path);
    let mut replies = grpc.streaming(request, path, Raw).await?.into_inner();
    Ok(replies.message().await?.unwrap_or_default())
}

/// How a call of `path` with one `message` and the header `authorization` ends, or begins.
pub(crate) async fn call(
    connection: Connection,
    path: &'static str,
    authorization: Option<&str>,
    message: Bytes,
) -> Code {
    let mut grpc = Grpc::new(connection).max_encoding_message_size(usize::MAX);
    grpc.ready().await.expect("a connection is ready");
    let mut request = Request::new(tokio_stream::once(message));
    request.set_timeout(Duration::from_secs(20));
    if let Some(header) = authorization {
        let header = header.parse().expect("the header is text");
        request.metadata_mut().insert("authorization", header);
    }
    let answered = grpc.streaming(request, PathAndQuery::from_static(path), Raw).await;
    let status = match answered {
        Err(status) => Err(status),
        Ok(response) => {
            let mut replies = response.into_inner();
            // A session waits for what its worker says.
            let first = tokio::time::timeout(Duration::from_secs(1), replies.message()).await;
            first.unwrap_or(Ok(None)).map(drop)
        }
    };
    status.map_or_else(|status| status.code(), |()| Code::Ok)
}

/// A connection to `url` that shows nothing by itself but the certificate in `security`.
pub(crate) async fn connect(url: &str, security: &ClientSecurity) -> Connection {
    channel::connect(url, Remote::Coordinator, security).await.expect("the server listens")
}
