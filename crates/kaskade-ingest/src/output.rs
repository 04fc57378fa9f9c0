//! A file that is there whole or not at all, compressed as its ending says.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use crate::error::IngestError;
use crate::source::Compression;

/// A file under a temporary name beside its final one; dropped before
/// [`OutputFile::publish`], it leaves nothing.
pub(crate) struct OutputFile {
    path: PathBuf,
    force: bool,
    sink: Sink,
}

enum Sink {
    Plain(BufWriter<NamedTempFile>),
    Gzip(GzEncoder<NamedTempFile>),
    Zstd(zstd::Encoder<'static, NamedTempFile>),
}

impl OutputFile {
    /// Begins a file that will be `path`. An existing one is refused, or, with `force`,
    /// replaced at the end.
    ///
    /// # Errors
    /// [`IngestError::OutputExists`] or [`IngestError::Write`].
    pub(crate) fn create(
        path: &Path,
        force: bool,
        compression: Compression,
    ) -> Result<Self, IngestError> {
        let failed = |source| IngestError::Write { path: path.into(), source };
        if !force && path.try_exists().map_err(failed)? {
            return Err(IngestError::OutputExists { path: path.into() });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Made by `File::create_new`, for the permissions that a file has here.
        let file = tempfile::Builder::new()
            .prefix(".kaskade-")
            .make_in(folder.unwrap_or(Path::new(".")), |path| File::create_new(path))
            .map_err(failed)?;
        let sink = match compression {
            Compression::None => Sink::Plain(BufWriter::new(file)),
            Compression::Gzip => Sink::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                Sink::Zstd(zstd::Encoder::new(file, level).map_err(failed)?)
            }
        };
        Ok(Self { path: path.into(), force, sink })
    }

    /// Writes what is left, flushes it to disk and gives the file its name.
    ///
    /// # Errors
    /// [`IngestError::Write`]; [`IngestError::OutputExists`] where the file has appeared
    /// meanwhile and was not to be replaced.
    pub(crate) fn publish(self) -> Result<(), IngestError> {
        let Self { path, force, sink } = self;
        let failed = |source| IngestError::Write { path: path.clone(), source };
        let file = match sink {
            Sink::Plain(file) => file.into_inner().map_err(|error| failed(error.into_error()))?,
            Sink::Gzip(encoder) => encoder.finish().map_err(failed)?,
            Sink::Zstd(encoder) => encoder.finish().map_err(failed)?,
        };
        file.as_file().sync_all().map_err(failed)?;
        let published = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        published.map(|_| ()).map_err(|refused| match refused.error.kind() {
            io::ErrorKind::AlreadyExists => IngestError::OutputExists { path: path.clone() },
            _ => failed(refused.error),
        })
    }

    /// The error for `source`, which writing this file gave.
    pub(crate) fn failed(&self, source: io::Error) -> IngestError {
        IngestError::Write { path: self.path.clone(), source }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Plain(file) => file.write(bytes),
            Sink::Gzip(encoder) => encoder.write(bytes),
            Sink::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(file) => file.flush(),
            Sink::Gzip(encoder) => encoder.flush(),
            Sink::Zstd(encoder) => encoder.flush(),
        }
    }
}
