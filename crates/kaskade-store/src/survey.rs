//! What a graph looks like: degrees, reciprocity, components, and where its bytes are
//! (`kaskade graph info`).
//!
//! Either view is enough for all of it. Beside the mapped files it takes 8 bytes a node, and
//! where one view is missing 4 bytes for each of a limited number of arcs at a time.

mod components;
mod degrees;
mod reciprocity;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kaskade_model::seeds::NodeDirectory;

use crate::graph::Graph;
use crate::opening::Progress;

pub use degrees::{DegreeDistribution, HistogramBin, QUANTILES};

/// What a survey found.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// How many nodes a node reaches.
    pub out_degrees: DegreeDistribution,
    /// How many nodes a node hears.
    pub in_degrees: DegreeDistribution,
    /// Arcs whose reverse is an arc too.
    pub n_reciprocal_arcs: u64,
    /// Weakly connected components, isolated nodes included.
    pub n_components: u64,
    /// Nodes of the largest of them.
    pub n_nodes_of_largest_component: u64,
}

/// Which degrees have the heavier tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeavierTail {
    /// A few nodes reach very many: what follower graphs look like.
    Out,
    /// A few nodes hear very many: what a follower graph looks like when it is reversed.
    In,
    /// Neither clearly.
    Neither,
}

/// A kind of section, over all files of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionBytes {
    /// The section's name in `docs/format.md`; `headers and checksums` for what is in none.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: u64,
}

/// Surveys `graph`, all of whose shards must be mapped and fully verified, on the threads of
/// the current pool. O(arcs + nodes · shards). `progress` hears of arcs, twice as many as
/// there are.
#[must_use]
pub fn survey(graph: &Graph, progress: &Progress<'_>) -> Survey {
    let meter = ArcMeter { done: AtomicU64::new(0), total: 2 * graph.manifest().n_arcs, progress };
    let components = components::components(graph, &meter);
    Survey {
        out_degrees: DegreeDistribution::of(graph.out_degrees()),
        in_degrees: DegreeDistribution::of(graph.in_degrees()),
        n_reciprocal_arcs: reciprocity::reciprocal_arcs(graph, reciprocity::GROUP_ARCS, &meter),
        n_components: components.n_components,
        n_nodes_of_largest_component: components.n_nodes_of_largest,
    }
}

impl Survey {
    /// Which side has the heavier tail: its highest degree is more than twice that of the
    /// other, and its 0.999-quantile no less.
    #[must_use]
    pub fn heavier_tail(&self) -> HeavierTail {
        let is_heavier = |a: &DegreeDistribution, b: &DegreeDistribution| {
            a.max / 2 >= b.max.max(1) && a.quantiles.last() >= b.quantiles.last()
        };
        if is_heavier(&self.out_degrees, &self.in_degrees) {
            HeavierTail::Out
        } else if is_heavier(&self.in_degrees, &self.out_degrees) {
            HeavierTail::In
        } else {
            HeavierTail::Neither
        }
    }
}

/// The bytes of every kind of section in the mapped files of `graph`, in the order in which
/// they first occur, padding included in none.
#[must_use]
pub fn bytes_by_section(graph: &Graph) -> Vec<SectionBytes> {
    let mut sections: Vec<SectionBytes> = Vec::new();
    let mut add = |name: &'static str, bytes: u64| match sections
        .iter_mut()
        .find(|section| section.name == name)
    {
        Some(section) => section.bytes += bytes,
        None => sections.push(SectionBytes { name, bytes }),
    };
    let mut rest = 0;
    let of_shards = graph.shards().iter().map(crate::shard::MappedShard::container);
    for container in std::iter::once(graph.nodes().container()).chain(of_shards) {
        rest += container.bytes().len() as u64;
        for (name, _, _, length_bytes) in container.sections() {
            add(name, length_bytes);
            rest -= length_bytes;
        }
    }
    add("headers and checksums", rest);
    sections
}

/// Counts arcs looked at.
pub(super) struct ArcMeter<'a> {
    done: AtomicU64,
    total: u64,
    progress: &'a Progress<'a>,
}

impl ArcMeter<'_> {
    fn add(&self, n_arcs: u64) {
        if n_arcs > 0 {
            let before = self.done.fetch_add(n_arcs, Relaxed);
            (self.progress)(before + n_arcs, self.total);
        }
    }
}

#[cfg(test)]
mod tests;
