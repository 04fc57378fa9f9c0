//! Opening an input: format and compression by ending, decompression, bytes counted.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::IngestError;
use crate::spec::Format;

/// How a file's bytes stand for arcs, as its ending says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    /// The format of the decompressed bytes; `None` for an ending that names none.
    pub(crate) format: Option<Format>,
    /// How they are compressed.
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
        let extension = path.extension().and_then(|extension| extension.to_str());
        let compression = match extension {
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd,
            _ => Compression::None,
        };
        let stem = path.file_stem().map(Path::new);
        let inner = match compression {
            Compression::None => extension,
            _ => stem.and_then(Path::extension).and_then(|extension| extension.to_str()),
        };
        let format = match inner {
            Some("txt") => Some(Format::Text),
            Some("u32") => Some(Format::PairsU32),
            Some("u64") => Some(Format::PairsU64),
            _ => None,
        };
        Self { format, compression }
    }
}

/// The largest zstd window that is accepted, 2²⁷ bytes: what `zstd --long` writes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Opens `path` for its decompressed bytes; `count` hears how many bytes were read from disk.
///
/// # Errors
/// [`IngestError::Open`], and [`IngestError::Read`] where decompression cannot begin.
pub(crate) fn open<'a>(
    path: &Path,
    compression: Compression,
    count: &'a dyn Fn(u64),
) -> Result<Box<dyn Read + 'a>, IngestError> {
    let mut file =
        File::open(path).map_err(|source| IngestError::Open { path: path.into(), source })?;
    let unreadable = |source| IngestError::Read { path: path.into(), source };
    let compression = match compression {
        Compression::None => sniff(&mut file).map_err(unreadable)?,
        told => told,
    };
    let file = Counted { file, count };
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file)))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(file).map_err(unreadable)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(unreadable)?;
            Box::new(decoder)
        }
    })
}

/// How a file is compressed whose ending does not say, by its first bytes.
fn sniff(file: &mut File) -> io::Result<Compression> {
    // What cannot be read twice is read as it is.
    if !file.metadata()?.is_file() {
        return Ok(Compression::None);
    }
    let mut first = Vec::new();
    file.by_ref().take(4).read_to_end(&mut first)?;
    file.rewind()?;
    Ok(match first.as_slice() {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

const BUFFER_BYTES: usize = 128 << 10;

struct Counted<'a> {
    file: File,
    count: &'a dyn Fn(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.file.read(buffer)?;
        (self.count)(n_bytes as u64);
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
