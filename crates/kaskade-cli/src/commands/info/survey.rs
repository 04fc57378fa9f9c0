//! What a survey found, for programs and for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kaskade_model::Shard;
use kaskade_store::{
    DegreeDistribution, Graph, HeavierTail, HistogramBin, Manifest, Orientation, QUANTILES,
    SectionBytes, Survey, bytes_by_section,
};
use serde::Serialize;

use super::table;

/// What `--json` prints of a survey, beside what the manifest says.
#[derive(Debug, Serialize)]
pub(super) struct SurveyInfo {
    average_degree: f64,
    out_degree: DegreeInfo,
    in_degree: DegreeInfo,
    /// The share of arcs whose reverse is an arc too; none without arcs.
    reciprocity: Option<f64>,
    weakly_connected_components: u64,
    largest_component: ComponentInfo,
    orientation_check: OrientationCheck,
    /// The arcs of each channel; an arc may belong to several.
    channel_arcs: Vec<ChannelInfo>,
    /// By section, in bytes per arc; they sum to `bytes_per_arc`.
    bytes_per_arc_by_section: Vec<SectionInfo>,
}

#[derive(Debug, Serialize)]
struct DegreeInfo {
    mean: f64,
    quantiles: BTreeMap<String, u32>,
    max: u32,
    histogram: Vec<BinInfo>,
}

/// Nodes with degrees from `from` to `to`.
#[derive(Debug, Serialize)]
struct BinInfo {
    from: u32,
    to: u32,
    nodes: u64,
}

#[derive(Debug, Serialize)]
struct ComponentInfo {
    nodes: u64,
    /// Of all nodes; none without nodes.
    share: Option<f64>,
}

#[derive(Debug, Serialize)]
struct OrientationCheck {
    /// `out`, `in` or `neither`.
    heavier_tail: &'static str,
    /// What that means, a sentence.
    note: String,
}

#[derive(Debug, Serialize)]
struct ChannelInfo {
    channel: String,
    arcs: u64,
}

impl ChannelInfo {
    fn of(graph: &Graph, (place, name): (usize, &String)) -> Self {
        let channels = graph.shards().iter().filter_map(Shard::arc_channels).flatten();
        let arcs = channels.filter(|channels| *channels >> place & 1 == 1).count();
        Self { channel: name.clone(), arcs: arcs as u64 }
    }
}

#[derive(Debug, Serialize)]
struct SectionInfo {
    section: &'static str,
    bytes_per_arc: f64,
}

impl SurveyInfo {
    pub(super) fn of(graph: &Graph, survey: &Survey) -> Self {
        let manifest = graph.manifest();
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let section = |section: SectionBytes| SectionInfo {
            section: section.name,
            bytes_per_arc: section.bytes as f64 / manifest.n_arcs.max(1) as f64,
        };
        Self {
            average_degree: survey.out_degrees.mean,
            out_degree: DegreeInfo::of(&survey.out_degrees),
            in_degree: DegreeInfo::of(&survey.in_degrees),
            reciprocity: share(survey.n_reciprocal_arcs, manifest.n_arcs),
            weakly_connected_components: survey.n_components,
            largest_component: ComponentInfo {
                nodes: survey.n_nodes_of_largest_component,
                share: share(survey.n_nodes_of_largest_component, manifest.n_nodes),
            },
            orientation_check: OrientationCheck::of(manifest, survey),
            channel_arcs: (manifest.channels.iter().enumerate())
                .map(|channel| ChannelInfo::of(graph, channel))
                .collect(),
            bytes_per_arc_by_section: bytes_by_section(graph).into_iter().map(section).collect(),
        }
    }

    /// The same for people.
    pub(super) fn describe(&self) -> String {
        let percent = |share: Option<f64>| {
            share.map_or_else(|| "unknown".to_owned(), |share| format!("{:.2} %", 100.0 * share))
        };
        let mut text = table(&[
            ("reciprocity", format!("{} of the arcs have a reverse", percent(self.reciprocity))),
            (
                "components",
                format!(
                    "{} weakly connected, the largest has {} nodes ({})",
                    self.weakly_connected_components,
                    self.largest_component.nodes,
                    percent(self.largest_component.share)
                ),
            ),
            ("tails", self.orientation_check.note.clone()),
            ("out-degree", self.out_degree.describe()),
            ("in-degree", self.in_degree.describe()),
        ]);
        let channels = self.channel_arcs.iter();
        let channels: Vec<(&str, String)> = channels
            .map(|ChannelInfo { channel, arcs }| ("channel", format!("{channel}: {arcs} arcs")))
            .collect();
        text += &table(&channels);
        text += &histograms(&self.out_degree, &self.in_degree);
        text += "\nbytes per arc\n";
        let rows: Vec<(&str, String)> = self
            .bytes_per_arc_by_section
            .iter()
            .map(|section| (section.section, format!("{:>8.3}", section.bytes_per_arc)))
            .collect();
        text += &table(&rows);
        text
    }
}

impl DegreeInfo {
    fn of(found: &DegreeDistribution) -> Self {
        let quantiles = QUANTILES.iter().map(f64::to_string).zip(found.quantiles);
        let bin = |bin: &HistogramBin| BinInfo { from: bin.from, to: bin.to, nodes: bin.n_nodes };
        Self {
            mean: found.mean,
            quantiles: quantiles.collect(),
            max: found.max,
            histogram: found.histogram.iter().map(bin).collect(),
        }
    }

    fn describe(&self) -> String {
        let mut text = format!("mean {:.2}", self.mean);
        for (quantile, degree) in &self.quantiles {
            write!(text, ", {quantile}-quantile {degree}").expect("a string takes any text");
        }
        write!(text, ", highest {}", self.max).expect("a string takes any text");
        text
    }
}

impl OrientationCheck {
    /// Follower graphs have few who are followed by very many, and nobody who follows very
    /// many: a message reaches many, and nobody hears many.
    fn of(manifest: &Manifest, survey: &Survey) -> Self {
        let (heavier_tail, note) = match survey.heavier_tail() {
            HeavierTail::Out => {
                let note = "a few nodes reach very many, as in most follower graphs".to_owned();
                ("out", note)
            }
            HeavierTail::In if manifest.undirected => {
                ("in", "a few nodes hear very many".to_owned())
            }
            HeavierTail::In => {
                let other = match manifest.orientation {
                    Orientation::Influence => Orientation::Follows,
                    Orientation::Follows => Orientation::Influence,
                };
                let note = format!(
                    "a few nodes hear very many: if this is a follower graph, it is probably \
                     reversed; rebuild it with --orientation {other}"
                );
                ("in", note)
            }
            HeavierTail::Neither => {
                let note = "neither side is much heavier: the degrees do not tell whether the \
                            orientation is right";
                ("neither", note.to_owned())
            }
        };
        Self { heavier_tail, note }
    }
}

/// Both histograms side by side.
fn histograms(out: &DegreeInfo, r#in: &DegreeInfo) -> String {
    let mut text = format!("\n{:>23}{:>15}{:>15}\n", "degree", "nodes by out", "nodes by in");
    let n_rows = out.histogram.len().max(r#in.histogram.len());
    for row in 0..n_rows {
        let bin = |degrees: &DegreeInfo| degrees.histogram.get(row).map_or(0, |bin| bin.nodes);
        let Some(range) = out.histogram.get(row).or_else(|| r#in.histogram.get(row)) else {
            continue;
        };
        let range = if range.from == range.to {
            range.from.to_string()
        } else {
            format!("{} to {}", range.from, range.to)
        };
        writeln!(text, "{range:>23}{:>15}{:>15}", bin(out), bin(r#in))
            .expect("a string takes any text");
    }
    text
}
