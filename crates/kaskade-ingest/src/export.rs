//! A graph directory to a file of arcs.
//!
//! The arcs come shard by shard, within a shard by source and then target; of a graph with an
//! in-view alone by target and then source; dense ids decide. A file holds arcs in the sense
//! `influence`, whatever the input of the graph said.

mod arcs;
mod columns;
mod decimal;
mod text;

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use kaskade_model::Shard;
use kaskade_store::{Graph, Views};
use rayon::prelude::*;

use crate::error::IngestError;
use crate::progress::{Phase, Progress, Unit};
use crate::source::{Compression, Encoding};
use arcs::{Piece, Source, isolated_nodes};

/// What to export, and where to.
#[derive(Clone, Debug)]
pub struct ExportSpec {
    /// The file; its format by its ending: `.txt`, `.tsv` or `.csv`, then `.gz` or `.zst` if
    /// wanted, or `.parquet`.
    pub out: PathBuf,
    /// Whether to replace an existing file.
    pub force: bool,
    /// Whether nodes without arcs are written, each as an arc to itself: that is how a build
    /// learns of them.
    pub isolated_as_self_loops: bool,
    /// Of a graph with channels the one whose arcs are written.
    pub channel: Option<String>,
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Arcs written.
    pub n_arcs: u64,
    /// Arcs from a node to itself written beside them, one a node without arcs.
    pub n_self_loops: u64,
    /// Nodes that are not in the file because they have no arc.
    pub n_omitted_nodes: u64,
}

/// Writes the arcs of `graph`, the directory `dir`, all of whose shards must be mapped and
/// fully verified, to a file of original ids, with the column where there is one, or those of one channel. A build of
/// that file gives a graph of the same digest, unless nodes without arcs are left out.
///
/// O(arcs + nodes · shards) time, the memory of a few million arcs at most; formatted in
/// parallel on the current pool, and written by a thread of its own.
///
/// # Errors
/// [`IngestError::ExportEnding`], [`IngestError::OutputExists`], [`IngestError::Write`],
/// [`IngestError::Interrupted`], [`IngestError::ExportChannel`] or [`IngestError::NoChannel`] for a
/// graph with channels, or [`kaskade_store::StoreError::MissingSection`] for a column
/// without an out-view. No file is left behind then.
pub fn export(
    graph: &Graph,
    dir: &Path,
    spec: &ExportSpec,
    progress: &dyn Progress,
) -> Result<Exported, IngestError> {
    let manifest = graph.manifest();
    let has_column = !manifest.columns.is_empty();
    if has_column {
        // In-views hold the sums of a column, out-views its values.
        manifest.require(dir, Views::Out)?;
    }
    let channel = channel(graph, dir, spec.channel.as_deref())?;
    let format = ExportFormat::of(&spec.out)?;
    progress.begin(Phase::Write, Some(manifest.n_arcs), Unit::Arcs);
    let isolated = if spec.isolated_as_self_loops { isolated_nodes(graph) } else { Vec::new() };
    let exported = Exported {
        n_arcs: channel.map_or(manifest.n_arcs, |place| arcs_of_channel(graph, place)),
        n_self_loops: isolated.len() as u64,
        n_omitted_nodes: manifest.n_isolated_nodes.saturating_sub(isolated.len() as u64),
    };
    let source = Source { graph, channel, isolated };
    match format {
        ExportFormat::Text(form, compression) => {
            text::write(&source, form, compression, spec, progress)?;
        }
        ExportFormat::Parquet => columns::write(&source, spec, progress)?,
    }
    Ok(exported)
}

/// The place of the channel named `name`, which a graph with channels needs.
fn channel(graph: &Graph, dir: &Path, name: Option<&str>) -> Result<Option<u8>, IngestError> {
    let manifest = graph.manifest();
    let known = || match manifest.channels.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    match name {
        None if manifest.channels.is_empty() => Ok(None),
        None => Err(IngestError::ExportChannel { known: known() }),
        Some(name) => {
            manifest.require(dir, Views::Out)?;
            let place = manifest.channels.iter().position(|channel| channel == name);
            let unknown = || IngestError::NoChannel { name: name.to_owned(), known: known() };
            // A graph has at most 8.
            Ok(Some(place.ok_or_else(unknown)? as u8))
        }
    }
}

fn arcs_of_channel(graph: &Graph, place: u8) -> u64 {
    let channels = graph.shards().iter().filter_map(Shard::arc_channels).flatten();
    channels.filter(|channels| *channels >> place & 1 == 1).count() as u64
}

/// The format that a file's ending asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExportFormat {
    Text(text::TextForm, Compression),
    Parquet,
}

impl ExportFormat {
    fn of(path: &Path) -> Result<Self, IngestError> {
        let compression = Encoding::of(path).compression;
        let bare = match compression {
            Compression::None => path.as_os_str(),
            _ => path.file_stem().unwrap_or_default(),
        };
        match Path::new(bare).extension().and_then(|ending| ending.to_str()) {
            Some("txt") => Ok(Self::Text(text::TextForm::Plain, compression)),
            Some("tsv") => Ok(Self::Text(text::TextForm::Tabs, compression)),
            Some("csv") => Ok(Self::Text(text::TextForm::Commas, compression)),
            // Its pages are compressed within.
            Some("parquet") if compression == Compression::None => Ok(Self::Parquet),
            _ => Err(IngestError::ExportEnding { path: path.into() }),
        }
    }
}

/// Windows of pieces that are formatted ahead of the writer.
const WINDOWS_AHEAD: usize = 1;

/// Formats all arcs of `source` in pieces, in parallel, and hands them to `write` in order, on
/// a thread of its own: compression and the disk do not wait for each other.
///
/// # Errors
/// What `write` answers; [`IngestError::Interrupted`].
fn stream<P: Send>(
    source: &Source<'_>,
    progress: &dyn Progress,
    format: impl Fn(&Piece) -> P + Sync,
    mut write: impl FnMut(P) -> Result<(), IngestError> + Send,
) -> Result<(), IngestError> {
    let (sender, receiver) = sync_channel::<Vec<(u64, P)>>(WINDOWS_AHEAD);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for window in receiver {
                for (n_arcs, formatted) in window {
                    write(formatted)?;
                    progress.advance(n_arcs);
                }
            }
            Ok(())
        });
        let mut pieces = source.pieces();
        let window_pieces = 4 * rayon::current_num_threads();
        let mut interrupted = Ok(());
        loop {
            if progress.interrupted() {
                interrupted = Err(IngestError::Interrupted);
                break;
            }
            let window: Vec<Piece> = pieces.by_ref().take(window_pieces).collect();
            if window.is_empty() {
                break;
            }
            let formatted = window.par_iter().map(|piece| (piece.n_arcs, format(piece)));
            // The writer has left after an error, which it tells.
            if sender.send(formatted.collect()).is_err() {
                break;
            }
        }
        drop(sender);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(interrupted)
    })
}

#[cfg(test)]
mod tests;
