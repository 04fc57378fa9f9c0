//! The arcs of a synthetic graph as a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use rayon::prelude::*;
use tempfile::NamedTempFile;

use super::{ArcGenerator, chunks};
use crate::error::IngestError;
use crate::progress::{Phase, Progress, Unit};
use crate::source::{Compression, Encoding};
use crate::spec::Format;

/// Writes the arcs of `generator` to `path`, under a temporary name until they are complete.
///
/// # Errors
/// [`IngestError::UnknownEnding`], [`IngestError::OutputExists`], [`IngestError::Write`] or
/// [`IngestError::Interrupted`].
pub(super) fn write(
    generator: &dyn ArcGenerator,
    path: &Path,
    force: bool,
    progress: &dyn Progress,
) -> Result<(), IngestError> {
    let Encoding { format: Some(format), compression } = Encoding::of(path) else {
        return Err(IngestError::UnknownEnding { path: path.into() });
    };
    let failed = |source| IngestError::Write { path: path.into(), source };
    if !force && path.try_exists().map_err(failed)? {
        return Err(IngestError::OutputExists { path: path.into() });
    }
    progress.begin(Phase::Write, Some(generator.n_arcs()), Unit::Arcs);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Made by `File::create_new`, for the permissions that a file has here.
    let file = tempfile::Builder::new()
        .prefix(".kaskade-generate-")
        .make_in(folder.unwrap_or(Path::new(".")), |path| File::create_new(path))
        .map_err(failed)?;
    let mut sink = Sink::new(file, compression).map_err(failed)?;
    let all = chunks(generator);
    // Drawn and formatted in parallel, a few chunks at a time, and written in order.
    let window = 2 * rayon::current_num_threads();
    for begin in all.clone().step_by(window) {
        if progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let window = begin..(begin + window as u64).min(all.end);
        let formatted: Vec<(usize, Vec<u8>)> = window
            .into_par_iter()
            .map(|chunk| {
                let arcs = generator.chunk(chunk);
                (arcs.len(), format_arcs(&arcs, format))
            })
            .collect();
        for (n_arcs, bytes) in formatted {
            sink.write_all(&bytes).map_err(failed)?;
            progress.advance(n_arcs as u64);
        }
    }
    let file = sink.finish().map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    let published = if force { file.persist(path) } else { file.persist_noclobber(path) };
    published.map(|_| ()).map_err(|refused| match refused.error.kind() {
        io::ErrorKind::AlreadyExists => IngestError::OutputExists { path: path.into() },
        _ => failed(refused.error),
    })
}

fn format_arcs(arcs: &[[u32; 2]], format: Format) -> Vec<u8> {
    match format {
        Format::PairsU32 => arcs.iter().flatten().flat_map(|id| id.to_le_bytes()).collect(),
        Format::PairsU64 => {
            arcs.iter().flatten().flat_map(|&id| u64::from(id).to_le_bytes()).collect()
        }
        // An ending names no other.
        _ => {
            let mut text = Vec::with_capacity(arcs.len() * 16);
            for [from, to] in arcs {
                writeln!(text, "{from}\t{to}").expect("memory can be written");
            }
            text
        }
    }
}

/// A file that compresses what is written to it.
enum Sink {
    Plain(BufWriter<NamedTempFile>),
    Gzip(GzEncoder<NamedTempFile>),
    Zstd(zstd::Encoder<'static, NamedTempFile>),
}

impl Sink {
    fn new(file: NamedTempFile, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(BufWriter::new(file)),
            Compression::Gzip => Self::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => {
                Self::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?)
            }
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<NamedTempFile> {
        match self {
            Self::Plain(file) => Ok(file.into_inner()?),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}
