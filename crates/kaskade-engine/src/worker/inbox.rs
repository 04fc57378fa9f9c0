//! What has arrived from the peers for one batch.

use bytes::Bytes;
use kaskade_model::message::{Chunk, Credit, Marker, PeerMessage};
use kaskade_model::{BatchId, Round, WorkerId};
use roaring::RoaringBitmap;

use crate::error::EngineError;
use crate::slice::MAX_PAYLOAD_BYTES;

/// Messages of the round whose barrier is next, and of the one after it: a peer that has
/// all markers may be one round ahead, never two, because it lacks ours.
#[derive(Debug)]
pub(super) struct Inbox {
    batch: BatchId,
    round: Round,
    /// Bytes of each peer that may wait here.
    credit_bytes: u64,
    peers: Vec<FromPeer>,
}

/// What came from one peer.
#[derive(Debug)]
struct FromPeer {
    peer: WorkerId,
    current: OfRound,
    ahead: OfRound,
    /// Bytes that were taken out, over all rounds, and how many of them the peer has been told.
    n_taken: u64,
    n_told: u64,
}

/// One peer's round. Streams may reorder and repeat: chunks are known by their sequence.
#[derive(Debug, Default)]
struct OfRound {
    waiting: Vec<Bytes>,
    n_waiting: u64,
    marker: Option<Marker>,
    sequences: RoaringBitmap,
    n_bytes: u64,
}

/// Chunks of a peer, taken out to be offered.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) peer: WorkerId,
    pub(super) payloads: Vec<Bytes>,
}

impl OfRound {
    fn add_chunk(&mut self, chunk: Chunk) {
        if self.sequences.insert(chunk.sequence) {
            self.n_bytes += chunk.payload.len() as u64;
            self.n_waiting += chunk.payload.len() as u64;
            self.waiting.push(chunk.payload);
        }
    }

    /// Whether the marker is in and all chunks that it counts have been received.
    fn is_complete(&self) -> bool {
        self.marker.is_some_and(|marker| self.sequences.len() == u64::from(marker.n_chunks))
    }

    /// Whether the chunks so far can be, or when all are in are, those that the marker counts.
    fn fits_marker(&self) -> bool {
        self.marker.is_none_or(|marker| {
            let is_empty = marker.n_new == 0;
            (is_empty == (marker.n_chunks == 0))
                && self.sequences.len() <= u64::from(marker.n_chunks)
                && (!self.is_complete() || self.n_bytes == marker.n_bytes)
        })
    }
}

impl FromPeer {
    fn new(peer: WorkerId) -> Self {
        Self { peer, current: OfRound::default(), ahead: OfRound::default(), n_taken: 0, n_told: 0 }
    }

    fn n_waiting(&self) -> u64 {
        self.current.n_waiting + self.ahead.n_waiting
    }
}

impl Inbox {
    /// For `peers`, of each of which `credit_bytes` may wait, or one chunk.
    pub(super) fn new(
        batch: BatchId,
        peers: impl Iterator<Item = WorkerId>,
        credit_bytes: u64,
    ) -> Self {
        Self { batch, round: Round(0), credit_bytes, peers: peers.map(FromPeer::new).collect() }
    }

    /// Keeps a chunk or marker of `from`; repeats and messages of rounds that are over are dropped.
    pub(super) fn receive(
        &mut self,
        from: WorkerId,
        message: PeerMessage,
    ) -> Result<(), EngineError> {
        let round = match &message {
            PeerMessage::Chunk(chunk) => chunk.round,
            PeerMessage::Marker(marker) => marker.round,
            PeerMessage::Credit(_) => return Ok(()),
        };
        if round < self.round {
            return Ok(());
        }
        let batch = self.batch;
        let out_of_step = EngineError::OutOfStep { peer: from, batch, round };
        let Some(of_peer) = self.peers.iter_mut().find(|of_peer| of_peer.peer == from) else {
            return Err(EngineError::Stranger { peer: from });
        };
        let slot = match round.0 - self.round.0 {
            0 => &mut of_peer.current,
            1 => &mut of_peer.ahead,
            _ => return Err(out_of_step),
        };
        match message {
            PeerMessage::Chunk(chunk) => slot.add_chunk(chunk),
            PeerMessage::Marker(marker) if slot.marker.is_none_or(|m| m == marker) => {
                slot.marker = Some(marker);
            }
            _ => return Err(out_of_step),
        }
        if !slot.fits_marker() {
            return Err(EngineError::Miscounted { peer: from, batch, round });
        }
        if of_peer.n_waiting() > self.credit_bytes.max(MAX_PAYLOAD_BYTES as u64) {
            return Err(EngineError::Credit { peer: from, batch });
        }
        Ok(())
    }

    /// Whether every peer's marker and all counted chunks of the current round are in.
    pub(super) fn is_round_closed(&self) -> bool {
        self.peers.iter().all(|of_peer| of_peer.current.is_complete())
    }

    /// Whether chunks of the current round wait to be taken.
    pub(super) fn has_chunks(&self) -> bool {
        self.peers.iter().any(|of_peer| of_peer.current.n_waiting > 0)
    }

    /// Activations that the peers counted in the current, closed round.
    pub(super) fn n_new_of_peers(&self) -> u64 {
        self.markers().map(|(_, marker)| marker.n_new).sum()
    }

    /// What can still happen at the peers without input.
    pub(super) fn n_pending_of_peers(&self) -> u64 {
        self.markers().map(|(_, marker)| marker.n_pending).sum()
    }

    /// Takes out the chunks of the current round that have arrived.
    pub(super) fn take_chunks(&mut self) -> Vec<Received> {
        let of_peers = self.peers.iter_mut().filter(|of_peer| of_peer.current.n_waiting > 0);
        let taken = of_peers.map(|of_peer| {
            let current = &mut of_peer.current;
            of_peer.n_taken += std::mem::take(&mut current.n_waiting);
            Received { peer: of_peer.peer, payloads: std::mem::take(&mut current.waiting) }
        });
        taken.collect()
    }

    /// What the peers are to be told about the room that they have again. What is left untold is so
    /// little that the largest chunk still finds room.
    pub(super) fn credits(&mut self) -> Vec<(WorkerId, PeerMessage)> {
        let (batch, largest) = (self.batch, MAX_PAYLOAD_BYTES as u64);
        let untold = self.credit_bytes.saturating_sub(2 * largest) / 4;
        let of_peers =
            self.peers.iter_mut().filter(|of_peer| of_peer.n_taken > of_peer.n_told + untold);
        let credits = of_peers.map(|of_peer| {
            of_peer.n_told = of_peer.n_taken;
            (of_peer.peer, PeerMessage::Credit(Credit { batch, n_bytes: of_peer.n_taken }))
        });
        credits.collect()
    }

    /// Turns from the current, closed round, whose chunks have all been taken, to the next. Gives
    /// what each peer counted.
    pub(super) fn turn_round(&mut self) -> Vec<(WorkerId, u64)> {
        let counted = self.markers().map(|(peer, marker)| (peer, marker.n_new)).collect();
        self.round = self.round.next();
        for of_peer in &mut self.peers {
            of_peer.current = std::mem::take(&mut of_peer.ahead);
        }
        counted
    }

    fn markers(&self) -> impl Iterator<Item = (WorkerId, Marker)> {
        let of_peers = self.peers.iter();
        of_peers.filter_map(|of_peer| of_peer.current.marker.map(|marker| (of_peer.peer, marker)))
    }
}
