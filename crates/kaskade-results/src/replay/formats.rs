//! A tree in the languages of programs that draw graphs.

use std::fmt::Write as _;

use crate::cascades::Cascades;
use crate::report::escape;

/// In GraphML: a node has its name and its round, an arc goes from who passed it on.
pub(super) fn graphml(cascades: &Cascades) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
         <key id=\"name\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n\
         <key id=\"round\" for=\"node\" attr.name=\"round\" attr.type=\"int\"/>\n\
         <graph edgedefault=\"directed\">\n",
    );
    // A string takes whatever is written to it.
    for of in cascades.activations() {
        let name = escape(&cascades.name(of.node).to_string());
        let _ = writeln!(
            text,
            "<node id=\"n{}\"><data key=\"name\">{name}</data><data key=\"round\">{}</data></node>",
            of.node, of.round
        );
    }
    for of in cascades.activations() {
        if let Some(parent) = of.parent {
            let _ = writeln!(text, "<edge source=\"n{parent}\" target=\"n{}\"/>", of.node);
        }
    }
    text.push_str("</graph>\n</graphml>\n");
    text
}

/// In DOT: nodes are named by their original ids.
pub(super) fn dot(cascades: &Cascades) -> String {
    let mut text = String::from("digraph cascade {\n  node [shape=circle];\n");
    let name = |node: u32| quoted(&cascades.name(node).to_string());
    for of in cascades.activations() {
        let (name, round) = (name(of.node), of.round);
        let seed = if of.parent.is_none() { ", shape=doublecircle" } else { "" };
        let _ = writeln!(text, "  {name} [round={round}{seed}];");
    }
    for of in cascades.activations() {
        if let Some(parent) = of.parent {
            let _ = writeln!(text, "  {} -> {};", name(parent), name(of.node));
        }
    }
    text.push_str("}\n");
    text
}

/// `text` between quotes: a quote and a backslash in it take a backslash.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => quoted.extend(letter.escape_default().flat_map(|l| {
                let doubled = (l == '\\').then_some('\\');
                doubled.into_iter().chain([l])
            })),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
