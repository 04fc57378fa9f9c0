//! The arcs of a synthetic graph as a file.

use std::io::Write;
use std::path::Path;

use rayon::prelude::*;

use super::{ArcGenerator, chunks};
use crate::error::IngestError;
use crate::output::OutputFile;
use crate::progress::{Phase, Progress, Unit};
use crate::source::Encoding;
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
    let mut file = OutputFile::create(path, force, compression)?;
    progress.begin(Phase::Write, Some(generator.n_arcs()), Unit::Arcs);
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
            file.write_all(&bytes).map_err(|error| file.failed(error))?;
            progress.advance(n_arcs as u64);
        }
    }
    file.publish()
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
