//! What every input is, before anything of it is read.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::InputFile;
use super::graphalytics::{Parts, find_part, stem};
use super::sniff;
use crate::error::IngestError;
use crate::spec::{Format, Input, ReadSpec};

/// What will be read.
pub(super) struct Plan {
    pub(super) inputs: Vec<Planned>,
    /// The bytes of it all on disk, where they are known.
    pub(super) input_bytes: Option<u64>,
    /// The channel of the input that is being planned, where there is one.
    channel: Option<u8>,
}

/// An input.
pub(super) struct Planned {
    pub(super) file: Arc<InputFile>,
    pub(super) kind: Kind,
}

/// What an input consists of.
pub(super) enum Kind {
    /// One stream of bytes.
    Stream {
        input: Input,
        /// The format that was asked for.
        forced: Option<Format>,
        /// The format that its name says.
        named: Option<Format>,
    },
    /// The files of a Graphalytics graph; the input's own are its arcs.
    Graphalytics { parts: Parts, vertices: Arc<InputFile> },
    /// The `.graph` and `.properties` files of a LAW graph.
    BvGraph { graph: PathBuf, properties: PathBuf },
}

/// The endings of the files of a LAW graph.
const BVGRAPH_ENDINGS: [&str; 4] = ["graph", "properties", "offsets", "ef"];

impl Plan {
    /// Plans the inputs of `spec`.
    ///
    /// # Errors
    /// [`IngestError`]: there is none, or one is not there, a directory, or lacks a part.
    pub(super) fn new(spec: &ReadSpec) -> Result<Self, IngestError> {
        let n_stdin = spec.inputs.iter().filter(|input| matches!(input, Input::Stdin)).count();
        match (spec.inputs.len(), n_stdin) {
            (0, _) => return Err(IngestError::NoInput),
            (_, 2..) => return Err(IngestError::StdinTwice),
            _ => {}
        }
        let mut plan = Self { inputs: Vec::new(), input_bytes: Some(0), channel: None };
        let mut stems = BTreeSet::new();
        for (place, input) in spec.inputs.iter().enumerate() {
            plan.channel = spec.channel_of.get(place).copied();
            let of_parts = match input {
                Input::File(path) => format_of_parts(path, spec.format),
                Input::Stdin | Input::Bytes { .. } => None,
            };
            match (input, of_parts) {
                (Input::File(path), Some(format)) => plan.add_parts(path, format, &mut stems)?,
                _ => plan.add_stream(input, spec.format)?,
            }
        }
        Ok(plan)
    }

    fn add_stream(&mut self, input: &Input, forced: Option<Format>) -> Result<(), IngestError> {
        let named = match input {
            Input::Stdin => None,
            Input::File(path) => {
                let metadata = look_at(path)?;
                self.count(metadata.is_file().then_some(metadata.len()));
                sniff::by_name(path)
            }
            Input::Bytes { name, bytes } => {
                self.count(Some(bytes.len() as u64));
                sniff::by_name(Path::new(name))
            }
        };
        if matches!(input, Input::Stdin) {
            self.count(None);
        }
        let file = self.next_file(input.path(), 0);
        let kind = Kind::Stream { input: input.clone(), forced, named };
        self.inputs.push(Planned { file, kind });
        Ok(())
    }

    /// Adds a graph of several files, unless another of them named it before.
    fn add_parts(
        &mut self,
        path: &Path,
        format: Format,
        stems: &mut BTreeSet<PathBuf>,
    ) -> Result<(), IngestError> {
        let is_bvgraph = format == Format::BvGraph;
        let stem = if is_bvgraph { stem(path, &BVGRAPH_ENDINGS) } else { Parts::stem(path) };
        if stems.contains(&stem) {
            return Ok(());
        }
        let planned = if is_bvgraph {
            let file = |ending| super::graphalytics::with_ending(&stem, ending);
            let (graph, properties) = (file("graph"), file("properties"));
            for path in [&graph, &properties] {
                self.count(Some(look_at(path)?.len()));
            }
            let file = self.next_file(graph.clone(), 0);
            Planned { file, kind: Kind::BvGraph { graph, properties } }
        } else {
            let parts = Parts::find(&stem)?;
            for path in [&parts.vertices, &parts.edges, &parts.properties] {
                self.count(Some(look_at(path)?.len()));
            }
            let vertices = self.next_file(parts.vertices.clone(), 0);
            let file = self.next_file(parts.edges.clone(), 1);
            Planned { file, kind: Kind::Graphalytics { parts, vertices } }
        };
        self.inputs.push(planned);
        stems.insert(stem);
        Ok(())
    }

    fn next_file(&self, path: PathBuf, part: usize) -> Arc<InputFile> {
        // An input has two files at most that lines are counted in.
        InputFile::new(2 * self.inputs.len() + part, path, self.channel)
    }

    fn count(&mut self, n_bytes: Option<u64>) {
        self.input_bytes =
            self.input_bytes.zip(n_bytes).map(|(sum, n_bytes)| sum.saturating_add(n_bytes));
    }
}

/// The format of the file at `path`, where it is one of several files.
fn format_of_parts(path: &Path, forced: Option<Format>) -> Option<Format> {
    let several = |format| matches!(format, Format::Graphalytics | Format::BvGraph);
    if let Some(format) = forced {
        return several(format).then_some(format);
    }
    let (bare, _) = sniff::split_compression(path);
    let has = |stem: &Path, ending| find_part(stem, ending).is_some();
    match bare.extension().and_then(|ending| ending.to_str()) {
        Some("graph" | "offsets" | "ef") if bare == path => {
            let stem = bare.with_extension("");
            let is_law = has(&stem, "properties") && has(&stem, "graph");
            is_law.then_some(Format::BvGraph)
        }
        Some("properties") if has(&bare.with_extension(""), "graph") => Some(Format::BvGraph),
        Some("v" | "e" | "properties") => Some(Format::Graphalytics),
        _ if path.symlink_metadata().is_ok() => None,
        _ if has(path, "e") && has(path, "properties") => Some(Format::Graphalytics),
        _ if has(path, "graph") && has(path, "properties") => Some(Format::BvGraph),
        _ => None,
    }
}

/// What the file system says of a file.
fn look_at(path: &Path) -> Result<Metadata, IngestError> {
    let metadata = std::fs::metadata(path)
        .map_err(|source| IngestError::Open { path: path.to_owned(), source })?;
    if metadata.is_dir() {
        return Err(IngestError::InputIsDirectory { path: path.to_owned() });
    }
    Ok(metadata)
}
