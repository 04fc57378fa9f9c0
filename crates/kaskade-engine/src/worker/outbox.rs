//! What is to be sent to the peers for one batch, as far as they have room.

use std::collections::{BTreeMap, VecDeque};

use kaskade_model::message::{Chunk, Credit, Marker, PeerMessage};
use kaskade_model::{BatchId, WorkerId};

use super::running::RoundOutcome;
use crate::error::EngineError;

/// The chunks of a batch that wait for credit. Each peer has a line of its own, in which rounds
/// keep their order; and each batch has credit of its own. So the chunks of the earliest round
/// never wait for those of a later one or of another batch, whose turn may come only after them.
#[derive(Debug)]
pub(super) struct Outbox {
    lines: BTreeMap<WorkerId, Line>,
}

/// What waits for one peer. All peers get the same bytes: lines hold references.
#[derive(Debug)]
struct Line {
    /// Bytes that may be on their way, or in the peer's hands and not yet taken in.
    credit_bytes: u64,
    n_sent: u64,
    n_taken: u64,
    waiting: VecDeque<Chunk>,
}

impl Line {
    /// The next chunk, if there is room for it. There always is where nothing is on its way,
    /// however large it is and however small the credit.
    fn next(&mut self) -> Option<Chunk> {
        let n_bytes = self.waiting.front()?.payload.len() as u64;
        let n_under_way = self.n_sent - self.n_taken;
        if n_under_way > 0 && n_under_way + n_bytes > self.credit_bytes {
            return None;
        }
        self.n_sent += n_bytes;
        self.waiting.pop_front()
    }
}

impl Outbox {
    /// For `peers`, each with the bytes that it has room for.
    pub(super) fn new(peers: &BTreeMap<WorkerId, u64>) -> Self {
        let line =
            |&credit_bytes| Line { credit_bytes, n_sent: 0, n_taken: 0, waiting: VecDeque::new() };
        Self { lines: peers.iter().map(|(&peer, credit)| (peer, line(credit))).collect() }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.values().all(|line| line.waiting.is_empty())
    }

    /// The messages that end a round: as much of the own slice as there is room for, and the
    /// marker that counts all of it. Markers need no room, and wait for nothing.
    pub(super) fn announce(
        &mut self,
        batch: BatchId,
        outcome: &RoundOutcome,
    ) -> Vec<(WorkerId, PeerMessage)> {
        let round = outcome.round;
        let marker = Marker {
            batch,
            round,
            n_chunks: outcome.encoded.payloads.len() as u32,
            n_bytes: outcome.encoded.n_bytes(),
            n_new: outcome.n_new,
            n_pending: outcome.n_pending,
        };
        for line in self.lines.values_mut() {
            let payloads = (0..).zip(&outcome.encoded.payloads);
            line.waiting.extend(payloads.map(|(sequence, payload)| Chunk {
                batch,
                round,
                sequence,
                payload: payload.clone(),
            }));
        }
        let mut messages = self.sendable();
        messages.extend(self.lines.keys().map(|&peer| (peer, PeerMessage::Marker(marker))));
        messages
    }

    /// Notes what `from` has taken in, and gives what there is room for now.
    pub(super) fn credit(
        &mut self,
        from: WorkerId,
        credit: Credit,
    ) -> Result<Vec<(WorkerId, PeerMessage)>, EngineError> {
        let line = self.lines.get_mut(&from).ok_or(EngineError::Stranger { peer: from })?;
        if credit.n_bytes > line.n_sent {
            return Err(EngineError::Credit { peer: from, batch: credit.batch });
        }
        line.n_taken = line.n_taken.max(credit.n_bytes);
        Ok(self.sendable())
    }

    /// What there is room for, a chunk for each peer in turn: none waits for another's last.
    fn sendable(&mut self) -> Vec<(WorkerId, PeerMessage)> {
        let mut messages = Vec::new();
        loop {
            let n_before = messages.len();
            for (&peer, line) in &mut self.lines {
                messages.extend(line.next().map(|chunk| (peer, PeerMessage::Chunk(chunk))));
            }
            if messages.len() == n_before {
                return messages;
            }
        }
    }
}
