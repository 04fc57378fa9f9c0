//! A batch that is running on a worker, whatever its number of lane words.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kaskade_model::dynamics::NodeRule;
use kaskade_model::job::BatchPlan;
use kaskade_model::tally::{self, PartitionTally};
use kaskade_model::{BatchId, Round, WorkerId};
use rayon::prelude::*;

use super::inbox::Received;
use crate::dynamics::{Contagion, DynamicsRun, Epidemic, NodeMachine, decode_sided, encode_sided};
use crate::error::EngineError;
use crate::kernel::Parallelism;
use crate::partition::{BatchRun, Partition};
use crate::slice::{self, DecodeError, EncodedSlice, Slice};
use crate::with_lane_words;

/// A batch on a partition whose number of lane words is fixed inside.
pub(super) struct RunningBatch {
    pub(super) batch: Box<dyn AnyBatch>,
    /// Activations that came from each peer in this round.
    n_received: BTreeMap<WorkerId, u64>,
}

impl RunningBatch {
    pub(super) fn begin(
        partition: Arc<Partition>,
        plan: BatchPlan,
        spare: &SpareStates,
    ) -> Result<Self, EngineError> {
        let (lane_words, dynamics) = (partition.plan.lane_words, &partition.plan.dynamics);
        let is_epidemic = matches!(dynamics.rule, NodeRule::Epidemic(_));
        let batch: Box<dyn AnyBatch> = with_lane_words!(lane_words, W => {
            if dynamics.is_plain() {
                let states = spare.take().unwrap_or_else(|| partition.new_states::<W>());
                Box::new(BatchRun::<W>::begin(partition, plan, states)?)
            } else if is_epidemic {
                Box::new(begin_dynamics::<Epidemic<W>, W>(partition, plan, spare)?)
            } else {
                Box::new(begin_dynamics::<Contagion<W>, W>(partition, plan, spare)?)
            }
        });
        Ok(Self { batch, n_received: BTreeMap::new() })
    }

    pub(super) fn offer(&mut self, received: &[Received]) -> Result<(), EngineError> {
        self.batch.offer(received, &mut self.n_received)
    }

    /// Offers the rest of a round and ends it. What a marker counts is what arrived.
    pub(super) fn close(
        &mut self,
        received: &[Received],
        counted: Vec<(WorkerId, u64)>,
    ) -> Result<(), EngineError> {
        self.offer(received)?;
        let mut n_received = std::mem::take(&mut self.n_received);
        for (peer, counted) in counted {
            let received = n_received.remove(&peer).unwrap_or(0);
            if received != counted {
                let (batch, round) = self.batch.position();
                return Err(EngineError::Conservation { peer, batch, round, counted, received });
            }
        }
        self.batch.end_round()
    }
}

fn begin_dynamics<M: NodeMachine<W>, const W: usize>(
    partition: Arc<Partition>,
    plan: BatchPlan,
    spare: &SpareStates,
) -> Result<DynamicsRun<M, W>, EngineError> {
    let machines = spare.take().unwrap_or_else(|| DynamicsRun::<M, W>::new_machines(&partition));
    Ok(DynamicsRun::begin(partition, plan, machines)?)
}

impl fmt::Debug for RunningBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunningBatch")
    }
}

/// What a round gave on this worker.
#[derive(Debug)]
pub(super) struct RoundOutcome {
    pub(super) round: Round,
    pub(super) n_new: u64,
    /// What can still happen here without input; nothing in models without delays.
    pub(super) n_pending: u64,
    /// The own slice for the peers.
    pub(super) encoded: EncodedSlice,
}

pub(super) trait AnyBatch: Send {
    fn position(&self) -> (BatchId, Round);
    fn is_light_with(&self, received: &[Received]) -> bool;
    fn offer(
        &mut self,
        received: &[Received],
        n_received: &mut BTreeMap<WorkerId, u64>,
    ) -> Result<(), EngineError>;
    fn end_round(&mut self) -> Result<(), EngineError>;
    fn step_alone(&mut self) -> Result<(), EngineError>;
    /// Whether anything can happen in the next round without the peers.
    fn can_go_on(&self) -> bool;
    fn is_cut_off(&self) -> bool;
    fn arcs_scanned(&self) -> u64;
    fn round_outcome(&mut self, n_peers: usize) -> RoundOutcome;
    fn finish(self: Box<Self>, spare: &SpareStates) -> PartitionTally;
}

/// Received bytes that may be looked at to find out whether they are few.
const LIGHT_BYTES: usize = 1 << 10;

impl<const W: usize> AnyBatch for BatchRun<W> {
    fn position(&self) -> (BatchId, Round) {
        (self.batch().batch, self.round())
    }

    fn is_light_with(&self, received: &[Received]) -> bool {
        if n_bytes(received) > LIGHT_BYTES {
            return false;
        }
        let payloads = received.iter().flat_map(|of_peer| &of_peer.payloads);
        let decoded: Result<Vec<_>, _> = payloads.map(|payload| decode(self, payload)).collect();
        decoded.is_ok_and(|slices| BatchRun::is_light_with(self, &slices.concat()))
    }

    fn offer(
        &mut self,
        received: &[Received],
        n_received: &mut BTreeMap<WorkerId, u64>,
    ) -> Result<(), EngineError> {
        let decoded = decode_all(self.position(), received, |payload| decode(self, payload))?;
        let mut slices = Vec::new();
        for (peer, of_payload) in decoded {
            add_received(&mut self.tally_mut().work, n_received, peer, &of_payload);
            slices.extend(of_payload);
        }
        Ok(BatchRun::offer(self, &slices, Parallelism::Pool)?)
    }

    fn end_round(&mut self) -> Result<(), EngineError> {
        Ok(BatchRun::end_round(self, Parallelism::Pool)?)
    }

    fn step_alone(&mut self) -> Result<(), EngineError> {
        Ok(BatchRun::step_alone(self, Parallelism::Pool)?)
    }

    fn can_go_on(&self) -> bool {
        self.n_new() > 0
    }

    fn is_cut_off(&self) -> bool {
        BatchRun::is_cut_off(self)
    }

    fn arcs_scanned(&self) -> u64 {
        self.tally().work.arcs_scanned
    }

    fn round_outcome(&mut self, n_peers: usize) -> RoundOutcome {
        let encoded =
            if n_peers > 0 { slice::encode(self.frontier()) } else { EncodedSlice::default() };
        let (round, n_new) = (self.round(), self.n_new());
        add_sent(&mut self.tally_mut().work, n_new, &encoded, n_peers);
        RoundOutcome { round, n_new, n_pending: 0, encoded }
    }

    fn finish(self: Box<Self>, spare: &SpareStates) -> PartitionTally {
        let (tally, states) = BatchRun::finish(*self);
        spare.give(states);
        tally
    }
}

impl<M: NodeMachine<W>, const W: usize> AnyBatch for DynamicsRun<M, W> {
    fn position(&self) -> (BatchId, Round) {
        (self.batch().batch, self.round())
    }

    /// A round looks at every node that transmits, and at those whose course goes on.
    fn is_light_with(&self, _received: &[Received]) -> bool {
        false
    }

    fn offer(
        &mut self,
        received: &[Received],
        n_received: &mut BTreeMap<WorkerId, u64>,
    ) -> Result<(), EngineError> {
        let n_sides = self.plan().dynamics.n_sides();
        let (n_nodes, lanes) = (self.plan().n_nodes, self.lanes());
        let decode = |payload: &[u8]| decode_sided::<W>(payload, n_sides, n_nodes, &lanes);
        let mut remote = vec![Vec::new(); n_sides];
        for (peer, (side, slices)) in decode_all(self.position(), received, decode)? {
            add_received(&mut self.tally_mut().work, n_received, peer, &slices);
            remote[side].extend(slices);
        }
        Ok(DynamicsRun::offer(self, remote, Parallelism::Pool)?)
    }

    fn end_round(&mut self) -> Result<(), EngineError> {
        Ok(DynamicsRun::end_round(self, Parallelism::Pool)?)
    }

    fn step_alone(&mut self) -> Result<(), EngineError> {
        Ok(DynamicsRun::step_alone(self, Parallelism::Pool)?)
    }

    fn can_go_on(&self) -> bool {
        self.n_transmitting() > 0 || self.n_pending() > 0
    }

    fn is_cut_off(&self) -> bool {
        DynamicsRun::is_cut_off(self)
    }

    fn arcs_scanned(&self) -> u64 {
        self.tally().work.arcs_scanned
    }

    fn round_outcome(&mut self, n_peers: usize) -> RoundOutcome {
        let encoded =
            if n_peers > 0 { encode_sided(self.frontier()) } else { EncodedSlice::default() };
        let (round, n_new, n_pending) = (self.round(), self.n_transmitting(), self.n_pending());
        add_sent(&mut self.tally_mut().work, n_new, &encoded, n_peers);
        RoundOutcome { round, n_new, n_pending, encoded }
    }

    fn finish(self: Box<Self>, spare: &SpareStates) -> PartitionTally {
        let (tally, machines) = DynamicsRun::finish(*self);
        spare.give(machines);
        tally
    }
}

/// Counts `slices`, which came from `peer`.
fn add_received<const W: usize>(
    work: &mut tally::Work,
    n_received: &mut BTreeMap<WorkerId, u64>,
    peer: WorkerId,
    slices: &[Slice<W>],
) {
    let n = slices.iter().map(Slice::n_activations).sum::<u64>();
    *n_received.entry(peer).or_default() += n;
    work.activations_received += n;
}

/// Counts `encoded`, which goes to `n_peers` peers.
fn add_sent(work: &mut tally::Work, n_activations: u64, encoded: &EncodedSlice, n_peers: usize) {
    work.activations_sent += n_activations * n_peers as u64;
    work.bytes_sent += encoded.n_bytes() * n_peers as u64;
    work.chunks += encoded.counts;
}

/// What the payloads of `received` hold by `decode`, each with its sender.
fn decode_all<T: Send>(
    (batch, round): (BatchId, Round),
    received: &[Received],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError> + Sync,
) -> Result<Vec<(WorkerId, T)>, EngineError> {
    let _span = tracing::debug_span!("absorb", n_peers = received.len()).entered();
    let payloads = received
        .iter()
        .flat_map(|of_peer| of_peer.payloads.iter().map(|payload| (of_peer.peer, &payload[..])));
    let payloads: Vec<(WorkerId, &[u8])> = payloads.collect();
    let decode_one = |&(peer, payload): &(WorkerId, &[u8])| match decode(payload) {
        Ok(decoded) => Ok((peer, decoded)),
        Err(source) => Err(EngineError::Slice { peer, batch, round, source }),
    };
    // A light task is not on the pool.
    if n_bytes(received) <= LIGHT_BYTES {
        payloads.iter().map(decode_one).collect()
    } else {
        payloads.par_iter().map(decode_one).collect()
    }
}

fn n_bytes(received: &[Received]) -> usize {
    received.iter().flat_map(|of_peer| &of_peer.payloads).map(|payload| payload.len()).sum()
}

fn decode<const W: usize>(run: &BatchRun<W>, payload: &[u8]) -> Result<Vec<Slice<W>>, DecodeError> {
    slice::decode(payload, run.n_nodes(), &run.lanes())
}

/// Cleared states of finished batches, so that the next batch allocates nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct SpareStates(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

impl SpareStates {
    fn take<T: 'static>(&self) -> Option<T> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        spare.downcast().ok().map(|states| *states)
    }

    fn give<T: Send + 'static>(&self, states: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(states));
    }
}
