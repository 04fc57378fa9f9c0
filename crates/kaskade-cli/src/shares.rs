//! Which part of a machine's memory is reckoned with where nobody says how much.

/// The share of free memory: a worker offers it, a run takes no more, and a plan is made for it.
pub(crate) const MEMORY_SHARE: f64 = 0.8;

/// The share of that which the lane state of a run may take, or what is used in its place.
const STATE_SHARE: f64 = 0.3;

/// What the lane state of a run may take where the run has `memory_bytes`.
pub(crate) fn state_limit_bytes(memory_bytes: u64) -> u64 {
    (memory_bytes as f64 * STATE_SHARE) as u64
}
