//! Inputs that are no text: pairs, serialized graphs, Parquet, BVGraph.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::super::block::{Buffers, Content, InputFile, Promise};
use super::super::blocks::{filled, read_up_to};
use super::super::csr::{CsrHeader, HEADER_BYTES, NEIGHBOUR_BYTES, OFFSET_BYTES, Offsets};
use super::super::open::Opened;
use super::super::pairs::Packing;
use super::super::parquet::ParquetFile;
use super::{Reader, Wanted};
use crate::error::{IngestError, Malformed, Place};
use crate::spec::Input;

/// The offsets that are read at once.
const OFFSETS_AT_ONCE: u64 = 64 << 10;

impl Reader<'_> {
    pub(super) fn read_pairs(
        &self,
        file: &Arc<InputFile>,
        mut contents: impl Read,
        packing: Packing,
    ) -> Result<Wanted, IngestError> {
        if self.spec.value_column().is_some() {
            return Err(IngestError::PairsHaveNoColumn { path: file.path.clone() });
        }
        let record_bytes = packing.pair_bytes();
        let block_bytes = self.buffers.block_bytes() / record_bytes * record_bytes;
        loop {
            let mut bytes = filled(self.buffers, &[], block_bytes);
            let n_read = read_up_to(&mut contents, block_bytes, &mut bytes)
                .map_err(|error| file.unreadable(error))?;
            if n_read == 0 {
                return Ok(Wanted::More);
            }
            let left = n_read % record_bytes;
            if left != 0 {
                let path = file.path.clone();
                return Err(IngestError::PartialPair { path, record_bytes, left });
            }
            if self.send(file, bytes, Content::Pairs(packing))? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
    }

    /// Reads offsets and neighbours side by side, from two openings of the file, so that no
    /// number of nodes takes memory.
    pub(super) fn read_gap_sg(
        &mut self,
        file: &Arc<InputFile>,
        input: &Input,
        opened: Opened<'_>,
    ) -> Result<Wanted, IngestError> {
        let wrong = |place, reason| file.malformed(place, reason);
        let unreadable = |error| file.unreadable(error);
        if self.spec.value_column().is_some() {
            return Err(wrong(Place::Whole, Malformed::NoWeights));
        }
        let is_plain = opened.is_plain;
        let mut offsets_from = opened.into_contents();
        let mut top = Vec::new();
        read_up_to(&mut offsets_from, HEADER_BYTES, &mut top).map_err(unreadable)?;
        let header = CsrHeader::read(&top).map_err(|reason| wrong(Place::Byte(0), reason))?;
        if is_plain {
            self.check_length(file, input, &header)?;
        }
        // The progress of these bytes is the other opening's.
        let again = Opened::new(input, &crate::progress::Unwatched)?;
        let mut neighbours_from = again.into_contents();
        let begin = header.neighbours_begin();
        let skipped = io::copy(&mut (&mut neighbours_from).take(begin), &mut io::sink());
        let truncated = |what| wrong(Place::Whole, Malformed::Truncated { what });
        if skipped.map_err(unreadable)? < begin {
            return Err(truncated("neighbours"));
        }
        let mut offsets = Offsets::new(header.n_arcs);
        let mut n_offsets_left = header.n_nodes + 1;
        let mut block = CsrBlock::new(self.buffers, begin);
        let (mut taken, mut bytes) = (Vec::new(), Vec::new());
        while n_offsets_left > 0 {
            let n_offsets = n_offsets_left.min(OFFSETS_AT_ONCE);
            bytes.clear();
            let wanted = n_offsets as usize * OFFSET_BYTES;
            if read_up_to(&mut offsets_from, wanted, &mut bytes).map_err(unreadable)? < wanted {
                return Err(truncated("offsets"));
            }
            n_offsets_left -= n_offsets;
            taken.clear();
            let place = Place::Byte(HEADER_BYTES as u64);
            offsets.take(&bytes, &mut taken).map_err(|reason| wrong(place, reason))?;
            for &(node, n_arcs) in &taken {
                let mut n_left = n_arcs;
                while n_left > 0 {
                    n_left -= block.take_row(node, n_left);
                    if block.is_full() {
                        self.fill_csr(file, &mut neighbours_from, &mut block)?;
                        if self.send_csr(file, &mut block, header.n_nodes)? == Wanted::Nothing {
                            return Ok(Wanted::Nothing);
                        }
                    }
                }
            }
        }
        let place = Place::Byte(HEADER_BYTES as u64);
        offsets.finish().map_err(|reason| wrong(place, reason))?;
        self.promises.push(Promise {
            file: Arc::clone(file),
            entries: None,
            nodes: Some(0..header.n_nodes),
        });
        self.fill_csr(file, &mut neighbours_from, &mut block)?;
        self.send_csr(file, &mut block, header.n_nodes)
    }

    /// Reads the neighbours of the rows that a block has.
    fn fill_csr(
        &self,
        file: &InputFile,
        neighbours_from: &mut impl Read,
        block: &mut CsrBlock,
    ) -> Result<(), IngestError> {
        let n_bytes = block.n_bytes;
        let n_read = read_up_to(neighbours_from, n_bytes, &mut block.bytes)
            .map_err(|error| file.unreadable(error))?;
        if n_read < n_bytes {
            let reason = Malformed::Truncated { what: "neighbours" };
            return Err(file.malformed(Place::Whole, reason));
        }
        self.progress.advance(n_bytes as u64);
        Ok(())
    }

    /// Compares what the header says with the length of the file.
    fn check_length(
        &self,
        file: &InputFile,
        input: &Input,
        header: &CsrHeader,
    ) -> Result<(), IngestError> {
        let n_bytes = match input {
            Input::Bytes { bytes, .. } => bytes.len() as u64,
            Input::File(path) => match path.metadata() {
                Ok(metadata) if metadata.is_file() => metadata.len(),
                _ => return Ok(()),
            },
            Input::Stdin => return Ok(()),
        };
        let reason = match header.file_bytes() {
            expected if n_bytes < expected => Malformed::Truncated { what: "neighbours" },
            expected if n_bytes > expected => Malformed::TrailingBytes,
            _ => return Ok(()),
        };
        Err(file.malformed(Place::Whole, reason))
    }

    fn send_csr(
        &self,
        file: &Arc<InputFile>,
        block: &mut CsrBlock,
        n_nodes: u64,
    ) -> Result<Wanted, IngestError> {
        let bytes = std::mem::replace(&mut block.bytes, self.buffers.take());
        let rows = std::mem::take(&mut block.rows);
        let first_byte = block.begin;
        block.begin += bytes.len() as u64;
        block.n_bytes = 0;
        self.send(file, bytes, Content::Csr { rows, n_nodes, first_byte })
    }

    pub(super) fn read_parquet(
        &self,
        file: &Arc<InputFile>,
        parquet: ParquetFile,
    ) -> Result<Wanted, IngestError> {
        let parquet = Arc::new(parquet);
        for index in 0..parquet.n_row_groups() {
            let content = Content::RowGroup { parquet: Arc::clone(&parquet), index };
            self.progress.advance(parquet.group_bytes(index));
            if self.send(file, Vec::new(), content)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
        Ok(Wanted::More)
    }

    #[cfg(not(feature = "webgraph"))]
    pub(super) fn read_bvgraph(
        &self,
        file: &Arc<InputFile>,
        _graph: &Path,
        _properties: &Path,
    ) -> Result<Wanted, IngestError> {
        let reason = Malformed::FeatureOff { format: "bvgraph", feature: "webgraph" };
        Err(file.malformed(Place::Whole, reason))
    }

    #[cfg(feature = "webgraph")]
    pub(super) fn read_bvgraph(
        &mut self,
        file: &Arc<InputFile>,
        graph: &Path,
        properties: &Path,
    ) -> Result<Wanted, IngestError> {
        use super::super::bvgraph::BvGraph;
        use super::super::graphalytics::read_properties;

        let wrong = |reason| file.malformed(Place::Whole, reason);
        if self.spec.value_column().is_some() {
            return Err(wrong(Malformed::NoWeights));
        }
        let properties = read_properties(properties, self.progress)?;
        let metadata = graph.metadata().map_err(|error| file.unreadable(error))?;
        let bits = Opened::new(&Input::File(graph.to_owned()), self.progress)?;
        let mut graph =
            BvGraph::new(bits.into_contents(), metadata.len(), properties).map_err(wrong)?;
        let (n_nodes, n_arcs) = (graph.n_nodes, graph.n_arcs);
        let mut block = CsrBlock::new(self.buffers, 0);
        loop {
            graph
                .fill(self.buffers.block_bytes(), &mut block.bytes, &mut block.rows)
                .map_err(wrong)?;
            if block.bytes.is_empty() {
                break;
            }
            if self.send_csr(file, &mut block, n_nodes)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
        self.promises.push(Promise {
            file: Arc::clone(file),
            entries: Some(("arcs", n_arcs)),
            nodes: Some(0..n_nodes),
        });
        Ok(Wanted::More)
    }
}

/// Neighbours that wait to be sent.
struct CsrBlock {
    bytes: Vec<u8>,
    rows: Vec<(u64, u32)>,
    /// The bytes that neighbours may take.
    room_bytes: usize,
    /// The bytes of the neighbours in `rows`, read or not.
    n_bytes: usize,
    /// Where they begin in the file.
    begin: u64,
}

impl CsrBlock {
    fn new(buffers: &Buffers, begin: u64) -> Self {
        let room_bytes = buffers.block_bytes();
        Self { bytes: buffers.take(), rows: Vec::new(), room_bytes, n_bytes: 0, begin }
    }

    /// Notes arcs of `node`, of `n_arcs` as many as there is room for; gives their number.
    fn take_row(&mut self, node: u64, n_arcs: u64) -> u64 {
        let n_room = (self.room_bytes - self.n_bytes) / NEIGHBOUR_BYTES;
        let n_here = n_arcs.min(n_room as u64);
        self.n_bytes += n_here as usize * NEIGHBOUR_BYTES;
        // A block holds fewer than 2³² arcs.
        self.rows.push((node, n_here as u32));
        n_here
    }

    fn is_full(&self) -> bool {
        self.n_bytes + NEIGHBOUR_BYTES > self.room_bytes
    }
}
