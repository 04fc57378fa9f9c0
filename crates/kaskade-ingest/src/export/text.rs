//! Arcs as text, a line each.

use std::io::Write;

use kaskade_store::Strings;

use super::arcs::{Id, Piece, Source};
use super::decimal::Decimal;
use super::{ExportSpec, stream};
use crate::error::IngestError;
use crate::output::OutputFile;
use crate::progress::Progress;
use crate::source::{Compression, quote};

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
            self.append_id(arc.source, &mut text);
            text.push(self.separator());
            self.append_id(arc.target, &mut text);
            if let Some(threshold) = arc.threshold {
                text.push(self.separator());
                Decimal::of(threshold).append_to(&mut text);
            }
            text.push(b'\n');
        });
        text
    }

    /// Appends an id; below a header, names that would not read back are quoted as RFC 4180
    /// says.
    fn append_id(self, id: Id<'_>, text: &mut Vec<u8>) {
        match id {
            Id::Number(number) => write!(text, "{number}").expect("memory can be written"),
            Id::Name(name) if self.reads_back(name) => text.extend_from_slice(name),
            Id::Name(name) => {
                text.push(b'"');
                for &byte in name {
                    if byte == b'"' {
                        text.push(b'"');
                    }
                    text.push(byte);
                }
                text.push(b'"');
            }
        }
    }

    /// Whether a reader finds `name` as it is, unquoted.
    fn reads_back(self, name: &[u8]) -> bool {
        let separates = |byte: &u8| match self {
            Self::Plain => byte.is_ascii_whitespace() || matches!(byte, b',' | b'"'),
            Self::Tabs | Self::Commas => {
                *byte == self.separator() || matches!(byte, b'"' | b'\n' | b'\r' | b' ')
            }
        };
        let may_be_a_comment = matches!(name.first(), None | Some(b'#' | b'%'));
        !may_be_a_comment && !name.iter().any(separates)
    }
}

/// Writes the arcs of `source` as text.
pub(super) fn write(
    source: &Source<'_>,
    form: TextForm,
    compression: Compression,
    spec: &ExportSpec,
    progress: &dyn Progress,
) -> Result<(), IngestError> {
    if form == TextForm::Plain
        && let Some(names) = source.names()
        && let Some(name) = first_that(names, |name| !form.reads_back(name))
    {
        return Err(IngestError::ExportName { path: spec.out.clone(), name: quote(name) });
    }
    let mut file = OutputFile::create(&spec.out, spec.force, compression)?;
    let header = form.header(source.has_column());
    file.write_all(&header).map_err(|error| file.failed(error))?;
    let format = |piece: &Piece| form.format(source, piece);
    let write = |text: Vec<u8>| file.write_all(&text).map_err(|error| file.failed(error));
    stream(source, progress, format, write)?;
    file.publish()
}

fn first_that<'a>(names: Strings<'a>, is_wanted: impl Fn(&[u8]) -> bool) -> Option<&'a [u8]> {
    (0..names.len()).filter_map(|node| names.get(node)).find(|name| is_wanted(name))
}
