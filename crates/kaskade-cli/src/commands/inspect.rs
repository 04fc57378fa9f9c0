//! `kaskade inspect`: any file that kaskade writes, told apart by its first bytes.

mod job_log;
mod rows;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use kaskade_results::{FileKind, ResultsError, Summary, read_directory, table as summary_table};
use kaskade_store::names;
use serde_json::Value;

use super::info::{GraphInfo, describe, table};
use super::token;
use crate::args::security::TokenListArgs;
use crate::args::tools::InspectArgs;
use crate::console::Console;
use crate::error::CliError;

/// Describes a directory or file.
pub(super) fn inspect(args: &InspectArgs, console: &Console) -> Result<(), CliError> {
    let path = &args.path;
    if fs::metadata(path).map_err(CliError::read_file(path))?.is_dir() {
        return directory(path, console);
    }
    match &first_bytes(path)? {
        b"KASKADE\0" => binary(path, console),
        [b'P', b'A', b'R', b'1', ..] => rows::print(path, console),
        [b'r', b'e', b'd', b'b', ..] => job_log::print(path, console),
        b"# kaskad" => token::list(&TokenListArgs { table: path.clone() }, console),
        [b'{', ..] => document(path, console),
        _ => Err(CliError::UnknownFile { path: path.clone() }),
    }
}

/// The first bytes of a file, zeros where it is shorter.
fn first_bytes(path: &Path) -> Result<[u8; 8], CliError> {
    let mut first = Vec::new();
    let file = File::open(path).map_err(CliError::read_file(path))?;
    file.take(8).read_to_end(&mut first).map_err(CliError::read_file(path))?;
    first.resize(8, 0);
    Ok(first.try_into().expect("it was resized to 8 bytes"))
}

/// A graph or result directory: both have a manifest.
fn directory(dir: &Path, console: &Console) -> Result<(), CliError> {
    let manifest = dir.join(names::MANIFEST);
    match Document::read(&manifest) {
        Ok(Document::Graph(manifest)) => {
            console.result(&GraphInfo::of(&manifest), || describe(dir, &manifest))
        }
        Ok(Document::ResultManifest(_)) => {
            let files = read_directory(dir)?;
            let file = FileKind::Summary;
            let summary = files.iter().find(|found| found.kind == file);
            let summary = summary.ok_or(ResultsError::MissingFile { file })?;
            let summary: Summary = serde_json::from_slice(&summary.bytes)
                .map_err(|source| ResultsError::Unreadable { file, source })?;
            console.result(&summary, || summary_table(&summary))
        }
        Ok(Document::Summary(_)) | Err(CliError::ReadFile { .. }) => {
            Err(CliError::UnknownFile { path: dir.to_owned() })
        }
        Err(error) => Err(error),
    }
}

/// The nodes or a shard of a graph.
fn binary(path: &Path, console: &Console) -> Result<(), CliError> {
    let file = kaskade_store::inspect(path)?;
    console.result(&file, || {
        let mut rows = vec![
            ("file", path.display().to_string()),
            ("kind", format!("{}, format version {}", file.kind, file.format_version)),
            ("nodes", format!("{}..{} of {}", file.nodes.begin, file.nodes.end, file.n_nodes)),
            ("arcs", file.n_arcs.to_string()),
            ("size", format!("{} bytes", file.file_bytes)),
            ("checksum", format!("{:08x}", file.header_checksum)),
        ];
        for section in &file.sections {
            let (at, bytes) = (section.offset_bytes, section.length_bytes);
            let element_bytes = section.element_bytes;
            let text = format!("{bytes} bytes at {at}, {element_bytes} an element");
            rows.push((section.name, text));
        }
        table(&rows)
    })
}

/// A manifest or a summary.
fn document(path: &Path, console: &Console) -> Result<(), CliError> {
    match Document::read(path)? {
        Document::Graph(manifest) => console.result(&manifest, || describe(path, &manifest)),
        Document::Summary(summary) => console.result(&summary, || summary_table(&summary)),
        // Nothing is left out of it, so its own text is the shortest description.
        Document::ResultManifest(manifest) => console.data(&manifest.to_json()),
    }
}

/// A JSON document that kaskade writes.
enum Document {
    Graph(Box<kaskade_store::Manifest>),
    ResultManifest(Box<kaskade_results::Manifest>),
    Summary(Box<Summary>),
}

/// Larger documents are no manifests and no summaries of kaskade.
const MAX_DOCUMENT_BYTES: u64 = 256 << 20;

impl Document {
    fn read(path: &Path) -> Result<Self, CliError> {
        let unread = || CliError::read_file(path);
        let unknown = || CliError::UnknownFile { path: path.to_owned() };
        if fs::metadata(path).map_err(unread())?.len() > MAX_DOCUMENT_BYTES {
            return Err(unknown());
        }
        let contents = fs::read(path).map_err(unread())?;
        let value: Value = serde_json::from_slice(&contents).map_err(|_| unknown())?;
        if value.get("format_version").is_some() {
            let manifest = kaskade_store::Manifest::parse(path, &contents)?;
            Ok(Self::Graph(Box::new(manifest)))
        } else if value.get("spread").is_some() {
            let file = FileKind::Summary;
            let summary = serde_json::from_value(value)
                .map_err(|source| ResultsError::Unreadable { file, source })?;
            Ok(Self::Summary(Box::new(summary)))
        } else if value.get("schema_version").is_some() {
            let manifest = kaskade_results::Manifest::parse(&contents)?;
            Ok(Self::ResultManifest(Box::new(manifest)))
        } else {
            Err(unknown())
        }
    }
}
