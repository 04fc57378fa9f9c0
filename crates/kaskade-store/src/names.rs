//! What the files of a graph directory are called.
//!
//! ```text
//! X.kg/manifest.json       what the directory is; written last, so it means "complete"
//! X.kg/nodes.kgn           original ids and degrees
//! X.kg/attributes.kga      the columns of the nodes, if there are any
//! X.kg/shards/00000.kgs    the arcs that end in the nodes of shard 0
//! ```

use std::path::{Path, PathBuf};

use kaskade_model::ShardId;

/// The ending of a graph directory, without the dot.
pub const GRAPH_SUFFIX: &str = "kg";
/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The name of the file with the id map and the degrees.
pub const NODES: &str = "nodes.kgn";
/// The name of the file with the columns of the nodes.
pub const ATTRIBUTES: &str = "attributes.kga";
/// The name of the folder with the shards.
pub const SHARDS: &str = "shards";

/// The ending of a shard file, without the dot.
pub const SHARD_SUFFIX: &str = "kgs";

/// The path of a shard relative to its graph directory.
#[must_use]
pub fn shard(shard: ShardId) -> PathBuf {
    Path::new(SHARDS).join(format!("{:05}.{SHARD_SUFFIX}", shard.0))
}
