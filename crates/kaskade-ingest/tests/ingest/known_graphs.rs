//! Real graphs and their published sizes, where the shared data lies beside the repository.

use std::path::{Path, PathBuf};

use kaskade_ingest::build;
use kaskade_ingest::progress::Unwatched;
use kaskade_store::{Graph, Manifest, ShardSelection, Verify, survey};

use crate::common::Scratch;

fn build_known(name: &str, undirected: bool) -> Option<Manifest> {
    build_in(&Scratch::new(), name, undirected)
}

fn build_in(scratch: &Scratch, name: &str, undirected: bool) -> Option<Manifest> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../../shared/data", name].iter().collect();
    if !Path::new(&path).try_exists().unwrap() {
        println!("skipped: {name} is absent");
        return None;
    }
    let mut spec = scratch.spec(&[path]);
    spec.undirected = undirected;
    Some(build(&spec, &Unwatched).unwrap())
}

#[test]
fn wiki_vote() {
    let Some(manifest) = build_known("wiki-Vote.txt", false) else { return };
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (7115, 103_689));
}

/// SNAP publishes the component; the reciprocal arcs were counted in a set of pairs.
#[test]
fn wiki_vote_is_surveyed() {
    let scratch = Scratch::new();
    let Some(_) = build_in(&scratch, "wiki-Vote.txt", false) else { return };
    let out = scratch.out();
    let graph = Graph::open(&out, ShardSelection::All, Verify::Full, &|_, _| {}).unwrap();
    let found = survey(&graph, &|_, _| {});
    assert_eq!((found.n_components, found.n_nodes_of_largest_component), (24, 7066));
    assert_eq!(found.n_reciprocal_arcs, 5854);
    assert_eq!((found.out_degrees.max, found.in_degrees.max), (893, 457));
}

#[test]
fn net_hept() {
    let Some(manifest) = build_known("NetHEPT.txt", true) else { return };
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (15_233, 62_752));
}

#[test]
fn soc_slashdot() {
    let Some(manifest) = build_known("soc-Slashdot0902.txt.gz", false) else { return };
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (82_168, 870_161));
    assert_eq!((manifest.n_self_loops, manifest.n_duplicates), (78_303, 0));
}
