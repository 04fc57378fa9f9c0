//! Arcs between ranks, dealt into buckets.
//!
//! A run is some chunks of input, partitioned; a bucket is a piece of every run. Buckets are
//! independent of each other from here on. A run stays in memory while the ledger has room
//! for it, else it goes to disk.

mod buckets;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use kaskade_store::Orientation;

use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::memory::Ledger;
use crate::nodes::NodeSet;
use crate::spill::SpillFile;
pub(crate) use buckets::{Buckets, SOURCE, TARGET};

/// Arcs between ranks, `[source, target]`, and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct RankedArcs<V> {
    pub(crate) ends: Vec<[u32; 2]>,
    pub(crate) values: Vec<V>,
}

/// The bytes of an arc between ranks.
pub(crate) const fn ranked_arc_bytes<V>() -> u64 {
    (size_of::<[u32; 2]>() + size_of::<V>()) as u64
}

/// Which arcs the input `u v` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// u → v.
    Forward,
    /// v → u.
    Backward,
    /// Both.
    BothWays,
}

impl Reading {
    /// The reading that the flags of a build say.
    pub(crate) fn new(orientation: Orientation, undirected: bool) -> Self {
        match orientation {
            _ if undirected => Self::BothWays,
            Orientation::Influence => Self::Forward,
            Orientation::Follows => Self::Backward,
        }
    }

    /// The arcs that an arc of the input stands for.
    pub(crate) fn n_ways(self) -> u64 {
        if self == Self::BothWays { 2 } else { 1 }
    }

    /// The arcs of `chunk` between ranks, and the number of self-loops left out.
    pub(crate) fn relabel<V: Payload>(
        self,
        chunk: &ArcChunk<V>,
        nodes: &NodeSet,
    ) -> (RankedArcs<V>, u64) {
        // Which kind of set it is, is asked once a chunk.
        match nodes {
            // Ranks are below 2³².
            NodeSet::Ranked(_) => self.relabel_by(chunk, |id| id as u32),
            NodeSet::Bitmap(ids) => self.relabel_by(chunk, |id| ids.rank(id)),
            NodeSet::Sorted(ids) => self.relabel_by(chunk, |id| ids.rank(id)),
            NodeSet::Named(names) => self.relabel_by(chunk, |id| names.rank_of[id as usize]),
        }
    }

    #[inline]
    fn relabel_by<V: Payload>(
        self,
        chunk: &ArcChunk<V>,
        rank: impl Fn(u64) -> u32,
    ) -> (RankedArcs<V>, u64) {
        let n_most = self.n_ways() as usize * chunk.len();
        let mut ends = Vec::with_capacity(n_most);
        let mut values = Vec::with_capacity(n_most);
        let mut n_self_loops = 0;
        chunk.for_each(|from, to, value| {
            if from == to {
                n_self_loops += 1;
                return;
            }
            let (from, to) = (rank(from), rank(to));
            if self != Self::Backward {
                ends.push([from, to]);
                values.push(value);
            }
            if self != Self::Forward {
                ends.push([to, from]);
                values.push(value);
            }
        });
        (RankedArcs { ends, values }, n_self_loops)
    }
}

/// Some arcs, partitioned by bucket.
struct Run<V> {
    arcs: RunArcs<V>,
    /// Where the buckets begin in the arcs, and the end of the last.
    bucket_begins: Vec<u32>,
}

enum RunArcs<V> {
    Kept(RankedArcs<V>),
    /// All ends at this place, then all values.
    Spilled(u64),
}

/// All arcs dealt, equal ones included.
pub(crate) struct Runs<V> {
    pub(crate) buckets: Buckets,
    runs: Vec<Run<V>>,
    file: SpillFile,
}

/// Makes runs of arcs, from several threads at once.
pub(crate) struct Dealer<V> {
    buckets: Buckets,
    /// What runs, and what they are made of, hold in memory.
    pub(crate) ledger: Ledger,
    file: SpillFile,
    /// Arcs that are brought together before they are dealt: runs that spill should be long,
    /// so that a bucket is read in few pieces.
    run_arcs: usize,
    open: Mutex<Vec<RankedArcs<V>>>,
    runs: Mutex<Vec<Run<V>>>,
}

impl<V: Payload> Dealer<V> {
    /// A dealer into `buckets` whose runs have at least `run_arcs`, but for the last ones;
    /// what `ledger` has no room for goes to `folder`.
    pub(crate) fn new(buckets: Buckets, run_arcs: usize, ledger: Ledger, folder: &Path) -> Self {
        Self {
            buckets,
            ledger,
            file: SpillFile::new(folder),
            run_arcs,
            open: Mutex::default(),
            runs: Mutex::default(),
        }
    }

    /// Takes `arcs`.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn take(&self, arcs: RankedArcs<V>) -> Result<(), IngestError> {
        if arcs.ends.len() >= self.run_arcs {
            return self.deal(&arcs);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match &mut open {
            None => open = Some(arcs),
            Some(open) => {
                open.ends.extend_from_slice(&arcs.ends);
                open.values.extend_from_slice(&arcs.values);
            }
        }
        let Some(collected) = open else { return Ok(()) };
        if collected.ends.len() >= self.run_arcs {
            return self.deal(&collected);
        }
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(collected);
        Ok(())
    }

    /// All runs.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn finish(mut self) -> Result<Runs<V>, IngestError> {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        for arcs in std::mem::take(open) {
            self.deal(&arcs)?;
        }
        let runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Runs { buckets: self.buckets, runs, file: self.file })
    }

    /// Makes a run of `arcs` by a counting sort.
    fn deal(&self, arcs: &RankedArcs<V>) -> Result<(), IngestError> {
        let buckets = self.buckets;
        // Runs are some tens of thousands to some tens of millions of arcs.
        let is_counted = u32::try_from(arcs.ends.len()).is_ok();
        assert!(is_counted, "a run has fewer than 2^32 arcs");
        let mut bucket_begins = vec![0u32; buckets.len() + 1];
        for ends in &arcs.ends {
            bucket_begins[buckets.locate(ends) + 1] += 1;
        }
        for bucket in 1..bucket_begins.len() {
            bucket_begins[bucket] += bucket_begins[bucket - 1];
        }
        let mut next = bucket_begins.clone();
        let mut dealt = RankedArcs {
            ends: vec![[0; 2]; arcs.ends.len()],
            values: vec![V::default(); arcs.ends.len()],
        };
        for (ends, value) in arcs.ends.iter().zip(&arcs.values) {
            let place = &mut next[buckets.locate(ends)];
            dealt.ends[*place as usize] = *ends;
            dealt.values[*place as usize] = *value;
            *place += 1;
        }
        let bytes = dealt.ends.len() as u64 * ranked_arc_bytes::<V>();
        let arcs = if self.ledger.hold(bytes) {
            RunArcs::Kept(dealt)
        } else {
            let parts = [bytemuck::cast_slice(&dealt.ends), V::bytes(&dealt.values)];
            RunArcs::Spilled(self.file.append(&parts)?)
        };
        let run = Run { arcs, bucket_begins };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        Ok(())
    }
}

impl<V: Payload> Runs<V> {
    /// The number of arcs.
    pub(crate) fn n_arcs(&self) -> u64 {
        self.runs.iter().map(|run| run.len() as u64).sum()
    }

    /// The number of arcs in `bucket`.
    pub(crate) fn bucket_arcs(&self, bucket: usize) -> u64 {
        self.runs.iter().map(|run| run.bucket(bucket).len() as u64).sum()
    }

    /// The number of those that are on disk.
    pub(crate) fn spilled_arcs(&self, bucket: usize) -> u64 {
        let is_spilled = |run: &&Run<V>| matches!(run.arcs, RunArcs::Spilled(_));
        self.runs.iter().filter(is_spilled).map(|run| run.bucket(bucket).len() as u64).sum()
    }

    /// The arcs of `bucket`, with those on disk read at once.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn bucket(&self, bucket: usize) -> Result<BucketArcs<'_, V>, IngestError> {
        let n_spilled = self.spilled_arcs(bucket) as usize;
        let mut loaded =
            RankedArcs { ends: vec![[0; 2]; n_spilled], values: vec![V::default(); n_spilled] };
        let mut kept = Vec::new();
        let mut at = 0;
        for run in &self.runs {
            let range = run.bucket(bucket);
            match &run.arcs {
                RunArcs::Kept(arcs) => kept.push((&arcs.ends[range.clone()], &arcs.values[range])),
                RunArcs::Spilled(begin) => {
                    let place = at..at + range.len();
                    at = place.end;
                    run.read(&self.file, *begin, range, &mut loaded, place)?;
                }
            }
        }
        Ok(BucketArcs { kept, loaded })
    }

    /// Hands the arcs of `bucket` to `take`, at most `slab_arcs` at a time.
    ///
    /// # Errors
    /// [`IngestError::Spill`], and those of `take`.
    pub(crate) fn bucket_in_slabs(
        &self,
        bucket: usize,
        slab_arcs: usize,
        mut take: impl FnMut(RankedArcs<V>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let slab_arcs = slab_arcs.max(1);
        for run in &self.runs {
            let range = run.bucket(bucket);
            for begin in range.clone().step_by(slab_arcs) {
                let slab = begin..range.end.min(begin + slab_arcs);
                let n_arcs = slab.len();
                take(match &run.arcs {
                    RunArcs::Kept(arcs) => RankedArcs {
                        ends: arcs.ends[slab.clone()].to_vec(),
                        values: arcs.values[slab].to_vec(),
                    },
                    RunArcs::Spilled(begin) => {
                        let mut loaded = RankedArcs {
                            ends: vec![[0; 2]; n_arcs],
                            values: vec![V::default(); n_arcs],
                        };
                        run.read(&self.file, *begin, slab, &mut loaded, 0..n_arcs)?;
                        loaded
                    }
                })?;
            }
        }
        Ok(())
    }
}

impl<V: Payload> Run<V> {
    fn len(&self) -> usize {
        self.bucket_begins[self.bucket_begins.len() - 1] as usize
    }

    /// The places of the arcs of `bucket`.
    fn bucket(&self, bucket: usize) -> std::ops::Range<usize> {
        self.bucket_begins[bucket] as usize..self.bucket_begins[bucket + 1] as usize
    }

    /// Reads the arcs at `range` of a run that lies at `begin` of `file` into `place`.
    fn read(
        &self,
        file: &SpillFile,
        begin: u64,
        range: std::ops::Range<usize>,
        into: &mut RankedArcs<V>,
        place: std::ops::Range<usize>,
    ) -> Result<(), IngestError> {
        let (first, n_arcs) = (range.start as u64, self.len() as u64);
        let end_bytes = size_of::<[u32; 2]>() as u64;
        file.read(begin + first * end_bytes, &mut into.ends[place.clone()])?;
        let values_begin = begin + n_arcs * end_bytes + first * size_of::<V>() as u64;
        V::read(file, values_begin, &mut into.values[place])?;
        Ok(())
    }
}

/// The arcs of a bucket.
pub(crate) struct BucketArcs<'a, V> {
    kept: Vec<(&'a [[u32; 2]], &'a [V])>,
    loaded: RankedArcs<V>,
}

impl<V: Payload> BucketArcs<'_, V> {
    /// Calls `visit` with every arc and its value.
    #[inline]
    pub(crate) fn for_each(&self, mut visit: impl FnMut([u32; 2], V)) {
        let loaded = (self.loaded.ends.as_slice(), self.loaded.values.as_slice());
        for (ends, values) in self.kept.iter().copied().chain([loaded]) {
            ends.iter().zip(values).for_each(|(&ends, &value)| visit(ends, value));
        }
    }
}
