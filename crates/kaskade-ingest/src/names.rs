//! Ids that are strings: a dictionary that many threads fill, then their ranks.
//!
//! While inputs are parsed a name gets the next free number; which one depends on the race
//! of the threads and means nothing. Sorted at the end, names have ranks that depend on the
//! set of them alone.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::error::IngestError;

/// Names and the provisional numbers that they were given.
///
/// A name takes its bytes and about 30 more. Hashes are keyed anew in every process, so that
/// no input can be made to collide.
pub struct Interner {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    n_names: AtomicU64,
    /// What the shards take, kept beside them so that asking locks nothing.
    bytes: AtomicU64,
}

/// Names in ascending bytewise order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortedNames {
    /// The rank of every provisional number.
    pub rank_of: Vec<u32>,
    /// Where the names end in [`SortedNames::bytes`], by rank.
    pub ends: Vec<u64>,
    /// The names, one after the other.
    pub bytes: Vec<u8>,
}

impl SortedNames {
    /// The name with this rank.
    ///
    /// # Panics
    /// When `rank` is not below the number of names.
    #[must_use]
    pub fn name(&self, rank: u32) -> &[u8] {
        let rank = rank as usize;
        let begin = rank.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Both are places in `bytes`.
        &self.bytes[begin as usize..self.ends[rank] as usize]
    }
}

/// Enough that threads seldom meet.
const N_SHARDS: usize = 256;

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Interner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interner").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Interner {
    /// An empty dictionary.
    #[must_use]
    pub fn new() -> Self {
        let shards = (0..N_SHARDS).map(|_| Mutex::default()).collect();
        let (n_names, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { shards, hasher: RandomState::new(), n_names, bytes }
    }

    /// The number of `name`, the next free one if it is new.
    ///
    /// # Errors
    /// [`IngestError::TooManyNodes`].
    pub fn intern(&self, name: &[u8]) -> Result<u32, IngestError> {
        let hash = self.hasher.hash_one(name);
        let mut shard = self.lock(hash as usize % N_SHARDS);
        if let Some(number) = shard.find(hash, name) {
            return Ok(number);
        }
        let number = self.n_names.fetch_add(1, Relaxed);
        let number = u32::try_from(number)
            .ok()
            .filter(|&number| number != u32::MAX)
            .ok_or(IngestError::TooManyNodes { n_nodes: number + 1 })?;
        let bytes_before = shard.bytes();
        shard.insert(hash, name, number, &self.hasher);
        self.bytes.fetch_add(shard.bytes() - bytes_before, Relaxed);
        Ok(number)
    }

    /// The memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// The number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).n_names).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names in order. Takes 16 bytes a name and the names once more for the while.
    #[must_use]
    pub fn into_sorted(self) -> SortedNames {
        let n_names = self.len();
        let into_arena =
            |shard: Mutex<Shard>| shard.into_inner().unwrap_or_else(PoisonError::into_inner).arena;
        let arenas: Vec<Arena> = self.shards.into_iter().map(into_arena).collect();
        let mut order: Vec<Located> = Vec::with_capacity(n_names);
        for (shard, arena) in arenas.iter().enumerate() {
            arena.for_each(|place, name| {
                // There are 256 shards.
                order.push(Located { prefix: prefix(name), shard: shard as u16, place });
            });
        }
        let name_of = |located: &Located| arenas[usize::from(located.shard)].name(located.place);
        order.par_sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| name_of(a).cmp(name_of(b)))
        });
        let mut sorted = SortedNames {
            rank_of: vec![0; n_names],
            ends: Vec::with_capacity(n_names),
            bytes: Vec::with_capacity(arenas.iter().map(Arena::name_bytes).sum()),
        };
        for (rank, located) in order.iter().enumerate() {
            let arena = &arenas[usize::from(located.shard)];
            // There are fewer than 2³² names, numbered without a gap.
            sorted.rank_of[arena.number(located.place) as usize] = rank as u32;
            sorted.bytes.extend_from_slice(arena.name(located.place));
            sorted.ends.push(sorted.bytes.len() as u64);
        }
        sorted
    }

    fn lock(&self, shard: usize) -> std::sync::MutexGuard<'_, Shard> {
        lock(&self.shards[shard])
    }
}

fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name's first bytes as a number that orders as they do, and where it is.
struct Located {
    prefix: u64,
    place: Place,
    shard: u16,
}

fn prefix(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    let n_bytes = name.len().min(8);
    first[..n_bytes].copy_from_slice(&name[..n_bytes]);
    u64::from_be_bytes(first)
}

/// The names whose hashes fall into one class: an open table of places in an arena.
#[derive(Default)]
struct Shard {
    /// Places and a few bits of the hash; a power of two of slots, or none.
    slots: Vec<Slot>,
    n_names: usize,
    arena: Arena,
}

#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    place: Place,
}

impl Slot {
    const EMPTY: Self = Self { tag: 0, place: Place { piece: u32::MAX, at: 0 } };

    fn is_empty(self) -> bool {
        self.place.piece == u32::MAX
    }
}

impl Shard {
    fn find(&self, hash: u64, name: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = slot_of(hash, self.slots.len());
        loop {
            let slot = self.slots[at];
            if slot.is_empty() {
                return None;
            }
            if slot.tag == hash as u32 && self.arena.name(slot.place) == name {
                return Some(self.arena.number(slot.place));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds a name that is not there.
    fn insert(&mut self, hash: u64, name: &[u8], number: u32, hasher: &RandomState) {
        // At most four of five slots are taken.
        if (self.n_names + 1) * 5 > self.slots.len() * 4 {
            self.grow(hasher);
        }
        let place = self.arena.push(name, number);
        put(&mut self.slots, hash, place);
        self.n_names += 1;
    }

    fn grow(&mut self, hasher: &RandomState) {
        let mut slots = vec![Slot::EMPTY; (self.slots.len() * 2).max(8)];
        self.arena.for_each(|place, name| put(&mut slots, hasher.hash_one(name), place));
        self.slots = slots;
    }

    fn bytes(&self) -> u64 {
        (size_of_val(self.slots.as_slice()) + self.arena.capacity_bytes()) as u64
    }
}

/// The upper bits of the hash; the lower ones choose the shard, and the tag is among them.
fn slot_of(hash: u64, n_slots: usize) -> usize {
    (hash >> 32) as usize & (n_slots - 1)
}

fn put(slots: &mut [Slot], hash: u64, place: Place) {
    let mut at = slot_of(hash, slots.len());
    while !slots[at].is_empty() {
        at = (at + 1) & (slots.len() - 1);
    }
    slots[at] = Slot { tag: hash as u32, place };
}

/// Where a name is in an arena.
#[derive(Clone, Copy)]
struct Place {
    piece: u32,
    at: u32,
}

/// Names one after the other, each behind its number and its length, in pieces that never
/// move: growing copies nothing.
#[derive(Default)]
struct Arena {
    pieces: Vec<Vec<u8>>,
}

/// The bytes before a name: its number and its length.
const NAME_HEAD_BYTES: usize = 8;

/// Pieces double from the least to the most bytes.
const PIECE_BYTES: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 20;

impl Arena {
    fn push(&mut self, name: &[u8], number: u32) -> Place {
        let needed = NAME_HEAD_BYTES + name.len();
        let has_room = |piece: &Vec<u8>| piece.capacity() - piece.len() >= needed;
        if !self.pieces.last().is_some_and(has_room) {
            let double = self.pieces.last().map_or(0, |piece| 2 * piece.capacity());
            let capacity = double.clamp(*PIECE_BYTES.start(), *PIECE_BYTES.end()).max(needed);
            self.pieces.push(Vec::with_capacity(capacity));
        }
        let piece_idx = self.pieces.len() - 1;
        let piece = &mut self.pieces[piece_idx];
        // A name is shorter than a block of input, and pieces are fewer than names.
        let place = Place { piece: piece_idx as u32, at: piece.len() as u32 };
        piece.extend_from_slice(&number.to_le_bytes());
        piece.extend_from_slice(&(name.len() as u32).to_le_bytes());
        piece.extend_from_slice(name);
        place
    }

    fn number(&self, place: Place) -> u32 {
        self.word(place.piece as usize, place.at as usize)
    }

    fn name(&self, place: Place) -> &[u8] {
        let (piece, at) = (place.piece as usize, place.at as usize);
        let n_bytes = self.word(piece, at + 4) as usize;
        &self.pieces[piece][at + NAME_HEAD_BYTES..][..n_bytes]
    }

    fn word(&self, piece: usize, at: usize) -> u32 {
        let bytes = self.pieces[piece][at..].first_chunk().expect("a name has its head before it");
        u32::from_le_bytes(*bytes)
    }

    fn for_each(&self, mut visit: impl FnMut(Place, &[u8])) {
        for (piece_idx, piece) in self.pieces.iter().enumerate() {
            let mut at = 0;
            while at < piece.len() {
                let place = Place { piece: piece_idx as u32, at: at as u32 };
                let name = self.name(place);
                visit(place, name);
                at += NAME_HEAD_BYTES + name.len();
            }
        }
    }

    fn name_bytes(&self) -> usize {
        let mut n_bytes = 0;
        self.for_each(|_, name| n_bytes += name.len());
        n_bytes
    }

    fn capacity_bytes(&self) -> usize {
        self.pieces.iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_have_one_number_and_ranks_in_order(
            names in prop::collection::vec("[ab\\x00]{0,10}|.{0,30}", 0..200)
        ) {
            let interner = Interner::new();
            let numbers: Vec<u32> = names
                .par_iter()
                .map(|name| interner.intern(name.as_bytes()).unwrap())
                .collect();
            let plain: BTreeSet<&[u8]> = names.iter().map(String::as_bytes).collect();
            prop_assert_eq!(interner.len(), plain.len());
            let sorted = interner.into_sorted();
            for (name, number) in names.iter().zip(numbers) {
                prop_assert_eq!(sorted.name(sorted.rank_of[number as usize]), name.as_bytes());
            }
            let in_order: Vec<&[u8]> =
                (0..plain.len()).map(|rank| sorted.name(rank as u32)).collect();
            prop_assert!(in_order.into_iter().eq(plain));
        }
    }

    #[test]
    fn many_names_take_little_beside_their_bytes() {
        let interner = Interner::new();
        let n_names = 200_000u32;
        (0..2 * n_names).into_par_iter().for_each(|i| {
            interner.intern(format!("user-{}", i / 2).as_bytes()).unwrap();
        });
        assert_eq!(interner.len(), n_names as usize);
        let (bytes, bare) = (interner.bytes(), u64::from(n_names) * 11);
        assert!(bytes < bare + u64::from(n_names) * 40, "{bytes} bytes for {bare}");
        let sorted = interner.into_sorted();
        assert_eq!(sorted.name(0), b"user-0");
        assert_eq!(sorted.name(n_names - 1), b"user-99999");
    }

    #[test]
    fn a_name_may_be_longer_than_a_piece() {
        let interner = Interner::new();
        let long = vec![b'x'; 3 << 20];
        let number = interner.intern(&long).unwrap();
        assert_eq!(interner.intern(&long).unwrap(), number);
        assert_eq!(interner.intern(b"").unwrap(), 1);
        assert_eq!(interner.into_sorted().name(1), &long);
    }
}
