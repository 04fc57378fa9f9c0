//! Files to arcs of original ids: a thread reads and decompresses, the pool parses.

mod blocks;
mod header;
mod lines;
mod open;
mod pairs;
mod parse;
mod reader;

pub(crate) use lines::MAX_LINE_BYTES;
pub(crate) use open::{Compression, Encoding};
pub(crate) use parse::{Intake, parse};
