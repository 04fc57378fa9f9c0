//! Folders: are they there, for their owner alone, and is there room.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kaskade_model::seeds::NodeDirectory;
use kaskade_store::{Graph, Opening, ShardSelection, Verify};

use super::{Check, State};

/// Room without which nothing can be written that matters.
const LEAST_ROOM_BYTES: u64 = 256 << 20;

/// Room below which a large graph or a long history finds none.
const LITTLE_ROOM_BYTES: u64 = 10 << 30;

/// A coordinator's state.
pub(super) fn state(dir: &Path) -> Vec<Check> {
    folder("state", dir)
}

/// A worker's cache.
pub(super) fn cache(dir: &Path) -> Vec<Check> {
    folder("cache", dir)
}

fn folder(name: &str, dir: &Path) -> Vec<Check> {
    let shown = dir.display();
    match fs::metadata(dir) {
        // The nearest folder that is there is where it will be made.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = dir.ancestors().skip(1).find(|path| path.is_dir());
            let parent = parent.filter(|path| !path.as_os_str().is_empty());
            return folder(&format!("{name} (to be made)"), parent.unwrap_or(Path::new(".")))
                .into_iter()
                // Whoever may read the parent is none of our business.
                .filter(|check| check.state != State::Warning || !check.name.contains("mode"))
                .collect();
        }
        Err(error) => {
            let found = format!("{shown} cannot be looked at ({error})");
            return vec![Check::failed(name, found, "give the user of kaskade access to it")];
        }
        Ok(metadata) if !metadata.is_dir() => {
            return vec![Check::failed(name, format!("{shown} is no folder"), "name a folder")];
        }
        Ok(_) => {}
    }
    vec![writable(name, dir), mode(name, dir), room(name, dir)]
}

fn writable(name: &str, dir: &Path) -> Check {
    match tempfile_in(dir) {
        Ok(()) => Check::ok(name, format!("{} can be written", dir.display())),
        Err(error) => {
            let found = format!("{} cannot be written ({error})", dir.display());
            Check::failed(name, found, "give it to the user of kaskade: `chown`, `chmod 700`")
        }
    }
}

/// Makes a file in `dir` and removes it.
fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".kaskade-doctor-{}", std::process::id()));
    fs::File::create_new(&path)?;
    fs::remove_file(path)
}

fn mode(name: &str, dir: &Path) -> Check {
    let name = format!("{name} mode");
    let mode = fs::metadata(dir).map_or(0, |metadata| metadata.permissions().mode() & 0o7777);
    let found = format!("{mode:04o}");
    if mode & 0o077 == 0 {
        Check::ok(name, found)
    } else {
        let advice =
            format!("others on this machine can look into it: `chmod 700 {}`", dir.display());
        Check::warning(name, found, advice)
    }
}

fn room(name: &str, dir: &Path) -> Check {
    let name = format!("{name} room");
    let Ok(figures) = rustix::fs::statvfs(dir) else {
        return Check::warning(name, "the system does not tell", "see `df`");
    };
    let free = figures.f_bavail.saturating_mul(figures.f_frsize);
    let found = format!("{free} bytes free");
    let advice = "free some, or keep fewer jobs: --keep-jobs N";
    match free {
        LITTLE_ROOM_BYTES.. => Check::ok(name, found),
        LEAST_ROOM_BYTES.. => Check::warning(name, found, advice),
        _ => Check::failed(name, found, advice),
    }
}

/// Every graph directory of a coordinator, by its headers: their digests are for `graph verify`.
pub(super) fn graphs(dir: &Path) -> Vec<Check> {
    let listed = match fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) => {
            let found = format!("{} cannot be listed ({error})", dir.display());
            return vec![Check::failed("graphs", found, "make it, or name another with --graphs")];
        }
    };
    let mut paths: Vec<_> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // What begins with a dot is being pushed.
    paths.retain(|path| {
        path.is_dir() && path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] != b'.')
    });
    paths.sort();
    let mut checks: Vec<Check> = paths.iter().map(|path| graph(path)).collect();
    if checks.is_empty() {
        let advice = "build one there with `kaskade graph build`, or push one";
        checks.push(Check::warning("graphs", "none", advice));
    }
    checks
}

fn graph(dir: &Path) -> Check {
    let name = format!("graph {}", dir.file_stem().unwrap_or_default().to_string_lossy());
    let opening = Opening { verify: Verify::Header, ..Opening::default() };
    match Graph::open(dir, ShardSelection::All, opening, &|_, _| {}) {
        Ok(graph) => {
            Check::ok(name, format!("{} nodes, {} arcs", graph.n_nodes(), graph.manifest().n_arcs))
        }
        Err(error) => {
            let advice = format!("see `kaskade graph verify {}`", dir.display());
            Check::failed(name, error.to_string(), advice)
        }
    }
}
