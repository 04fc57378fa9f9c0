//! Files to a graph directory.

use std::collections::BTreeSet;

use kaskade_model::dynamics::{MAX_CHANNELS, is_channel_name};
use kaskade_store::{GraphFacts, Manifest};

use crate::arcs::ChannelSet;
use crate::dealing::Dealing;
use crate::error::IngestError;
use crate::memory::Budget;
use crate::nodes::NodeSet;
use crate::progress::{Phase, Progress, Unit};
use crate::publish::Publication;
use crate::raw::RawIntake;
use crate::runs::Reading;
use crate::source::{InputValue, parse};
use crate::spec::{BuildSpec, ColumnChoice};

/// Builds the graph directory that `spec` asks for, on the threads of the current pool, and
/// gives its manifest.
///
/// Every id that occurs in an input is a node, also one that a header counts or a list of
/// nodes has and no arc. Self-loops are dropped and counted, and equal
/// arcs are merged and counted: duplicates are the input's arcs without self-loops, twice as
/// many when undirected, less the distinct ones. O(arcs · log arcs). Memory: at most
/// `spec.directory.memory_bytes`, of which every node takes 52 bytes; arcs beyond that go
/// through temporary files.
///
/// # Errors
/// [`IngestError`]. Nothing is left at the place of the directory, and one that was to be
/// replaced is still there.
pub fn build(spec: &BuildSpec, progress: &dyn Progress) -> Result<Manifest, IngestError> {
    build_within(spec, Budget::new(spec.directory.memory_bytes), progress)
}

fn build_within(
    spec: &BuildSpec,
    budget: Budget,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    check_channels(spec)?;
    match &spec.column {
        Some(_) => build_with::<f64>(spec, budget, progress),
        None if spec.has_channels() => build_with::<ChannelSet>(spec, budget, progress),
        None => build_with::<()>(spec, budget, progress),
    }
}

fn build_with<V: InputValue>(
    spec: &BuildSpec,
    budget: Budget,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let publication = Publication::begin(&spec.directory, budget, progress)?;
    let intake = RawIntake::<V>::new(budget, &publication.spill_folder());
    let input = parse(&spec.reading(), &intake, progress)?;
    let mut raw = intake.finish();

    let n_arcs = raw.n_arcs();
    progress.begin(Phase::Order, Some(n_arcs), Unit::Arcs);
    let nodes = match input.names {
        Some(names) => {
            // Names are there twice while they are sorted.
            raw.spill_down_to(budget.raw_bytes().saturating_sub(2 * names.bytes()))?;
            NodeSet::Named(names.into_sorted())
        }
        None => NodeSet::occurring(&raw, budget)?,
    };
    // Nodes alone, which a header counts, name no class.
    let lacks_classes = spec.channel_column.is_some() && input.classes.names.is_empty();
    if nodes.n_nodes() == 0 || lacks_classes {
        return Err(IngestError::EmptyGraph);
    }
    let reading = Reading::new(spec.orientation, spec.undirected);
    let dealing = Dealing::<V>::begin(publication, nodes, reading, n_arcs)?;
    raw.spill_down_to(dealing.run_bytes())?;
    dealing.take_all(raw, |value| value.renumbered(&input.classes.numbers))?;
    let channels = match spec.channel_column {
        Some(_) => input.classes.names,
        None => spec.channels.clone(),
    };
    let facts = GraphFacts {
        order: spec.directory.order,
        orientation: spec.orientation,
        undirected: spec.undirected,
        views: spec.directory.views,
        columns: spec.column.iter().map(column_name).collect(),
        channels,
        n_duplicates: 0,
        n_self_loops: 0,
        n_skipped_lines: input.n_skipped_lines,
    };
    dealing.finish(spec.duplicates, facts)
}

fn check_channels(spec: &BuildSpec) -> Result<(), IngestError> {
    if spec.column.is_some() && spec.has_channels() {
        return Err(IngestError::ChannelsWithColumn);
    }
    let names = &spec.channels;
    if spec.channel_column.is_some() && !names.is_empty() {
        return Err(IngestError::ChannelsTwice);
    }
    if let Some(name) = names.iter().find(|name| !is_channel_name(name)) {
        return Err(IngestError::ChannelName { name: name.clone() });
    }
    let distinct: BTreeSet<&String> = names.iter().collect();
    if names.len() > MAX_CHANNELS || distinct.len() != names.len() {
        return Err(IngestError::TooManyChannels { n_channels: names.len() });
    }
    let n_of_channels = if names.is_empty() { 0 } else { spec.inputs.len() };
    debug_assert_eq!(n_of_channels, spec.channel_of.len(), "each input has a channel");
    Ok(())
}

fn column_name(column: &ColumnChoice) -> String {
    match column {
        ColumnChoice::Name(name) => name.clone(),
        ColumnChoice::Index(index) => index.to_string(),
    }
}

#[cfg(test)]
mod tests;
