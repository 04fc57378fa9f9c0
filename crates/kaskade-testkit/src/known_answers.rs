//! Spreads that independent programs found on real graphs: `known-answers.json` and the
//! graphs' files, in the data folder beside the repository.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::accept::Estimate;
use crate::repository;

/// The file of known answers.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownAnswers {
    /// By file name in the data folder.
    pub graphs: BTreeMap<String, KnownGraph>,
}

/// A real graph and what is known of it.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownGraph {
    /// Flags of `graph build`.
    pub options: Vec<String>,
    /// Its nodes.
    pub nodes: u64,
    /// Its distinct non-self arcs.
    pub arcs: u64,
    /// Its largest out-degree.
    pub max_out_degree: u32,
    /// Its largest in-degree.
    pub max_in_degree: u32,
    /// Nodes by falling out-degree, ties by smaller id, in original ids.
    pub seeds_in_order: Vec<u64>,
    /// Spreads.
    pub answers: Vec<KnownAnswer>,
}

/// The spread of one job.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownAnswer {
    /// `independent-cascade` or `linear-threshold`.
    pub model: String,
    /// A number or a word, as in a spec.
    pub probability: serde_json::Value,
    /// So many of [`KnownGraph::seeds_in_order`] start.
    pub seeds: usize,
    /// The mean spread, seeds included.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl KnownAnswer {
    /// The spread as an estimate.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate { mean: self.mean, standard_error: self.standard_error }
    }
}

/// The known answers; `None`, said on stderr, where the data folder is absent.
///
/// # Panics
/// When the file is there but cannot be read.
#[must_use]
pub fn load() -> Option<KnownAnswers> {
    let path = repository::shared_data().join("known-answers.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            say_absent(&path.display().to_string());
            return None;
        }
        Err(error) => panic!("could not read {}: {error}", path.display()),
    };
    let answers = serde_json::from_str(&text);
    Some(answers.unwrap_or_else(|error| panic!("{} is malformed: {error}", path.display())))
}

/// Where the graph's file `name` lies.
#[must_use]
pub fn graph_file(name: &str) -> PathBuf {
    repository::shared_data().join(name)
}

#[expect(clippy::print_stderr, reason = "a test that checked nothing must say so")]
fn say_absent(path: &str) {
    eprintln!("note: {path} is absent, so nothing is compared with known answers");
}
