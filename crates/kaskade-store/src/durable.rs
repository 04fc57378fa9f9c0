//! Files that are there whole, after a crash too, or not at all.

mod flusher;

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

pub(crate) use flusher::{EagerFile, Flusher};

use crate::error::StoreError;

/// Writes a file through `fill`: under a temporary name in the same folder, flushed to
/// disk, renamed to `path`. After an error nothing is left. The name itself is on disk
/// after [`sync_directory`], once for all files of a folder.
pub(crate) fn write_file<T>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<EagerFile<'_>>) -> std::io::Result<T>,
) -> Result<T, StoreError> {
    let (value, _) = write(path, None, fill)?;
    Ok(value)
}

/// As [`write_file`], but the file's bytes are on disk only once `flusher` has finished. For
/// files that mean nothing before another one names them.
pub(crate) fn write_file_with<T>(
    path: &Path,
    flusher: &Flusher,
    fill: impl FnOnce(&mut BufWriter<EagerFile<'_>>) -> std::io::Result<T>,
) -> Result<T, StoreError> {
    let (value, file) = write(path, Some(flusher), fill)?;
    flusher.flush(file, path)?;
    Ok(value)
}

fn write<T>(
    path: &Path,
    flusher: Option<&Flusher>,
    fill: impl FnOnce(&mut BufWriter<EagerFile<'_>>) -> std::io::Result<T>,
) -> Result<(T, File), StoreError> {
    let mut temporary_name = path.as_os_str().to_owned();
    temporary_name.push(".partial");
    let temporary = Path::new(&temporary_name);
    fill_temporary(temporary, flusher, fill)
        .and_then(|value| fs::rename(temporary, path).map(|()| value))
        .map_err(|source| {
            // The file is unusable after a failed flush; the write error is the one to tell.
            let _ = fs::remove_file(temporary);
            StoreError::io("write", path, source)
        })
}

fn fill_temporary<T>(
    temporary: &Path,
    flusher: Option<&Flusher>,
    fill: impl FnOnce(&mut BufWriter<EagerFile<'_>>) -> std::io::Result<T>,
) -> std::io::Result<(T, File)> {
    const BUFFER_BYTES: usize = 1 << 18;
    let file = EagerFile::new(File::create(temporary)?, flusher);
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    let value = fill(&mut writer)?;
    let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.into_file();
    if flusher.is_none() {
        file.sync_all()?;
    }
    Ok((value, file))
}

/// Flushes the names in a folder to disk.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| StoreError::io("flush", path, source))
}

/// The folder that `path` lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let failed: Result<(), _> = write_file(&path, |writer| {
            writer.write_all(b"half")?;
            Err(std::io::ErrorKind::StorageFull.into())
        });
        assert!(failed.unwrap_err().is_disk_full());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write_file(&path, |writer| writer.write_all(b"whole")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_plain_name_lies_in_the_current_folder() {
        assert_eq!(parent(Path::new("x.kg")), Path::new("."));
        assert_eq!(parent(Path::new("a/x.kg/")), Path::new("a"));
    }
}
