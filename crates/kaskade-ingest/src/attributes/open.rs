//! A table of text: unpacked, and bounded row by row.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use crate::error::IngestError;
use crate::progress::Progress;
use crate::source::{Compression, Encoding};

/// The largest zstd window that is accepted, 2²⁷ bytes: what `zstd --long` writes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

const BUFFER_BYTES: usize = 128 << 10;

/// So much is looked at to find how the header is parted.
const PEEK_BYTES: u64 = 64 << 10;

/// The unpacked bytes of a table, the first of which were looked at.
pub(super) struct Opened<'a> {
    pub(super) contents: Box<dyn Read + 'a>,
    pub(super) first: Vec<u8>,
}

/// Opens the table at `path`; `progress` advances by bytes as they lie on disk.
///
/// # Errors
/// [`IngestError::Open`], [`IngestError::Read`], [`IngestError::InputIsDirectory`].
pub(super) fn open<'a>(
    path: &Path,
    progress: Option<&'a dyn Progress>,
) -> Result<Opened<'a>, IngestError> {
    let failed = |source| IngestError::Open { path: path.into(), source };
    let unreadable = |source| IngestError::Read { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(IngestError::InputIsDirectory { path: path.into() });
    }
    let file = Counted { file, progress };
    let mut contents: Box<dyn Read + 'a> = match Encoding::of(path).compression {
        Compression::None => Box::new(file),
        Compression::Gzip => {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file)))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(file).map_err(unreadable)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(unreadable)?;
            Box::new(decoder)
        }
    };
    let mut first = Vec::new();
    contents.by_ref().take(PEEK_BYTES).read_to_end(&mut first).map_err(unreadable)?;
    let contents = Box::new(Cursor::new(first.clone()).chain(contents));
    Ok(Opened { contents, first })
}

struct Counted<'a> {
    file: File,
    progress: Option<&'a dyn Progress>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.file.read(buffer)?;
        if let Some(progress) = self.progress {
            progress.advance(n_bytes as u64);
        }
        Ok(n_bytes)
    }
}

/// Reads on as long as rows end: a row that does not, for a quote left open, would be held in
/// memory whole.
pub(super) struct Rationed<R> {
    contents: R,
    ration: Ration,
}

/// What may still be read before a row must end.
#[derive(Clone)]
pub(super) struct Ration {
    left_bytes: Rc<Cell<u64>>,
    /// Quotes read so far.
    n_quotes: Rc<Cell<u64>>,
}

/// The longest row that is read, but for what is read ahead.
pub(super) const MAX_ROW_BYTES: u64 = 16 << 20;

impl<R> Rationed<R> {
    /// Reads from `contents`; each row must end before the ration does.
    pub(super) fn new(contents: R) -> (Self, Ration) {
        let left_bytes = Rc::new(Cell::new(MAX_ROW_BYTES));
        let ration = Ration { left_bytes, n_quotes: Rc::default() };
        (Self { contents, ration: ration.clone() }, ration)
    }
}

impl Ration {
    /// A row has ended.
    pub(super) fn renew(&self) {
        self.left_bytes.set(MAX_ROW_BYTES);
    }

    /// Whether a row has taken all of it.
    pub(super) fn is_spent(&self) -> bool {
        self.left_bytes.get() == 0
    }

    /// Whether of the quotes, which come in pairs, one has no other.
    pub(super) fn has_open_quote(&self) -> bool {
        self.n_quotes.get() % 2 == 1
    }
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left_bytes = self.ration.left_bytes.get();
        if left_bytes == 0 {
            return Err(io::Error::other("a row does not end"));
        }
        let n_bytes = buffer.len().min(usize::try_from(left_bytes).unwrap_or(usize::MAX));
        let n_bytes = self.contents.read(&mut buffer[..n_bytes])?;
        self.ration.left_bytes.set(left_bytes - n_bytes as u64);
        let n_quotes = memchr::memchr_iter(b'"', &buffer[..n_bytes]).count() as u64;
        self.ration.n_quotes.set(self.ration.n_quotes.get() + n_quotes);
        Ok(n_bytes)
    }
}
