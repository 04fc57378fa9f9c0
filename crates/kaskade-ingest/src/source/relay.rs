//! Inputs that may keep one waiting: standard input and pipes.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::progress::Progress;

/// Reads on a thread of its own, so that who waits for bytes can give up: a read that waits for
/// another program cannot be called back. The thread then ends with that read, or with the
/// process.
pub(super) struct Relay<'a> {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Cursor<Vec<u8>>,
    progress: &'a dyn Progress,
}

/// What is read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Pieces that are read ahead.
const PIECES_AHEAD: usize = 2;

/// The pause between two looks at whether to give up.
const LOOK: Duration = Duration::from_millis(50);

impl<'a> Relay<'a> {
    /// Reads what `open` gives, which may wait as well.
    pub(super) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        progress: &'a dyn Progress,
    ) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(PIECES_AHEAD);
        thread::Builder::new().name("relay".to_owned()).spawn(move || {
            let mut reader = match open() {
                Ok(reader) => reader,
                // Nobody listens once the build has given up.
                Err(error) => return drop(sender.send(Err(error))),
            };
            loop {
                let mut piece = vec![0; PIECE_BYTES];
                let read = reader.read(&mut piece).map(|n_bytes| {
                    piece.truncate(n_bytes);
                    piece
                });
                let goes_on = match &read {
                    Ok(piece) => !piece.is_empty(),
                    Err(error) => error.kind() == io::ErrorKind::Interrupted,
                };
                if sender.send(read).is_err() || !goes_on {
                    return;
                }
            }
        })?;
        Ok(Self { pieces, piece: Cursor::new(Vec::new()), progress })
    }
}

impl Read for Relay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.position() == self.piece.get_ref().len() as u64 {
            match self.pieces.recv_timeout(LOOK) {
                Ok(piece) => {
                    self.piece = Cursor::new(piece?);
                    if self.piece.get_ref().is_empty() {
                        return Ok(0);
                    }
                }
                // The end was told before.
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) if self.progress.interrupted() => {
                    return Err(io::Error::other("given up"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.piece.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::progress::{Phase, Unit, Unwatched};

    #[test]
    fn all_bytes_come_in_order_and_errors_too() {
        let bytes: Vec<u8> = (0..PIECE_BYTES * 5 / 2).map(|i| (i % 251) as u8).collect();
        let source = Cursor::new(bytes.clone());
        let mut relay = Relay::new(move || Ok(source), &Unwatched).unwrap();
        let mut found = Vec::new();
        relay.read_to_end(&mut found).unwrap();
        assert_eq!(found, bytes);
        assert_eq!(relay.read(&mut [0]).unwrap(), 0, "the end stays the end");
        let refused = || Err::<io::Empty, _>(io::ErrorKind::PermissionDenied.into());
        let error = Relay::new(refused, &Unwatched).unwrap().read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn who_waits_can_give_up() {
        struct Impatient(AtomicBool);
        impl Progress for Impatient {
            fn begin(&self, _phase: Phase, _total: Option<u64>, _unit: Unit) {}
            fn advance(&self, _by: u64) {}
            fn interrupted(&self) -> bool {
                self.0.swap(true, Ordering::Relaxed)
            }
        }
        let (_writer, reader) = sync_channel::<()>(0);
        let wait = move || -> io::Result<io::Empty> {
            // Until the writer above is dropped.
            let _ = reader.recv();
            Ok(io::empty())
        };
        let progress = Impatient(AtomicBool::new(false));
        let mut relay = Relay::new(wait, &progress).unwrap();
        assert!(relay.read(&mut [0]).is_err());
        assert!(progress.interrupted());
    }
}
