//! LAW's BVGraph through the crate `webgraph`, held so that a hostile file ends in an error.
//!
//! The library trusts its input: it reserves what a degree says, and panics where bits make
//! no sense. So the codes are checked as they are read ([`Checked`]), the bits end with an
//! error and not with zeroes, and what still panics is caught.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufReader, Read};
use std::panic::resume_unwind;

use dsi_bitstream::impls::{BufBitReader, WordAdapter};
use dsi_bitstream::traits::{BE, Endianness, LE};
use webgraph::graphs::bvgraph::sequential::NodeLabels;
use webgraph::graphs::bvgraph::{CompFlags, Decode, DynCodesDecoder};

use super::csr::NEIGHBOUR_BYTES;
use crate::error::Malformed;
use crate::isolated::isolated;

/// A graph that is being read, node by node.
pub(super) struct BvGraph<'a> {
    nodes: Box<dyn Successors + 'a>,
    pub(super) n_nodes: u64,
    pub(super) n_arcs: u64,
    next_node: u64,
    /// Neighbours of the node before `next_node` that did not fit a block.
    left: Vec<u32>,
}

/// The largest window that is accepted: hundreds of times that of any graph there is.
const MAX_WINDOW: usize = 1 << 16;

impl<'a> BvGraph<'a> {
    /// A graph whose bits `graph` holds, `graph_bytes` of them, as `properties` say.
    pub(super) fn new(
        graph: impl Read + 'a,
        graph_bytes: u64,
        properties: BTreeMap<String, String>,
    ) -> Result<Self, Malformed> {
        let number = |key: &'static str| {
            let found = properties.get(key).and_then(|value| value.parse::<u64>().ok());
            found.ok_or(Malformed::Property { key, expected: "a whole number" })
        };
        let (n_nodes, n_arcs) = (number("nodes")?, number("arcs")?);
        // Each node takes a bit at least, and ids are `u32` from here on.
        if n_nodes > graph_bytes.saturating_mul(8) || n_nodes > u64::from(u32::MAX) {
            return Err(Malformed::Property {
                key: "nodes",
                expected: "a number of nodes that the .graph file can hold",
            });
        }
        let is_little = properties.get("endianness").is_some_and(|value| value == "little");
        let properties: HashMap<String, String> = properties.into_iter().collect();
        let nodes = if is_little {
            successors::<LE>(graph, &properties, n_nodes)
        } else {
            successors::<BE>(graph, &properties, n_nodes)
        };
        Ok(Self { nodes: nodes?, n_nodes, n_arcs, next_node: 0, left: Vec::new() })
    }

    /// Adds neighbours to `bytes`, up to `most_bytes`, and whose they are to `rows`; adds
    /// nothing at the end.
    pub(super) fn fill(
        &mut self,
        most_bytes: usize,
        bytes: &mut Vec<u8>,
        rows: &mut Vec<(u64, u32)>,
    ) -> Result<(), Malformed> {
        loop {
            let n_room = (most_bytes - bytes.len()) / NEIGHBOUR_BYTES;
            let taken = self.left.len().min(n_room);
            if taken > 0 {
                rows.push((self.next_node - 1, taken as u32));
                bytes.extend(self.left.drain(..taken).flat_map(u32::to_le_bytes));
            }
            if !self.left.is_empty() || taken == n_room || self.next_node == self.n_nodes {
                return Ok(());
            }
            self.read_node()?;
        }
    }

    fn read_node(&mut self) -> Result<(), Malformed> {
        let refused = |message: &str| Malformed::library("bvgraph", message);
        let nodes = &mut self.nodes;
        match isolated(|| nodes.next(&mut self.left)) {
            Ok(Ok(())) => {}
            Ok(Err(message)) => return Err(refused(&message)),
            Err(panic) => return Err(refused(&panic)),
        }
        let are_nodes = self.left.last().is_none_or(|&last| u64::from(last) < self.n_nodes)
            && self.left.is_sorted_by(|a, b| a < b);
        if !are_nodes {
            let message = format!("the neighbours of node {} make no sense", self.next_node);
            return Err(refused(&message));
        }
        self.next_node += 1;
        Ok(())
    }
}

/// The successors of one node after the other, whatever the order of bits.
trait Successors {
    fn next(&mut self, successors: &mut Vec<u32>) -> Result<(), String>;
}

impl<D: Decode> Successors for NodeLabels<D> {
    fn next(&mut self, successors: &mut Vec<u32>) -> Result<(), String> {
        let found = self.next_successors().map_err(|error| error.to_string())?;
        let narrow = |&node: &usize| u32::try_from(node).map_err(|_| "a node is too large");
        *successors = found.iter().map(narrow).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// The bits of a graph, and then a few zeroes: a last word may be read in part.
type Bits<E, R> = BufBitReader<E, WordAdapter<u32, R>>;

fn successors<'a, E: Endianness>(
    graph: impl Read + 'a,
    properties: &HashMap<String, String>,
    n_nodes: u64,
) -> Result<Box<dyn Successors + 'a>, Malformed>
where
    for<'b> Bits<E, Box<dyn Read + 'b>>: dsi_bitstream::dispatch::CodesRead<E>,
{
    let refused = |message: &str| Malformed::library("bvgraph", message);
    let flags =
        CompFlags::from_properties::<E>(properties).map_err(|error| refused(&error.to_string()))?;
    let (window, min_interval) = (flags.compression_window, flags.min_interval_length);
    if window > MAX_WINDOW {
        return Err(Malformed::Property { key: "windowsize", expected: "at most 65536" });
    }
    let padded: Box<dyn Read + 'a> = Box::new(BufReader::new(graph).chain(io::repeat(0).take(16)));
    let bits = Bits::<E, _>::new(WordAdapter::new(padded));
    let decoder =
        DynCodesDecoder::new(bits, &flags).map_err(|error| refused(&error.to_string()))?;
    let decoder = Checked {
        decoder,
        n_nodes,
        window: window as u64,
        min_interval: min_interval as u64,
        n_nodes_read: 0,
        degree_left: 0,
    };
    // There are fewer than 2³² nodes.
    Ok(Box::new(NodeLabels::new(decoder, n_nodes as usize, window, min_interval)))
}

/// Codes that cannot promise more successors than there are nodes.
struct Checked<D> {
    decoder: D,
    n_nodes: u64,
    window: u64,
    min_interval: u64,
    n_nodes_read: u64,
    /// Successors of the node at hand that no interval and no residual was yet.
    degree_left: u64,
}

impl<D> Checked<D> {
    /// Ends the reading unless `is_sound`. The trait has no errors, so this unwinds, past the
    /// panic hook, to where it is caught.
    fn require(&self, is_sound: bool, what: &str) {
        if !is_sound {
            let node = self.n_nodes_read.saturating_sub(1);
            resume_unwind(Box::new(format!("the {what} of node {node} makes no sense")));
        }
    }

    fn take(&mut self, n_successors: u64, what: &str) {
        self.require(n_successors <= self.degree_left, what);
        self.degree_left -= n_successors;
    }
}

impl<D: Decode> Decode for Checked<D> {
    fn read_outdegree(&mut self) -> u64 {
        self.n_nodes_read += 1;
        let degree = self.decoder.read_outdegree();
        self.require(degree <= self.n_nodes, "degree");
        self.degree_left = degree;
        degree
    }

    fn read_reference_offset(&mut self) -> u64 {
        let offset = self.decoder.read_reference_offset();
        self.require(offset <= self.window && offset < self.n_nodes_read, "reference");
        offset
    }

    fn read_block_count(&mut self) -> u64 {
        let count = self.decoder.read_block_count();
        self.require(count <= self.n_nodes + 1, "count of blocks");
        count
    }

    fn read_block(&mut self) -> u64 {
        let block = self.decoder.read_block();
        self.require(block <= self.n_nodes, "block");
        block
    }

    fn read_interval_count(&mut self) -> u64 {
        let count = self.decoder.read_interval_count();
        self.require(count <= self.degree_left, "count of intervals");
        count
    }

    fn read_interval_start(&mut self) -> u64 {
        self.decoder.read_interval_start()
    }

    fn read_interval_len(&mut self) -> u64 {
        let length = self.decoder.read_interval_len();
        self.take(length.saturating_add(self.min_interval), "interval");
        length
    }

    fn read_first_residual(&mut self) -> u64 {
        self.take(1, "list of successors");
        self.decoder.read_first_residual()
    }

    fn read_residual(&mut self) -> u64 {
        self.take(1, "list of successors");
        self.decoder.read_residual()
    }
}
