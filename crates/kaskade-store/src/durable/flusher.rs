//! Files on their way to disk while the next ones are made.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::StoreError;

/// Files that may wait; who writes faster than the disk waits itself. Below any limit of open
/// files.
const MAX_WAITING: usize = 16;

/// So many bytes are written before the disk is asked to begin.
const EAGER_BYTES: u64 = 64 << 20;

/// A thread that flushes files to disk, so that whoever writes them need not wait. Nothing is
/// known to be on disk before [`Flusher::finish`]. Dropped before it, the thread is ended.
#[derive(Debug)]
pub(crate) struct Flusher {
    sender: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Waiting {
    file: File,
    path: PathBuf,
}

#[derive(Debug, Default)]
struct Shared {
    /// Nobody wants the files any more.
    is_given_up: AtomicBool,
    /// The first failure; the thread ends at it.
    failure: Mutex<Option<(PathBuf, io::Error)>>,
}

impl Flusher {
    /// Starts the thread.
    pub(crate) fn start(target: &Path) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("flush".to_owned())
            .spawn(move || flush_all(&receiver, &of_thread))
            .map_err(|source| StoreError::io("write", target, source))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), shared })
    }

    /// Hands over a file whose bytes are all written. Waits where too many wait already.
    ///
    /// # Errors
    /// Of this file or an earlier one.
    pub(crate) fn flush(&self, file: File, path: &Path) -> Result<(), StoreError> {
        let waiting = Waiting { file, path: path.to_owned() };
        let Some(sender) = &self.sender else { return Ok(()) };
        if sender.send(waiting).is_ok() {
            return Ok(());
        }
        Err(self.failure().unwrap_or_else(|| ended(path)))
    }

    /// Has the disk begin with `file`, if nothing else waits for it.
    fn begin(&self, file: &File) {
        if let (Some(sender), Ok(file)) = (&self.sender, file.try_clone()) {
            // Only a hint: whoever wrote the file hands it over in the end.
            let _ = sender.try_send(Waiting { file, path: PathBuf::new() });
        }
    }

    /// Waits until everything that was handed over is on disk.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        let panicked = self.join();
        match self.failure() {
            Some(failure) => Err(failure),
            None if panicked => Err(ended(Path::new("shards"))),
            None => Ok(()),
        }
    }

    /// Ends the thread, and says whether it panicked.
    fn join(&mut self) -> bool {
        self.sender = None;
        self.thread.take().is_some_and(|thread| thread.join().is_err())
    }

    /// The failure, told alike to all who ask.
    fn failure(&self) -> Option<StoreError> {
        let failure = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().map(|(path, error)| {
            StoreError::io("write", path, io::Error::new(error.kind(), error.to_string()))
        })
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.is_given_up.store(true, Ordering::Relaxed);
        self.join();
    }
}

fn flush_all(receiver: &Receiver<Waiting>, shared: &Shared) {
    for Waiting { file, path } in receiver {
        if shared.is_given_up.load(Ordering::Relaxed) {
            return;
        }
        let is_hint = path.as_os_str().is_empty();
        let flushed = if is_hint { file.sync_data() } else { file.sync_all() };
        if let Err(source) = flushed {
            // A failure is told once for a file and then forgotten by the system, so that of a
            // hint counts too.
            let path = if is_hint { PathBuf::from("shards") } else { path };
            *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some((path, source));
            return;
        }
    }
}

fn ended(path: &Path) -> StoreError {
    StoreError::io("write", path, io::Error::other("the thread that flushes files has ended"))
}

/// A file that asks the disk to begin while it is still being written.
#[derive(Debug)]
pub(crate) struct EagerFile<'a> {
    file: File,
    flusher: Option<&'a Flusher>,
    waiting_bytes: u64,
}

impl<'a> EagerFile<'a> {
    pub(super) fn new(file: File, flusher: Option<&'a Flusher>) -> Self {
        Self { file, flusher, waiting_bytes: 0 }
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

impl Write for EagerFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Pieces, so that a section of gigabytes is on its way before it is written.
        let written = self.file.write(&bytes[..bytes.len().min(EAGER_BYTES as usize)])?;
        self.waiting_bytes += written as u64;
        if let (Some(flusher), EAGER_BYTES..) = (self.flusher, self.waiting_bytes) {
            self.waiting_bytes = 0;
            flusher.begin(&self.file);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::write_file_with;

    #[test]
    fn more_files_than_may_wait_are_flushed() {
        let folder = tempfile::tempdir().unwrap();
        let flusher = Flusher::start(folder.path()).unwrap();
        for number in 0..3 * MAX_WAITING {
            let path = folder.path().join(number.to_string());
            write_file_with(&path, &flusher, |file| write!(file, "{number}")).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), number.to_string());
        }
        flusher.finish().unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_failure_is_told_at_once_or_at_the_end() {
        // What is no file cannot be flushed.
        let (_reader, writer) = io::pipe().unwrap();
        let no_file = || File::from(std::os::fd::OwnedFd::from(writer.try_clone().unwrap()));
        let flusher = Flusher::start(Path::new("x")).unwrap();
        let mut told = Ok(());
        for _ in 0..3 * MAX_WAITING {
            told = told.and(flusher.flush(no_file(), Path::new("pipe")));
        }
        let error = told.unwrap_err();
        assert!(error.to_string().contains("pipe"), "{error}");

        let flusher = Flusher::start(Path::new("x")).unwrap();
        flusher.flush(no_file(), Path::new("pipe")).unwrap();
        assert!(flusher.finish().is_err());
        let given_up = Flusher::start(Path::new("x")).unwrap();
        given_up.flush(no_file(), Path::new("pipe")).unwrap();
        drop(given_up);
    }

    #[test]
    fn a_long_file_is_begun_before_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        let flusher = Flusher::start(folder.path()).unwrap();
        let bytes = vec![7; EAGER_BYTES as usize + 5];
        write_file_with(&path, &flusher, |file| file.write_all(&bytes)).unwrap();
        flusher.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes.len() as u64);
    }
}
