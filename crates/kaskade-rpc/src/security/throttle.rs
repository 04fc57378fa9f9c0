//! Log lines that strangers can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two lines of the same kind.
const PAUSE: Duration = Duration::from_secs(10);

/// Lets one line of a kind pass in ten seconds, so that who is refused cannot fill a disk.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    last: Option<Instant>,
    held_back: u64,
}

impl Throttle {
    /// Whether a line may be written now; then, how many were held back since the last one.
    pub(crate) fn pass(&self) -> Option<u64> {
        let mut past = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if past.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            past.held_back += 1;
            return None;
        }
        past.last = Some(now);
        Some(std::mem::take(&mut past.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_passes() {
        let throttle = Throttle::default();
        assert_eq!(throttle.pass(), Some(0));
        assert_eq!((throttle.pass(), throttle.pass()), (None, None));
        throttle.0.lock().unwrap().last = None;
        assert_eq!(throttle.pass(), Some(2));
    }
}
