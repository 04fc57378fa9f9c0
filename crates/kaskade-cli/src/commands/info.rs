//! `kaskade graph info`.

mod survey;

use std::fmt::Write as _;
use std::path::Path;

use kaskade_store::{IdKind, Manifest, NodeColumn, Order, Orientation};
use serde::Serialize;

use super::progress::{open_verified, with_bar};
use crate::args::graph::InfoArgs;
use crate::console::{Console, Counted};
use crate::error::CliError;
use survey::SurveyInfo;

/// Describes a graph directory: what its manifest says, and what its arcs look like.
pub(super) fn info(args: &InfoArgs, console: &Console) -> Result<(), CliError> {
    if args.quick {
        let manifest = Manifest::read(&args.dir)?;
        return console.result(&GraphInfo::of(&manifest), || describe(&args.dir, &manifest));
    }
    let pool = super::thread_pool(args.threads)?;
    let (graph, survey) = pool.install(|| {
        let graph = open_verified(&args.dir, console)?;
        let survey = with_bar(console, "surveying", Counted::Things("arcs"), |progress| {
            kaskade_store::survey(&graph, progress)
        });
        Ok::<_, CliError>((graph, survey))
    })?;
    let manifest = graph.manifest();
    let surveyed = SurveyInfo::of(&graph, &survey);
    let info = FullInfo { graph: GraphInfo::of(manifest), survey: &surveyed };
    console.result(&info, || describe(&args.dir, manifest) + &surveyed.describe())
}

/// What `--json` prints of a graph that was surveyed.
#[derive(Debug, Serialize)]
struct FullInfo<'a> {
    #[serde(flatten)]
    graph: GraphInfo<'a>,
    #[serde(flatten)]
    survey: &'a SurveyInfo,
}

/// What `--json` prints of a graph (INTERFACE.md).
#[derive(Debug, Serialize)]
pub(super) struct GraphInfo<'a> {
    nodes: u64,
    arcs: u64,
    max_out_degree: u32,
    max_in_degree: u32,
    isolated_nodes: u64,
    duplicates: u64,
    self_loops: u64,
    skipped_lines: u64,
    shards: usize,
    bytes_per_arc: f64,
    digest: &'a str,
    orientation: Orientation,
    order: Order,
    columns: &'a [String],
    channels: &'a [String],
    ids: IdKind,
    node_columns: &'a [NodeColumn],
    unknown_attribute_ids: u64,
}

impl<'a> GraphInfo<'a> {
    /// What `manifest` says.
    pub(super) fn of(manifest: &'a Manifest) -> Self {
        Self {
            nodes: manifest.n_nodes,
            arcs: manifest.n_arcs,
            max_out_degree: manifest.max_out_degree,
            max_in_degree: manifest.max_in_degree,
            isolated_nodes: manifest.n_isolated_nodes,
            duplicates: manifest.n_duplicates,
            self_loops: manifest.n_self_loops,
            skipped_lines: manifest.n_skipped_lines,
            shards: manifest.shards.len(),
            bytes_per_arc: manifest.bytes_per_arc(),
            digest: &manifest.digest,
            orientation: manifest.orientation,
            order: manifest.order,
            columns: &manifest.columns,
            channels: &manifest.channels,
            ids: manifest.ids,
            node_columns: &manifest.node_columns,
            unknown_attribute_ids: manifest.n_unknown_attribute_ids,
        }
    }
}

/// The same for people. Both highest degrees are there because a wrong orientation shows in
/// them: few are followed by very many, nobody follows very many.
pub(super) fn describe(dir: &Path, manifest: &Manifest) -> String {
    let bytes: u64 = manifest.files().map(|file| file.file_bytes).sum();
    let columns = if manifest.columns.is_empty() { "none" } else { &manifest.columns.join(", ") };
    let channels = &manifest.channels;
    let direction = if manifest.undirected { ", read in both directions" } else { "" };
    let mut rows = vec![
        ("graph", dir.display().to_string()),
        ("nodes", format!("{} ({} isolated)", manifest.n_nodes, manifest.n_isolated_nodes)),
        ("arcs", manifest.n_arcs.to_string()),
        (
            "dropped",
            format!(
                "{} duplicates, {} self-loops, {} unreadable lines",
                manifest.n_duplicates, manifest.n_self_loops, manifest.n_skipped_lines
            ),
        ),
        (
            "reach",
            format!(
                "one post reaches at most {} nodes, one node hears at most {}",
                manifest.max_out_degree, manifest.max_in_degree
            ),
        ),
        ("orientation", format!("{}{direction}", manifest.orientation)),
        ("order", manifest.order.to_string()),
        ("columns", columns.to_owned()),
        ("channels", if channels.is_empty() { "none".to_owned() } else { channels.join(", ") }),
        ("shards", format!("{} with views {}", manifest.shards.len(), manifest.views)),
        ("size", format!("{bytes} bytes, {:.2} per arc", manifest.bytes_per_arc())),
        ("digest", manifest.digest.clone()),
    ];
    let mut node_columns: Vec<_> = manifest.node_columns.iter().map(node_column).collect();
    if !node_columns.is_empty() {
        let unknown = manifest.n_unknown_attribute_ids;
        node_columns.push(("unknown ids", format!("{unknown} of the node tables")));
    }
    // After the columns of the arcs.
    let place = rows.iter().position(|(label, _)| *label == "shards").unwrap_or(rows.len());
    rows.splice(place..place, node_columns);
    table(&rows)
}

/// A row for a column of the nodes.
fn node_column(column: &NodeColumn) -> (&'static str, String) {
    let categories = column.n_categories.map(|n| format!(" of {n}")).unwrap_or_default();
    let NodeColumn { name, kind, n_missing, .. } = column;
    // A name goes to a terminal.
    let name = name.escape_debug();
    ("node column", format!("{name}: {kind}{categories}, {n_missing} missing"))
}

/// A line a row, values aligned.
pub(super) fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut text, (label, value)| {
        writeln!(text, "{label:<width$}  {value}").expect("a string takes any text");
        text
    })
}
