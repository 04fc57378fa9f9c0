//! The arcs of inputs as plain lists, by the very way that a build reads them.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::parse::{Intake, LoneNodes, parse};
use super::value::InputValue;
use crate::arcs::{ArcChunk, ArcColumns, ChannelSet, Payload};
use crate::error::IngestError;
use crate::names::SortedNames;
use crate::progress::Progress;
use crate::spec::ReadSpec;

/// What inputs hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadArcs {
    /// The arcs as written, `from to`, ascending by ends and value; where ids are strings, by
    /// their ranks.
    pub arcs: Vec<(u64, u64)>,
    /// The value of each arc; empty unless a column was chosen.
    pub values: Vec<f64>,
    /// The class of each arc, a place in [`ReadArcs::class_names`]; empty unless a column of classes
    /// was chosen.
    pub classes: Vec<usize>,
    /// The names of the classes, ascending.
    pub class_names: Vec<String>,
    /// Nodes that headers count, whether they have arcs or not.
    pub node_ranges: Vec<Range<u64>>,
    /// Nodes that are listed by themselves, in ascending order.
    pub nodes: Vec<u64>,
    /// The strings, where ids are strings.
    pub names: Option<SortedNames>,
    /// Bad lines that were skipped.
    pub n_skipped_lines: u64,
}

/// Reads all arcs of the inputs into memory: for tests, fuzzing and small tools. What comes
/// back is bounded by the inputs, whatever their headers say.
///
/// # Errors
/// [`IngestError`], as [`crate::build()`] has for the same inputs.
pub fn read_arcs(spec: &ReadSpec, progress: &dyn Progress) -> Result<ReadArcs, IngestError> {
    match (&spec.column, &spec.channel_column) {
        (Some(_), Some(_)) => Err(IngestError::ChannelsWithColumn),
        (Some(_), None) => read_with::<f64>(spec, progress),
        (None, Some(_)) => read_with::<ChannelSet>(spec, progress),
        (None, None) => read_with::<()>(spec, progress),
    }
}

fn read_with<V: InputValue>(
    spec: &ReadSpec,
    progress: &dyn Progress,
) -> Result<ReadArcs, IngestError> {
    let collected = Mutex::new(Collected::<V>::default());
    let facts = parse::<V>(spec, &collected, progress)?;
    let Collected { mut arcs, mut nodes, mut node_ranges } =
        collected.into_inner().unwrap_or_else(PoisonError::into_inner);
    let names = facts.names.map(crate::names::Interner::into_sorted);
    if let Some(names) = &names {
        // Provisional numbers are below 2³², and dense.
        let rank = |number: u64| u64::from(names.rank_of[number as usize]);
        arcs.iter_mut().for_each(|(from, to, _)| (*from, *to) = (rank(*from), rank(*to)));
        nodes.iter_mut().for_each(|node| *node = rank(*node));
    }
    let numbers = facts.classes.numbers;
    arcs.iter_mut().for_each(|(_, _, value)| *value = value.renumbered(&numbers));
    arcs.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| a.2.compare(b.2)));
    nodes.sort_unstable();
    node_ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let values = arcs.iter().map(|(_, _, value)| *value).collect();
    let ArcColumns { probabilities, channels } = V::into_columns(values);
    Ok(ReadArcs {
        values: probabilities.unwrap_or_default(),
        // Each is of one class.
        classes: channels.into_iter().flatten().map(|set| set.trailing_zeros() as usize).collect(),
        class_names: facts.classes.names,
        arcs: arcs.into_iter().map(|(from, to, _)| (from, to)).collect(),
        node_ranges,
        nodes,
        names,
        n_skipped_lines: facts.n_skipped_lines,
    })
}

struct Collected<V> {
    arcs: Vec<(u64, u64, V)>,
    nodes: Vec<u64>,
    node_ranges: Vec<Range<u64>>,
}

impl<V> Default for Collected<V> {
    fn default() -> Self {
        Self { arcs: Vec::new(), nodes: Vec::new(), node_ranges: Vec::new() }
    }
}

impl<V: Payload> Intake<V> for Mutex<Collected<V>> {
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        let mut collected = self.lock().unwrap_or_else(PoisonError::into_inner);
        chunk.for_each(|from, to, value| collected.arcs.push((from, to, value)));
        Ok(())
    }

    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError> {
        let mut collected = self.lock().unwrap_or_else(PoisonError::into_inner);
        match ids {
            LoneNodes::Range(range) => collected.node_ranges.push(range),
            LoneNodes::List(mut nodes) => collected.nodes.append(&mut nodes),
        }
        Ok(())
    }
}
