//! What a build may take, and how that is shared between its stages.
//!
//! A build keeps in memory what fits and spills the rest; what it cannot do without is
//! [`NODE_BYTES`] for every node. Three kinds of memory are told apart: nodes; what is *held*
//! from one stage to the next, arcs in one form or another, of which a [`Ledger`] knows the sum;
//! and what is *worked on* for a moment, which a [`Gate`] lets in only while there is room.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::IngestError;

/// What a node takes at the peak: original id, rank and dense id, degrees, its arcs into the
/// shards so far, and its share of the structures that find them.
pub(crate) const NODE_BYTES: u64 = 52;

/// The memory of a build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// All of it; `u64::MAX` for no limit.
    allowed_bytes: u64,
    /// What input is read in at a time.
    block_bytes: u64,
    /// What goes to blocks of input, chunks and buffers, whatever the graph.
    fixed_bytes: u64,
    /// With less than this for arcs a build is not begun; nor are nodes counted where `None`.
    least_work_bytes: Option<u64>,
}

/// What is left of a [`Budget`] for arcs once nodes have theirs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    left_bytes: u64,
}

impl Budget {
    /// Blocks of input on their way, and what belongs to them: so many, and so many a thread.
    const BLOCKS: u64 = 10;
    const BLOCKS_PER_THREAD: u64 = 3;
    const MOST_BLOCK_BYTES: u64 = 1 << 20;
    /// A block is a small part of the budget, and longer than any line.
    const BLOCKS_IN_BUDGET: u64 = 32;
    const LEAST_BLOCK_BYTES: u64 = 128 << 10;
    const LEAST_WORK_BYTES: u64 = 16 << 20;

    /// A budget of `memory_bytes`, no limit where `None`, on the current pool.
    pub(crate) fn new(memory_bytes: Option<u64>) -> Self {
        let n_threads = rayon::current_num_threads() as u64;
        let allowed_bytes = memory_bytes.unwrap_or(u64::MAX);
        let block_bytes = (allowed_bytes / Self::BLOCKS_IN_BUDGET)
            .clamp(Self::LEAST_BLOCK_BYTES, Self::MOST_BLOCK_BYTES);
        let n_blocks = Self::BLOCKS + n_threads * Self::BLOCKS_PER_THREAD;
        Self {
            allowed_bytes,
            block_bytes,
            // A small input fills no block: a small budget is enough for it.
            fixed_bytes: (n_blocks * block_bytes).min(allowed_bytes / 2),
            least_work_bytes: Some(Self::LEAST_WORK_BYTES.min(allowed_bytes / 8)),
        }
    }

    /// A budget of so little that small tests spill: `bytes` for arcs alone.
    #[cfg(test)]
    pub(crate) fn tiny(bytes: u64) -> Self {
        let block_bytes = Self::LEAST_BLOCK_BYTES;
        Self { allowed_bytes: bytes, block_bytes, fixed_bytes: 0, least_work_bytes: None }
    }

    /// What input is read in at a time.
    pub(crate) fn block_bytes(self) -> usize {
        self.block_bytes as usize
    }

    /// What raw arcs may take before the number of nodes is known.
    pub(crate) fn raw_bytes(self) -> u64 {
        self.allowed_bytes.saturating_sub(self.fixed_bytes) / 2
    }

    /// What finding the distinct ids may take meanwhile.
    pub(crate) fn id_bytes(self) -> u64 {
        self.raw_bytes()
    }

    /// What is left for arcs beside `node_bytes`.
    ///
    /// # Errors
    /// [`IngestError::MemoryExceeded`] when that is too little to go on.
    pub(crate) fn shares(self, node_bytes: u64) -> Result<Shares, IngestError> {
        let Some(least_work_bytes) = self.least_work_bytes else {
            return Ok(Shares { left_bytes: self.allowed_bytes });
        };
        let taken = self.fixed_bytes.saturating_add(node_bytes);
        let needed_bytes = taken.saturating_add(least_work_bytes);
        if needed_bytes > self.allowed_bytes {
            return Err(self.exceeded_by(needed_bytes));
        }
        Ok(Shares { left_bytes: self.allowed_bytes.saturating_sub(taken) })
    }

    /// The error for a build that needs so much.
    pub(crate) fn exceeded_by(self, needed_bytes: u64) -> IngestError {
        IngestError::MemoryExceeded { needed_bytes, allowed_bytes: self.allowed_bytes }
    }

    /// The error for a step of a build that has `step_bytes` too few of `shares`.
    pub(crate) fn too_small_for(self, shares: Shares, step_bytes: u64) -> IngestError {
        let beside = self.allowed_bytes.saturating_sub(shares.left_bytes);
        self.exceeded_by(beside.saturating_add(step_bytes))
    }
}

impl Shares {
    /// What raw arcs and runs may hold together.
    pub(crate) fn run_bytes(self) -> u64 {
        self.left_bytes / 2
    }

    /// What a thread may collect before it makes a run of it that spills, and as much again
    /// while it does.
    pub(crate) fn run_buffer_bytes(self) -> u64 {
        self.left_bytes / 16 / rayon::current_num_threads() as u64
    }

    /// What lists of distinct arcs may hold.
    pub(crate) fn list_bytes(self) -> u64 {
        self.left_bytes / 4
    }

    /// What may be worked on while runs and lists are held.
    pub(crate) fn sort_bytes(self) -> u64 {
        self.left_bytes / 4
    }

    /// What may be worked on while nothing is held.
    pub(crate) fn all_bytes(self) -> u64 {
        self.left_bytes
    }

    /// What may be worked on while no more than lists are held.
    pub(crate) fn shard_bytes(self) -> u64 {
        self.left_bytes - self.list_bytes()
    }
}

/// The sum of what is held, and its limit.
#[derive(Debug)]
pub(crate) struct Ledger {
    limit_bytes: u64,
    held_bytes: AtomicU64,
}

impl Ledger {
    /// Nothing held yet of `limit_bytes`.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, held_bytes: AtomicU64::new(0) }
    }

    /// Enters `bytes` if they are within the limit, and says whether.
    pub(crate) fn hold(&self, bytes: u64) -> bool {
        let before = self.held_bytes.fetch_add(bytes, Relaxed);
        let fits = before.saturating_add(bytes) <= self.limit_bytes;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    /// Takes out what was entered.
    pub(crate) fn release(&self, bytes: u64) {
        self.held_bytes.fetch_sub(bytes, Relaxed);
    }
}

/// Lets work in while its bytes fit together, and makes the rest wait.
///
/// Whoever is inside must not wait for others: work inside is sequential. A thread of a pool
/// that waits for parallel work takes up other work meanwhile, and may stand before the gate
/// that it keeps shut itself.
#[derive(Debug)]
pub(crate) struct Gate {
    capacity_bytes: u64,
    inside_bytes: Mutex<u64>,
    left: Condvar,
}

/// A place inside of a [`Gate`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    bytes: u64,
}

impl Gate {
    /// A gate into `capacity_bytes`.
    pub(crate) fn new(capacity_bytes: u64) -> Self {
        Self { capacity_bytes, inside_bytes: Mutex::new(0), left: Condvar::new() }
    }

    /// Whether `bytes` can ever pass.
    pub(crate) fn admits(&self, bytes: u64) -> bool {
        bytes <= self.capacity_bytes
    }

    /// Waits until there is room for `bytes`, or, when there never can be, until nothing else
    /// is inside.
    pub(crate) fn enter(&self, bytes: u64) -> Pass<'_> {
        let bytes = bytes.min(self.capacity_bytes);
        let inside = self.inside_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |inside: &mut u64| inside.saturating_add(bytes) > self.capacity_bytes;
        let mut inside =
            self.left.wait_while(inside, is_full).unwrap_or_else(PoisonError::into_inner);
        *inside += bytes;
        Pass { gate: self, bytes }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.gate.inside_bytes.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.gate.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_knows_its_limit() {
        let ledger = Ledger::new(100);
        assert!(ledger.hold(60));
        assert!(!ledger.hold(41));
        assert!(ledger.hold(40));
        ledger.release(60);
        assert!(ledger.hold(60));
        assert!(!ledger.hold(1));
    }

    #[test]
    fn a_gate_never_holds_more_than_its_capacity() {
        let gate = Gate::new(10);
        let (inside, most) = (AtomicU64::new(0), AtomicU64::new(0));
        assert!(gate.admits(10) && !gate.admits(11));
        std::thread::scope(|scope| {
            for bytes in [4, 7, 10, 3, 3, 4, 1, 9] {
                let (gate, inside, most) = (&gate, &inside, &most);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let _pass = gate.enter(bytes);
                        let now = bytes + inside.fetch_add(bytes, Relaxed);
                        most.fetch_max(now, Relaxed);
                        std::thread::yield_now();
                        inside.fetch_sub(bytes, Relaxed);
                    }
                });
            }
        });
        assert!((7..=10).contains(&most.load(Relaxed)), "{most:?}");
    }

    #[test]
    fn nodes_that_leave_no_room_are_refused_with_the_sum() {
        let budget = Budget::new(Some(1 << 30));
        assert!(budget.shares(100 << 20).is_ok());
        let Err(IngestError::MemoryExceeded { needed_bytes, allowed_bytes }) =
            budget.shares(1 << 30)
        else {
            panic!("nodes take all of it");
        };
        assert_eq!(allowed_bytes, 1 << 30);
        assert!(Budget::new(Some(needed_bytes)).shares(1 << 30).is_ok());
        let shares = Budget::new(Some(1 << 30)).shares(0).unwrap();
        assert!(shares.run_bytes() + shares.list_bytes() + shares.sort_bytes() <= 1 << 30);
    }
}
