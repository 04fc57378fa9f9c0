//! Generated graphs, kept for the next run.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use kaskade_ingest::GenerateTarget;
use kaskade_ingest::IngestError;
use kaskade_ingest::spec::DirectorySpec;
use kaskade_model::spec::GenerateSpec;
use kaskade_store::names::GRAPH_SUFFIX;
use kaskade_store::{Graph, ShardSelection, StoreErrorKind, Verify};

use super::progress::IngestProgress;
use crate::console::Console;
use crate::error::CliError;

/// The directory of the graph of `spec` under `cache` (or the person's cache folder), drawn
/// now if it is not there. Two processes may do so at a time: each publishes a whole
/// directory or finds the other's.
///
/// # Errors
/// [`CliError::NoCache`], or that of the generator.
pub(super) fn generated_graph(
    spec: &GenerateSpec,
    cache: Option<&Path>,
    console: &Console,
) -> Result<PathBuf, CliError> {
    let cache = cache.map(Path::to_owned).or_else(user_cache).ok_or(CliError::NoCache)?;
    let folder = cache.join("generated");
    let dir = folder.join(directory_name(spec));
    let is_damaged = match Graph::open(&dir, ShardSelection::All, Verify::Header, &|_, _| {}) {
        Ok(_) => return Ok(dir),
        Err(error) => match error.kind() {
            StoreErrorKind::NotFound => false,
            // What is kept for speed only may be made again.
            StoreErrorKind::Corrupt | StoreErrorKind::UnsupportedVersion => true,
            _ => return Err(error.into()),
        },
    };
    fs::create_dir_all(&folder)
        .map_err(|source| CliError::WriteFile { path: folder.clone(), source })?;
    let started = Instant::now();
    let directory = DirectorySpec { force: is_damaged, ..DirectorySpec::at(dir.clone()) };
    let target = GenerateTarget::Directory(directory);
    match kaskade_ingest::generate(spec, &target, &IngestProgress::new(console)) {
        Ok(_) => {
            let (seconds, dir_text) = (started.elapsed().as_secs_f64(), dir.display());
            console.note(&format!("generated in {seconds:.1} s, kept as {dir_text}"));
            Ok(dir)
        }
        Err(IngestError::Store(error)) if error.kind() == StoreErrorKind::Exists => Ok(dir),
        Err(error) => Err(error.into()),
    }
}

/// The folder for what can be made again, by the rules of the desktop.
fn user_cache() -> Option<PathBuf> {
    let folder = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let folder = folder.map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cache")));
    Some(folder?.join("kaskade"))
}

/// A name that tells graphs of different parameters apart:
/// `edge_factor=16.0-kind=rmat-scale=20-seed=1.kg`.
fn directory_name(spec: &GenerateSpec) -> String {
    let keys = serde_json::to_value(spec).expect("a generator's spec has a JSON form");
    let keys = keys.as_object().into_iter().flatten();
    let parts: Vec<_> = keys
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}={text}"),
            None => format!("{key}={value}"),
        })
        .collect();
    format!("{}.{GRAPH_SUFFIX}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use kaskade_model::spec::GeneratorKind;

    use super::*;

    #[test]
    fn names_tell_parameters_apart() {
        let spec = GenerateSpec {
            kind: GeneratorKind::Rmat,
            scale: Some(20),
            nodes: None,
            edge_factor: Some(16.0),
            arcs: None,
            seed: 1,
            a: None,
            b: None,
            c: None,
        };
        let name = directory_name(&spec);
        assert_eq!(name, "edge_factor=16.0-kind=rmat-scale=20-seed=1.kg");
        assert_ne!(name, directory_name(&GenerateSpec { seed: 2, ..spec }));
    }
}
