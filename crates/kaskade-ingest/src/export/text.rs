//! Arcs as text, a line each.

use std::io::Write;

use kaskade_model::spec::OriginalId;

use super::arcs::{Piece, Source};
use super::decimal::Decimal;
use super::{ExportSpec, stream};
use crate::error::IngestError;
use crate::output::OutputFile;
use crate::progress::Progress;
use crate::source::Compression;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// Fields parted by tabs, no header: what SNAP's files are.
    Plain,
    /// Fields parted by tabs below a header.
    Tabs,
    /// Fields parted by commas below a header.
    Commas,
}

/// The bytes that most lines fit in.
const LINE_BYTES: usize = 24;

impl TextForm {
    fn separator(self) -> u8 {
        if self == Self::Commas { b',' } else { b'\t' }
    }

    fn header(self, has_column: bool) -> Vec<u8> {
        if self == Self::Plain {
            return Vec::new();
        }
        let names: &[&[u8]] = if has_column {
            &[b"source", b"target", b"probability"]
        } else {
            &[b"source", b"target"]
        };
        let mut line = names.join(&self.separator());
        line.push(b'\n');
        line
    }

    fn format(self, source: &Source<'_>, piece: &Piece) -> Vec<u8> {
        let mut text = Vec::with_capacity(piece.n_arcs as usize * LINE_BYTES);
        source.for_each_arc(piece, |arc| {
            append_id(arc.source, &mut text);
            text.push(self.separator());
            append_id(arc.target, &mut text);
            if let Some(threshold) = arc.threshold {
                text.push(self.separator());
                Decimal::of(threshold).append_to(&mut text);
            }
            text.push(b'\n');
        });
        text
    }
}

/// The one place where an id becomes text.
fn append_id(id: OriginalId, text: &mut Vec<u8>) {
    write!(text, "{id}").expect("memory can be written");
}

/// Writes the arcs of `source` as text.
pub(super) fn write(
    source: &Source<'_>,
    form: TextForm,
    compression: Compression,
    spec: &ExportSpec,
    progress: &dyn Progress,
) -> Result<(), IngestError> {
    let mut file = OutputFile::create(&spec.out, spec.force, compression)?;
    let header = form.header(source.has_column());
    file.write_all(&header).map_err(|error| file.failed(error))?;
    let format = |piece: &Piece| form.format(source, piece);
    let write = |text: Vec<u8>| file.write_all(&text).map_err(|error| file.failed(error));
    stream(source, progress, format, write)?;
    file.publish()
}
