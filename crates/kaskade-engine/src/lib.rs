//! The state machines of a run without any I/O, the round kernel, and the in-process run.
//!
//! In reading order: [`mod@slice`] is a piece of the frontier and its bytes, [`kernel`]
//! computes one round on one shard, [`partition`] runs a batch round by round, [`dynamics`] one
//! whose nodes do more, [`worker`] is the machine that a worker runs
//! (batches, barrier, exchange), [`job`] the one that the coordinator runs (placement,
//! epochs, retries), and [`local`] joins shards and kernel in one process.
//!
//! Nothing here opens a file or a socket, reads a clock or awaits: time and messages
//! are handed in, commands and messages are handed out.

mod contests;
pub mod dynamics;
mod error;
pub mod job;
pub mod kernel;
pub mod local;
pub mod partition;
pub mod slice;
pub mod worker;

pub use error::EngineError;

/// Calls `$body` with the constant `$W` equal to the number `$lane_words`, 1 to 8, or to the next
/// power of two: state, masks and kernel are compiled for 1, 2, 4 and 8 lane words.
macro_rules! with_lane_words {
    ($lane_words:expr, $W:ident => $body:expr) => {
        with_lane_words!(@match $lane_words, $W, $body, 1 = 1, 2 = 2, 4 = 3 | 4, 8 = 5..=8)
    };
    (@match $lane_words:expr, $W:ident, $body:expr, $($n:literal = $of:pat),+) => {
        match $lane_words {
            $($of => {
                const $W: usize = $n;
                $body
            })+
            other => unreachable!("a plan has 1 to 8 lane words, not {other}"),
        }
    };
}
pub(crate) use with_lane_words;
