//! Ctrl-C and the signals that mean the same: work that looks is told to stop, work that does not ends at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The signals that ask a process to end. Its exit code is then 128 and the signal's number.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// A watch for Ctrl-C, as long as it lives; one at a time. The first one is told by
/// [`Watch::is_interrupted`]; a second one, like any without a watch, ends the process.
#[derive(Debug)]
pub(crate) struct Watch {
    ends_process: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn begin() -> Self {
        // Handlers cannot be taken back, only added: one pair serves all watches.
        static ENDS_PROCESS: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let ends_process = Arc::clone(ENDS_PROCESS.get_or_init(|| {
            let ends_process = Arc::new(AtomicBool::new(false));
            if let Err(error) = register(&ends_process) {
                // Then Ctrl-C ends the process, as it does without a watch.
                tracing::debug!(%error, "no watch for interrupts");
            }
            ends_process
        }));
        ends_process.store(false, Ordering::Relaxed);
        Self { ends_process }
    }

    /// Whether there was a Ctrl-C.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.ends_process.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ends_process.store(true, Ordering::Relaxed);
    }
}

/// Makes Ctrl-C end the process where the flag is up, and raise the flag where it is down.
fn register(ends_process: &Arc<AtomicBool>) -> io::Result<()> {
    // Handlers run in this order: the other way round, the first Ctrl-C would end the process.
    for signal in SIGNALS {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(ends_process))?;
        flag::register(signal, Arc::clone(ends_process))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_told_of_an_interrupt_and_the_next_begins_anew() {
        let watch = Watch::begin();
        assert!(!watch.is_interrupted());
        signal_hook::low_level::raise(SIGINT).unwrap();
        assert!(watch.is_interrupted());
        drop(watch);
        assert!(!Watch::begin().is_interrupted());
    }
}
