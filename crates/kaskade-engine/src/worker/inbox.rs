//! What has arrived from the peers for one batch.

use bytes::Bytes;
use kaskade_model::message::{Chunk, Marker, PeerMessage};
use kaskade_model::{BatchId, Round, WorkerId};
use roaring::RoaringBitmap;

use crate::error::EngineError;

/// Messages of the round whose barrier is next, and of the one after it: a peer that has
/// all markers may be one round ahead, never two, because it lacks ours.
#[derive(Debug)]
pub(super) struct Inbox {
    batch: BatchId,
    round: Round,
    current: Vec<FromPeer>,
    ahead: Vec<FromPeer>,
}

/// One peer's round. Streams may reorder and repeat: chunks are known by their sequence.
#[derive(Debug)]
pub(super) struct FromPeer {
    pub(super) peer: WorkerId,
    pub(super) payloads: Vec<Bytes>,
    pub(super) marker: Option<Marker>,
    sequences: RoaringBitmap,
    n_bytes: u64,
}

impl FromPeer {
    fn nothing_of(peers: impl Iterator<Item = WorkerId>) -> Vec<Self> {
        let nothing = |peer| Self {
            peer,
            payloads: Vec::new(),
            marker: None,
            sequences: RoaringBitmap::new(),
            n_bytes: 0,
        };
        peers.map(nothing).collect()
    }

    fn add_chunk(&mut self, chunk: Chunk) {
        if self.sequences.insert(chunk.sequence) {
            self.n_bytes += chunk.payload.len() as u64;
            self.payloads.push(chunk.payload);
        }
    }

    /// Whether the marker is in and all chunks that it counts have been received.
    fn is_complete(&self) -> bool {
        self.marker.is_some_and(|marker| self.payloads.len() == marker.n_chunks as usize)
    }

    /// Whether the chunks so far can be, or when all are in are, those that the marker counts.
    fn fits_marker(&self) -> bool {
        self.marker.is_none_or(|marker| {
            let is_empty = marker.n_new == 0;
            (is_empty == (marker.n_chunks == 0))
                && self.payloads.len() <= marker.n_chunks as usize
                && (!self.is_complete() || self.n_bytes == marker.n_bytes)
        })
    }
}

impl Inbox {
    pub(super) fn new(batch: BatchId, peers: &[WorkerId]) -> Self {
        Self {
            batch,
            round: Round(0),
            current: FromPeer::nothing_of(peers.iter().copied()),
            ahead: FromPeer::nothing_of(peers.iter().copied()),
        }
    }

    /// Keeps `message` of `from`; repeats and messages of rounds that are over are dropped.
    pub(super) fn receive(
        &mut self,
        from: WorkerId,
        message: PeerMessage,
    ) -> Result<(), EngineError> {
        let round = match &message {
            PeerMessage::Chunk(chunk) => chunk.round,
            PeerMessage::Marker(marker) => marker.round,
        };
        if round < self.round {
            return Ok(());
        }
        let out_of_step = EngineError::OutOfStep { peer: from, batch: self.batch, round };
        let slot = match round.0 - self.round.0 {
            0 => &mut self.current,
            1 => &mut self.ahead,
            _ => return Err(out_of_step),
        };
        let Some(of_peer) = slot.iter_mut().find(|of_peer| of_peer.peer == from) else {
            return Err(EngineError::Stranger { peer: from });
        };
        match message {
            PeerMessage::Chunk(chunk) => of_peer.add_chunk(chunk),
            PeerMessage::Marker(marker) if of_peer.marker.is_none_or(|m| m == marker) => {
                of_peer.marker = Some(marker);
            }
            PeerMessage::Marker(_) => return Err(out_of_step),
        }
        if of_peer.fits_marker() {
            Ok(())
        } else {
            Err(EngineError::Miscounted { peer: from, batch: self.batch, round })
        }
    }

    /// Whether every peer's marker and all counted chunks of the current round are in.
    pub(super) fn is_round_closed(&self) -> bool {
        self.current.iter().all(FromPeer::is_complete)
    }

    /// Activations that the peers counted in the current, closed round.
    pub(super) fn n_new_of_peers(&self) -> u64 {
        self.markers().map(|marker| marker.n_new).sum()
    }

    /// What can still happen at the peers without input.
    pub(super) fn n_pending_of_peers(&self) -> u64 {
        self.markers().map(|marker| marker.n_pending).sum()
    }

    /// Hands out the current, closed round and turns to the next.
    pub(super) fn take_round(&mut self) -> Vec<FromPeer> {
        let peers = FromPeer::nothing_of(self.current.iter().map(|of_peer| of_peer.peer));
        self.round = self.round.next();
        let ahead = std::mem::replace(&mut self.ahead, peers);
        std::mem::replace(&mut self.current, ahead)
    }

    fn markers(&self) -> impl Iterator<Item = Marker> {
        self.current.iter().filter_map(|of_peer| of_peer.marker)
    }
}
