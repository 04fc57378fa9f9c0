//! Opening an input: compression by ending or first bytes, decompression, bytes counted.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::relay::Relay;
use super::sniff;
use crate::error::IngestError;
use crate::progress::Progress;
use crate::spec::{Format, Input};

/// How the file of a synthetic graph is written, as its ending says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    /// Text or pairs; `None` for any other ending.
    pub(crate) format: Option<Format>,
    /// How the bytes are compressed.
    pub(crate) compression: Compression,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not at all.
    None,
    /// `.gz`, of any number of members.
    Gzip,
    /// `.zst`, of any number of frames.
    Zstd,
}

impl Encoding {
    /// The encoding that the ending of `path` says: `.txt`, `.u32` or `.u64`, then `.gz` or
    /// `.zst`.
    pub(crate) fn of(path: &Path) -> Self {
        let (bare, compression) = sniff::split_compression(path);
        let format = match bare.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => Some(Format::Text),
            Some("u32") => Some(Format::PairsU32),
            Some("u64") => Some(Format::PairsU64),
            _ => None,
        };
        Self { format, compression }
    }
}

/// The decompressed bytes of an input, the first of which were looked at.
pub(super) struct Opened<'a> {
    contents: Box<dyn Read + Send + 'a>,
    first: Vec<u8>,
    /// Whether the bytes are those on disk.
    pub(super) is_plain: bool,
}

/// So many decompressed bytes are looked at to tell what an input is.
const PEEK_BYTES: u64 = 64 << 10;

/// The largest zstd window that is accepted, 2²⁷ bytes: what `zstd --long` writes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// What is read at once of a compressed file.
const BUFFER_BYTES: usize = 256 << 10;

impl<'a> Opened<'a> {
    /// Opens `input`; `progress` advances by bytes as they lie on disk.
    ///
    /// # Errors
    /// [`IngestError::Open`], and [`IngestError::Read`] where decompression cannot begin.
    pub(super) fn new(input: &Input, progress: &'a dyn Progress) -> Result<Self, IngestError> {
        let path = input.path();
        let unreadable = |source| IngestError::Read { path: path.clone(), source };
        let raw = open_raw(input, progress)?;
        let mut raw = Counted { raw, progress };
        let told = match input {
            Input::Stdin => Compression::None,
            Input::File(_) | Input::Bytes { .. } => sniff::split_compression(&path).1,
        };
        let mut magic = Vec::new();
        let compression = match told {
            Compression::None => {
                raw.by_ref().take(4).read_to_end(&mut magic).map_err(unreadable)?;
                compression_of(&magic)
            }
            told => told,
        };
        let raw = Cursor::new(magic).chain(raw);
        let buffered = |raw| BufReader::with_capacity(BUFFER_BYTES, raw);
        let mut contents: Box<dyn Read + Send + 'a> = match compression {
            Compression::None => Box::new(raw),
            Compression::Gzip => Box::new(MultiGzDecoder::new(buffered(raw))),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(buffered(raw)).map_err(unreadable)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(unreadable)?;
                Box::new(decoder)
            }
        };
        let mut first = Vec::new();
        contents.by_ref().take(PEEK_BYTES).read_to_end(&mut first).map_err(unreadable)?;
        Ok(Self { contents, first, is_plain: compression == Compression::None })
    }

    /// The first bytes: [`PEEK_BYTES`], or all there are.
    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }

    /// The first bytes without a byte order mark.
    pub(super) fn first_text(&self) -> &[u8] {
        self.first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.first)
    }

    /// All bytes.
    pub(super) fn into_contents(self) -> impl Read + Send + 'a {
        Cursor::new(self.first).chain(self.contents)
    }
}

fn open_raw<'a>(
    input: &Input,
    progress: &'a dyn Progress,
) -> Result<Box<dyn Read + Send + 'a>, IngestError> {
    let failed = |source| IngestError::Open { path: input.path(), source };
    Ok(match input {
        // Opening a pipe waits for its writer.
        Input::File(path) if is_pipe(path) => {
            let path = path.clone();
            Box::new(Relay::new(move || File::open(path), progress).map_err(failed)?)
        }
        Input::File(path) => Box::new(open_file(path)?),
        Input::Stdin => Box::new(Relay::new(|| Ok(io::stdin()), progress).map_err(failed)?),
        Input::Bytes { bytes, .. } => Box::new(Cursor::new(Arc::clone(bytes))),
    })
}

/// Whether there is something at `path` that is no file with an end.
fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// Opens a file.
///
/// # Errors
/// [`IngestError::Open`].
pub(super) fn open_file(path: &Path) -> Result<File, IngestError> {
    File::open(path).map_err(|source| IngestError::Open { path: path.into(), source })
}

/// How an input with these first bytes is compressed.
fn compression_of(first: &[u8]) -> Compression {
    match first {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    }
}

struct Counted<'a> {
    raw: Box<dyn Read + Send + 'a>,
    progress: &'a dyn Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Whoever skips a line without end sends no block that would be asked for.
        if self.progress.interrupted() {
            return Err(io::Error::other("given up"));
        }
        let n_bytes = self.raw.read(buffer)?;
        self.progress.advance(n_bytes as u64);
        Ok(n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_format_and_compression() {
        use {Compression as C, Format as F};
        for (path, format, compression) in [
            ("a.txt", Some(F::Text), C::None),
            ("a.txt.gz", Some(F::Text), C::Gzip),
            ("d.u32/a", None, C::None),
            ("a.u32", Some(F::PairsU32), C::None),
            ("a.b.u64.zst", Some(F::PairsU64), C::Zstd),
            ("a.gz", None, C::Gzip),
            ("a.csv", None, C::None),
        ] {
            assert_eq!(Encoding::of(Path::new(path)), Encoding { format, compression }, "{path}");
        }
    }
}
