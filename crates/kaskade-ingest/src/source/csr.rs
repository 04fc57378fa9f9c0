//! Neighbours by node, as GAP's `.sg` holds them.
//!
//! A file is one byte, whether the graph is directed; then, little-endian, the arcs and the
//! nodes as `i64`; offsets, one more than nodes, as `i64`; neighbours as `i32`. Of a directed
//! graph the in-neighbours follow likewise and are not read; of one that is undirected the
//! neighbours hold both directions.

use crate::arcs::{ArcChunk, Payload};
use crate::error::Malformed;

/// The bytes before the offsets.
pub(super) const HEADER_BYTES: usize = 17;

/// The bytes of an offset.
pub(super) const OFFSET_BYTES: usize = 8;

/// The bytes of a neighbour.
pub(super) const NEIGHBOUR_BYTES: usize = 4;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CsrHeader {
    pub(super) n_nodes: u64,
    pub(super) n_arcs: u64,
    is_directed: bool,
}

impl CsrHeader {
    /// Reads them.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let Some((&[directed], rest)) = bytes.split_first_chunk::<1>() else {
            return Err(Malformed::Truncated { what: "header" });
        };
        let &[arcs, nodes, ..] = rest.as_chunks::<8>().0 else {
            return Err(Malformed::Truncated { what: "header" });
        };
        let (arcs, nodes) = (i64::from_le_bytes(arcs), i64::from_le_bytes(nodes));
        match (u64::try_from(arcs), u64::try_from(nodes)) {
            // A neighbour is an `i32`.
            (Ok(n_arcs), Ok(n_nodes)) if n_nodes <= 1 << 31 && n_arcs <= 1 << 60 => {
                Ok(Self { n_nodes, n_arcs, is_directed: directed != 0 })
            }
            _ => Err(Malformed::HeaderCounts { nodes, arcs }),
        }
    }

    /// Where the neighbours begin.
    pub(super) fn neighbours_begin(&self) -> u64 {
        HEADER_BYTES as u64 + (self.n_nodes + 1) * OFFSET_BYTES as u64
    }

    /// The bytes of the whole file.
    pub(super) fn file_bytes(&self) -> u64 {
        let one_way =
            (self.n_nodes + 1) * OFFSET_BYTES as u64 + self.n_arcs * NEIGHBOUR_BYTES as u64;
        HEADER_BYTES as u64 + if self.is_directed { 2 * one_way } else { one_way }
    }
}

/// The offsets, as they are read: each node's arcs, in order.
pub(super) struct Offsets {
    n_arcs: u64,
    last: Option<u64>,
    n_nodes_read: u64,
}

impl Offsets {
    pub(super) fn new(n_arcs: u64) -> Self {
        Self { n_arcs, last: None, n_nodes_read: 0 }
    }

    /// Takes offsets that follow; adds the nodes with arcs and their numbers of arcs to `rows`.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        rows: &mut Vec<(u64, u64)>,
    ) -> Result<(), Malformed> {
        for bytes in bytes.as_chunks::<OFFSET_BYTES>().0 {
            let offset = u64::from_le_bytes(*bytes);
            match self.last {
                None if offset == 0 => {}
                Some(last) if last <= offset && offset <= self.n_arcs => {
                    if last < offset {
                        rows.push((self.n_nodes_read, offset - last));
                    }
                    self.n_nodes_read += 1;
                }
                _ => return Err(Malformed::Offsets),
            }
            self.last = Some(offset);
        }
        Ok(())
    }

    /// Checks, once all were taken, that they end where the neighbours do.
    pub(super) fn finish(&self) -> Result<(), Malformed> {
        if self.last == Some(self.n_arcs) { Ok(()) } else { Err(Malformed::Offsets) }
    }
}

/// The arcs from the nodes in `rows` to the neighbours in `bytes`; a neighbour that is no
/// node is an error, with its place in `bytes`.
pub(super) fn parse_csr<V: Payload>(
    bytes: &[u8],
    rows: &[(u64, u32)],
    n_nodes: u64,
) -> Result<ArcChunk<V>, (usize, Malformed)> {
    let neighbours = bytes.as_chunks::<NEIGHBOUR_BYTES>().0;
    let mut chunk = ArcChunk::with_capacity(neighbours.len());
    let mut at = 0;
    for &(node, n_arcs) in rows {
        for bytes in neighbours.iter().skip(at).take(n_arcs as usize) {
            let neighbour = u64::from(u32::from_le_bytes(*bytes));
            if neighbour >= n_nodes {
                let id = i64::from(i32::from_le_bytes(*bytes));
                return Err((at * NEIGHBOUR_BYTES, Malformed::Neighbour { id, n_nodes }));
            }
            chunk.push(node, neighbour, V::default());
            at += 1;
        }
    }
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_checked() {
        let bytes = |arcs: i64, nodes: i64| {
            [vec![1], arcs.to_le_bytes().to_vec(), nodes.to_le_bytes().to_vec()].concat()
        };
        let header = CsrHeader::read(&bytes(5, 3)).unwrap();
        assert_eq!((header.n_nodes, header.n_arcs), (3, 5));
        assert_eq!(header.neighbours_begin(), 17 + 32);
        assert_eq!(header.file_bytes(), 17 + 2 * (32 + 20));
        for (arcs, nodes) in [(-1, 3), (3, -1), (1, i64::MAX), (i64::MAX, 1)] {
            let refused = CsrHeader::read(&bytes(arcs, nodes));
            assert_eq!(refused, Err(Malformed::HeaderCounts { nodes, arcs }));
        }
        let truncated = Malformed::Truncated { what: "header" };
        assert_eq!(CsrHeader::read(&bytes(5, 3)[..16]), Err(truncated.clone()));
        assert_eq!(CsrHeader::read(&[]), Err(truncated));
    }

    #[test]
    fn offsets_ascend_to_the_arcs() {
        let take = |offsets: &[u64], n_arcs| {
            let bytes: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
            let mut rows = Vec::new();
            let mut reading = Offsets::new(n_arcs);
            // In two pieces.
            let (one, other) = bytes.split_at(bytes.len() / 16 * 8);
            reading.take(one, &mut rows)?;
            reading.take(other, &mut rows)?;
            reading.finish().map(|()| rows)
        };
        assert_eq!(take(&[0, 2, 2, 5], 5), Ok(vec![(0, 2), (2, 3)]));
        for offsets in [[0, 3, 2, 5], [1, 2, 2, 5], [0, 2, 2, 4], [0, 2, 6, 5]] {
            assert_eq!(take(&offsets, 5), Err(Malformed::Offsets), "{offsets:?}");
        }
    }

    #[test]
    fn neighbours_are_nodes() {
        let bytes: Vec<u8> = [1i32, 0, -1].into_iter().flat_map(i32::to_le_bytes).collect();
        let mut arcs = Vec::new();
        let chunk = parse_csr::<()>(&bytes[..8], &[(0, 1), (4, 1)], 2).unwrap();
        chunk.for_each(|from, to, ()| arcs.push((from, to)));
        assert_eq!(arcs, [(0, 1), (4, 0)]);
        let refused = parse_csr::<()>(&bytes, &[(0, 3)], 2).unwrap_err();
        assert_eq!(refused, (8, Malformed::Neighbour { id: -1, n_nodes: 2 }));
    }
}
