//! Generates the wire code from `proto/` into `OUT_DIR`, without `protoc`.

use std::error::Error;
use std::path::Path;

use prost::Message;

const FILES: [&str; 3] =
    ["kaskade/v1/job.proto", "kaskade/v1/control.proto", "kaskade/v1/exchange.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [root])?;
    // What a test holds against the table of who may call what.
    let services = descriptors.file.iter().flat_map(|file| {
        file.service.iter().map(|service| (file.package(), service.name(), &service.method))
    });
    let rpcs = services.flat_map(|(package, service, methods)| {
        methods.iter().map(move |method| format!("/{package}.{service}/{}", method.name()))
    });
    let list = format!("&{:?}", rpcs.collect::<Vec<_>>());
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("rpcs.rs"), list)?;
    // What reflection shows.
    std::fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // `Bytes` instead of `Vec<u8>`: a received payload stays a slice of its message.
        .bytes(".")
        // No `connect` functions: `channel` is the only way to a server.
        .build_transport(false)
        .codec_path("crate::codec::ChunkCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
