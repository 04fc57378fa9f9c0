//! A text file to arrays, by the standard library on one thread.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Targets by source: `targets[first_arcs[u]..first_arcs[u + 1]]`, distinct and without `u`.
#[derive(Clone, Debug, Default)]
pub struct PlainGraph {
    /// For every node, where its arcs begin; and the number of arcs.
    pub first_arcs: Vec<usize>,
    /// The targets of all nodes.
    pub targets: Vec<u32>,
}

/// Reads a file of `u v` lines whose ids are dense. Knows no comments, no other ids, no
/// checksums, no second view, and writes nothing.
///
/// # Errors
/// That of reading, or [`io::ErrorKind::InvalidData`] for a line that is no pair.
pub fn read_text(path: &Path) -> io::Result<PlainGraph> {
    let mut arcs = Vec::new();
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    while reader.read_line(&mut line)? > 0 {
        let (from, to) = pair(&line).ok_or(io::ErrorKind::InvalidData)?;
        if from != to {
            arcs.push(u64::from(from) << 32 | u64::from(to));
        }
        line.clear();
    }
    arcs.sort_unstable();
    arcs.dedup();
    let mut graph = PlainGraph { first_arcs: vec![0], targets: Vec::with_capacity(arcs.len()) };
    for arc in arcs {
        let source = (arc >> 32) as usize;
        while graph.first_arcs.len() <= source {
            graph.first_arcs.push(graph.targets.len());
        }
        graph.targets.push(arc as u32);
    }
    graph.first_arcs.push(graph.targets.len());
    Ok(graph)
}

fn pair(line: &str) -> Option<(u32, u32)> {
    let mut ids = line.split_ascii_whitespace();
    Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
}
