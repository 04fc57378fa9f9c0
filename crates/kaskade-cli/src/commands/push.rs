//! `kaskade graph push`.

use std::fs;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use indicatif::ProgressBar;
use kaskade_model::ids::is_plain_name;
use kaskade_rpc::file::{FileChunk, GraphFile};
use kaskade_rpc::graphs::{GraphInfo, NeededFile, PushAnnouncement, PushChunk};
use kaskade_rpc::{graphs, limits, pb};
use kaskade_store::{Manifest, names};
use serde::Serialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::connection::{self, block_on};
use super::info::table;
use crate::args::graph::PushArgs;
use crate::console::{Console, Counted};
use crate::error::CliError;

/// Pieces of a file that are read ahead of the network.
const CHUNKS_AHEAD: usize = 8;

/// Registers a graph directory with a coordinator, sending what it does not hold yet.
pub(super) fn push(args: PushArgs, console: &Console) -> Result<(), CliError> {
    let manifest = Manifest::read(&args.dir)?;
    let manifest_path = args.dir.join(names::MANIFEST);
    let manifest_json = fs::read(&manifest_path).map_err(CliError::read_file(&manifest_path))?;
    let name = match args.name {
        Some(name) => name,
        None => name_of(&args.dir)?,
    };
    let announcement = PushAnnouncement { name: name.clone(), manifest_json: manifest_json.into() };
    let info = block_on(async {
        let mut graphs = connection::graphs(&args.client).await?;
        let reply = graphs.begin_push(limits::request(announcement.into())).await?.into_inner();
        let needed = reply.needed.into_iter().map(NeededFile::try_from);
        let needed = needed.collect::<Result<Vec<_>, _>>()?;
        let bar = console.bar("sending", Some(missing_bytes(&manifest, &needed)), Counted::Bytes);
        for file in needed {
            send(&mut graphs, &args.dir, &name, file, &bar).await?;
        }
        bar.finish_and_clear();
        // Verifying takes a coordinator as long as it takes to read the graph: no deadline.
        let request = pb::FinishPushRequest { name: name.clone() };
        let reply = graphs.finish_push(request).await?;
        Ok(GraphInfo::try_from(reply.into_inner())?)
    })?;
    let pushed = Pushed {
        name: &info.name,
        digest: &info.digest,
        nodes: info.n_nodes,
        arcs: info.n_arcs,
        shards: info.n_shards,
        bytes: info.n_bytes,
    };
    console.result(&pushed, || {
        table(&[
            ("graph", info.name.clone()),
            ("nodes", info.n_nodes.to_string()),
            ("arcs", info.n_arcs.to_string()),
            ("shards", info.n_shards.to_string()),
            ("size", format!("{} bytes", info.n_bytes)),
            ("digest", info.digest.clone()),
        ])
    })
}

/// What `--json` prints of a registered graph.
#[derive(Debug, Serialize)]
struct Pushed<'a> {
    name: &'a str,
    digest: &'a str,
    nodes: u32,
    arcs: u64,
    shards: u32,
    bytes: u64,
}

/// The directory's own name, without its ending.
fn name_of(dir: &Path) -> Result<String, CliError> {
    let name = dir.file_stem().and_then(|name| name.to_str()).filter(|name| is_plain_name(name));
    name.map(str::to_owned).ok_or_else(|| {
        let dir = dir.display();
        CliError::Usage(format!("{dir} does not name a graph: give one with --name NAME"))
    })
}

fn missing_bytes(manifest: &Manifest, needed: &[NeededFile]) -> u64 {
    let missing = |needed: &NeededFile| {
        let file = manifest.files().find(|file| file.path == path_of(needed.file));
        file.map_or(0, |file| file.file_bytes.saturating_sub(needed.offset))
    };
    needed.iter().map(missing).sum()
}

/// Where a file lies in its graph directory.
fn path_of(file: GraphFile) -> PathBuf {
    match file {
        GraphFile::Manifest => names::MANIFEST.into(),
        GraphFile::Nodes => names::NODES.into(),
        GraphFile::Attributes => names::ATTRIBUTES.into(),
        GraphFile::Shard(shard) => names::shard(shard),
    }
}

/// Sends `needed` from its offset on.
async fn send(
    graphs: &mut graphs::Client,
    dir: &Path,
    name: &str,
    needed: NeededFile,
    bar: &ProgressBar,
) -> Result<(), CliError> {
    let path = dir.join(path_of(needed.file));
    let (chunks, queue) = mpsc::channel(CHUNKS_AHEAD);
    let read = async {
        let mut pieces = Pieces::open(&path, needed.offset).await?;
        loop {
            let chunk = pieces.next(&path).await?;
            bar.inc(chunk.data.len() as u64);
            let is_last = chunk.is_last();
            let push = PushChunk { name: name.to_owned(), file: needed.file, chunk };
            // A coordinator that does not want the rest says why in its answer.
            if chunks.send(push.into()).await.is_err() || is_last {
                break;
            }
        }
        drop(chunks);
        Ok::<_, CliError>(())
    };
    let answer = async { Ok(graphs.push_file(ReceiverStream::new(queue)).await?) };
    tokio::try_join!(read, answer).map(|_| ())
}

/// A file in pieces.
#[derive(Debug)]
struct Pieces {
    file: File,
    offset: u64,
    total_bytes: u64,
}

impl Pieces {
    async fn open(path: &Path, offset: u64) -> Result<Self, CliError> {
        let unread = || CliError::read_file(path);
        let mut file = File::open(path).await.map_err(unread())?;
        let total_bytes = file.metadata().await.map_err(unread())?.len();
        file.seek(SeekFrom::Start(offset)).await.map_err(unread())?;
        Ok(Self { file, offset, total_bytes })
    }

    /// The next piece; empty where nothing is left.
    async fn next(&mut self, path: &Path) -> Result<FileChunk, CliError> {
        let left_bytes = self.total_bytes.saturating_sub(self.offset);
        let n_bytes = left_bytes.min(limits::CHUNK_BYTES as u64) as usize;
        let mut data = vec![0; n_bytes];
        self.file.read_exact(&mut data).await.map_err(CliError::read_file(path))?;
        let (offset, total_bytes) = (self.offset, self.total_bytes);
        self.offset += n_bytes as u64;
        Ok(FileChunk { offset, total_bytes, data: Bytes::from(data) })
    }
}
