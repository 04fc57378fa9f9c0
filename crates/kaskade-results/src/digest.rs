//! Digest v1: when two results are the same result (DESIGN §3.6).
//!
//! It is blake3 over the rows by ascending simulation. A row is, little-endian and without
//! separators: `u64 simulation, u64 spread, u32 rounds, u32 len, len × u64 new_per_round,
//! u64 fingerprint`, with `len` the number of rounds listed, the seeds' round included.

use kaskade_model::tally::SimulationRow;

/// The version of the digest of a job's rows ([`Sample::digest`](crate::Sample::digest)).
/// Version 1 never changes; later statistics get digests of their own.
pub const DIGEST_VERSION: u32 = 1;

/// Rows are handed to blake3 in pieces of about this size: it is several times faster on
/// long input than on short.
const PIECE_BYTES: usize = 1 << 16;

/// Takes the digest of rows that come by ascending simulation and list at least one round.
#[derive(Debug, Default)]
pub(crate) struct RowHasher {
    hasher: blake3::Hasher,
    piece: Vec<u8>,
}

impl RowHasher {
    /// Adds the next row.
    pub(crate) fn add(&mut self, row: &SimulationRow) {
        let piece = &mut self.piece;
        piece.extend(row.simulation.to_le_bytes());
        piece.extend(row.spread().to_le_bytes());
        piece.extend(row.rounds().to_le_bytes());
        piece.extend((row.new_per_round.len() as u32).to_le_bytes());
        row.new_per_round.iter().for_each(|new| piece.extend(new.to_le_bytes()));
        piece.extend(row.fingerprint.to_le_bytes());
        if piece.len() >= PIECE_BYTES {
            self.hasher.update(piece);
            piece.clear();
        }
    }

    /// The digest of the rows so far, as 64 hexadecimal digits.
    pub(crate) fn finish(mut self) -> String {
        self.hasher.update(&self.piece);
        self.hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [SimulationRow; 2] {
        [
            SimulationRow {
                simulation: 7,
                new_per_round: vec![2, 0, 258],
                fingerprint: u64::MAX,
                series: Vec::new(),
            },
            SimulationRow {
                simulation: 8,
                new_per_round: vec![2],
                fingerprint: 0x0102,
                series: Vec::new(),
            },
        ]
    }

    fn digest(rows: impl IntoIterator<Item = SimulationRow>) -> String {
        let mut hasher = RowHasher::default();
        rows.into_iter().for_each(|row| hasher.add(&row));
        hasher.finish()
    }

    #[test]
    fn version_1_hashes_these_bytes() {
        #[rustfmt::skip]
        let bytes: [u8; 96] = [
            7, 0, 0, 0, 0, 0, 0, 0,   4, 1, 0, 0, 0, 0, 0, 0,   2, 0, 0, 0,   3, 0, 0, 0,
            2, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0, 0,   2, 1, 0, 0, 0, 0, 0, 0,
            255, 255, 255, 255, 255, 255, 255, 255,
            8, 0, 0, 0, 0, 0, 0, 0,   2, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0,   1, 0, 0, 0,
            2, 0, 0, 0, 0, 0, 0, 0,
            2, 1, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(digest(rows()), blake3::hash(&bytes).to_hex().as_str());
        assert_eq!(digest(rows()), GOLDEN);
    }

    const GOLDEN: &str = "7fe2f81e59988ec53fdbd6db918f8b48a652686d8798a22f6ff99449585c84f4";

    #[test]
    fn every_figure_counts() {
        let [row, other] = rows();
        let mut variants = vec![vec![row.clone(), other.clone()], vec![row.clone()], vec![other]];
        variants.push(vec![SimulationRow { simulation: 6, ..row.clone() }]);
        variants.push(vec![SimulationRow { fingerprint: 0, ..row.clone() }]);
        variants.push(vec![SimulationRow { new_per_round: vec![2, 1, 257], ..row }]);
        let mut digests: Vec<_> = variants.into_iter().map(digest).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 6);
    }

    #[test]
    fn long_input_is_cut_into_pieces_without_a_seam() {
        let row = |simulation| SimulationRow {
            simulation,
            new_per_round: vec![1; 1000],
            fingerprint: simulation,
            series: Vec::new(),
        };
        let mut expected = blake3::Hasher::new();
        for simulation in 0..50_u64 {
            expected.update(&simulation.to_le_bytes());
            expected.update(&1000_u64.to_le_bytes());
            expected.update(&999_u32.to_le_bytes());
            expected.update(&1000_u32.to_le_bytes());
            (0..1000).for_each(|_| _ = expected.update(&1_u64.to_le_bytes()));
            expected.update(&simulation.to_le_bytes());
        }
        assert_eq!(digest((0..50).map(row)), expected.finalize().to_hex().as_str());
    }
}
