//! A tree, drawn: roots above, a row for each number of hops, leaves side by side.

use std::fmt::Write as _;

use crate::cascades::Cascades;
use crate::error::ResultsError;
use crate::picture;
use crate::report::escape;

/// Nodes of a drawing, at most.
pub(crate) const MAX_DRAWN: usize = 1000;

/// With more leaves than this nodes have no names beside them, but when pointed at.
const MAX_NAMED_LEAVES: usize = 60;

const STEP: f64 = 22.0;
const NAMED_STEP: f64 = 56.0;
const ROW: f64 = 64.0;
const MARGIN: f64 = 36.0;

const STYLE: &str = "svg{background:#fff}path{fill:none;stroke:#8a96a5;stroke-width:1.2}\
circle{fill:#0072b2;stroke:#fff}circle.seed{fill:#d55e00}text{font:11px system-ui,sans-serif;\
fill:#1b2430;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px}";

const DARK_STYLE: &str = "@media (prefers-color-scheme:dark){svg{background:#11161d}\
text{fill:#e8edf3;stroke:#11161d}circle{fill:#56b4e9;stroke:#11161d}circle.seed{fill:#e69f00}}";

/// The drawing of the one cascade of `cascades`, light or dark as the reader's screen.
pub(super) fn svg(cascades: &Cascades) -> Result<String, ResultsError> {
    draw(cascades, &format!("{STYLE}{DARK_STYLE}"))
}

/// The drawing as a picture, which is light.
pub(super) fn png(cascades: &Cascades) -> Result<Vec<u8>, ResultsError> {
    picture::png(&draw(cascades, STYLE)?)
}

fn draw(cascades: &Cascades, style: &str) -> Result<String, ResultsError> {
    let activations = cascades.activations();
    if activations.len() > MAX_DRAWN {
        let (nodes, limit) = (activations.len(), MAX_DRAWN);
        return Err(ResultsError::TooLargeToDraw { nodes, limit });
    }
    let Layout { places, n_leaves, depth } = Layout::of(cascades);
    let is_named = n_leaves <= MAX_NAMED_LEAVES;
    let step = if is_named { NAMED_STEP } else { STEP };
    let place = |node: u32| {
        let (across, down) = places[node as usize];
        (MARGIN + step * across, MARGIN + ROW * f64::from(down))
    };
    let width = 2.0 * MARGIN + step * (n_leaves.max(1) - 1) as f64;
    let height = 2.0 * MARGIN + ROW * f64::from(depth);
    let simulation = activations.first().map_or(0, |of| of.simulation);
    let title = format!("Simulation {simulation}: a cascade of {} nodes", activations.len());
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-labelledby=\"title\">\
         <title id=\"title\">{title}</title><style>{style}</style>\n"
    );
    // A string takes whatever is written to it.
    for of in activations {
        if let Some(parent) = of.parent {
            let ((from_x, from_y), (x, y)) = (place(parent), place(of.node));
            let mid = (from_y + y) / 2.0;
            let _ = writeln!(
                text,
                "<path d=\"M{from_x:.1} {from_y:.1}C{from_x:.1} {mid:.1} {x:.1} {mid:.1} {x:.1} {y:.1}\"/>"
            );
        }
    }
    for of in activations {
        let (x, y) = place(of.node);
        let name = cascades.name(of.node).to_string();
        let seed = if of.parent.is_none() { " class=\"seed\"" } else { "" };
        let _ = writeln!(
            text,
            "<circle{seed} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"><title>{} in round {}</title></circle>",
            escape(&name),
            of.round
        );
        if is_named {
            let short: String = name.chars().take(9).collect();
            let _ = writeln!(
                text,
                "<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                y - 10.0,
                escape(&short)
            );
        }
    }
    text.push_str("</svg>\n");
    Ok(text)
}

/// Where the nodes are.
struct Layout {
    /// By node: steps across, and rows down.
    places: Vec<(f64, u32)>,
    n_leaves: usize,
    depth: u32,
}

impl Layout {
    /// Leaves stand side by side in the order of a walk through the trees, the others above the middle
    /// of those whom they passed it to: so no two arcs cross.
    fn of(cascades: &Cascades) -> Self {
        let n_nodes = cascades.names().len();
        let mut children = vec![Vec::new(); n_nodes];
        let mut waiting = Vec::new();
        for of in cascades.activations() {
            match of.parent {
                Some(parent) => children[parent as usize].push(of.node),
                None => waiting.push((of.node, 0)),
            }
        }
        waiting.reverse();
        let mut places = vec![(0.0, 0); n_nodes];
        let (mut walked, mut n_leaves, mut depth) = (Vec::new(), 0, 0);
        while let Some((node, row)) = waiting.pop() {
            depth = depth.max(row);
            walked.push(node);
            places[node as usize].1 = row;
            if children[node as usize].is_empty() {
                places[node as usize].0 = n_leaves as f64;
                n_leaves += 1;
            }
            waiting.extend(children[node as usize].iter().rev().map(|&child| (child, row + 1)));
        }
        for node in walked.into_iter().rev() {
            if let [first, .., last] | [first @ last] = children[node as usize][..] {
                let across = |node: u32| places[node as usize].0;
                places[node as usize].0 = (across(first) + across(last)) / 2.0;
            }
        }
        Self { places, n_leaves, depth }
    }
}
