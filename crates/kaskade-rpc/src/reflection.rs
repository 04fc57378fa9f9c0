//! Service `grpc.reflection.v1.ServerReflection`: what a server can be asked, for `grpcurl` and
//! its like. Behind the gate: it is for those who may look at jobs.

use tonic_reflection::pb::v1::server_reflection_server::{
    ServerReflection, ServerReflectionServer,
};
use tonic_reflection::server::Builder;

use crate::{health, limits};

/// The descriptors of `proto/`, from the build script.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// A server that lists `services` of this crate, `kaskade.v1.Jobs` and such, and their messages.
///
/// # Panics
/// Never: the descriptors are those that the build made.
#[must_use]
pub fn server(services: &[&str]) -> ServerReflectionServer<impl ServerReflection> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(health::DESCRIPTORS)
        .with_service_name("grpc.health.v1.Health");
    let named = services.iter().fold(builder, |builder, &name| builder.with_service_name(name));
    let server = named.build_v1().expect("the build script wrote descriptors");
    server.max_decoding_message_size(limits::SMALL_REQUEST_BYTES)
}
