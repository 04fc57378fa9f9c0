//! Ctrl-C: work that looks is told to stop, work that does not ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// A watch for Ctrl-C, as long as it lives. The first one is told by
/// [`Watch::is_interrupted`]; a second one ends the process with exit code 130.
#[derive(Debug)]
pub(crate) struct Watch {
    interrupted: Arc<AtomicBool>,
    registrations: Vec<signal_hook::SigId>,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn begin() -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        // Order matters: the first Ctrl-C finds the flag down and raises it, the second finds it up.
        let register = || -> io::Result<Vec<_>> {
            let ends = flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted))?;
            Ok(vec![ends, flag::register(SIGINT, Arc::clone(&interrupted))?])
        };
        let registrations = register().unwrap_or_else(|error| {
            // Then Ctrl-C ends the process, as it does without a watch.
            tracing::debug!(%error, "no watch for interrupts");
            Vec::new()
        });
        Self { interrupted, registrations }
    }

    /// Whether there was a Ctrl-C.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for registration in self.registrations.drain(..) {
            signal_hook::low_level::unregister(registration);
        }
    }
}
