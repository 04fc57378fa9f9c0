//! Everything that takes bytes from outside, on its corpus and on inputs near it: a panic is a
//! defect. `scripts/fuzz.sh` looks further, for as long as one likes.
//!
//! `KASKADE_BLESS=1 cargo test -p kaskade-tests --test fuzz_targets` writes the seeds that are
//! called `valid-…`, after a change of format.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fs};

use kaskade_engine::slice::{self, Slice};
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::ColumnChoice;
use kaskade_ingest::{ExportSpec, export};
use kaskade_model::ShardId;
use kaskade_store::{Views, names};
use kaskade_testkit::philox::Philox;
use kaskade_testkit::{ArcList, directories, repository};
use kaskade_tests::fuzz_targets::{TARGETS, Target, Verdict};

/// So many inputs near the corpus, a target.
const RUNS: u64 = 20_000;

/// Seeds by the name of their target and their own.
type Seeds = BTreeMap<(&'static str, String), Vec<u8>>;

fn corpus(target: Target) -> PathBuf {
    repository::root().join("tests/fuzz/corpus").join(target.name)
}

/// The inputs in the repository for `target`, each with its file's name.
fn seeds(target: Target) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(corpus(target)).expect("a target has a folder of seeds");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    paths.into_iter().map(|path| (name(&path), read(&path))).collect()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("the file can be read")
}

/// What `target` says to `input`; a panic shows the input.
fn run(target: Target, input: &[u8]) -> Verdict {
    let verdict = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    verdict.unwrap_or_else(|_| panic!("{} panicked on b\"{}\"", target.name, input.escape_ascii()))
}

#[test]
fn what_the_code_writes_is_taken() {
    if env::var_os("KASKADE_BLESS").is_some() {
        for ((target, name), bytes) in valid_seeds() {
            let target = kaskade_tests::fuzz_targets::target(target).expect("a target's name");
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(corpus(target).join(name), bytes).unwrap();
        }
    }
    for target in TARGETS {
        let seeds = seeds(target);
        let valid: Vec<_> = seeds.iter().filter(|(name, _)| name.starts_with("valid-")).collect();
        assert!(!valid.is_empty(), "{} has a seed that it takes", target.name);
        for (name, input) in valid {
            assert_eq!(run(target, input), Verdict::Accepted, "{}: {name}", target.name);
        }
    }
}

/// `scripts/fuzz.sh` goes by the folders.
#[test]
fn every_folder_of_seeds_has_a_target() {
    let folders = fs::read_dir(repository::root().join("tests/fuzz/corpus")).unwrap();
    let mut found: Vec<String> =
        folders.map(|folder| folder.unwrap().file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    let mut names = TARGETS.map(|target| target.name);
    names.sort_unstable();
    assert_eq!(found, names);
}

#[test]
fn nothing_near_the_corpus_panics() {
    for target in TARGETS {
        let seeds: Vec<_> = seeds(target).into_iter().map(|(_, bytes)| bytes).collect();
        for input in &seeds {
            run(target, input);
        }
        let mut n_refused = 0;
        let n_runs = if target.is_slow { RUNS / 50 } else { RUNS };
        for stream in 0..n_runs {
            let input = near(&seeds, &mut Philox::new(1, stream));
            n_refused += u64::from(run(target, &input) == Verdict::Refused);
        }
        assert!(n_refused > n_runs / 10, "{}: what is broken is refused", target.name);
    }
}

/// One of `seeds`, changed in a few places.
fn near(seeds: &[Vec<u8>], philox: &mut Philox) -> Vec<u8> {
    let seed = |philox: &mut Philox| &seeds[philox.below(seeds.len() as u32) as usize];
    let mut input = seed(philox).clone();
    for _ in 0..=philox.below(4) {
        let at = philox.below(input.len() as u32 + 1) as usize;
        let length = 1 + philox.below(16) as usize;
        let end = (at + length).min(input.len());
        match philox.below(7) {
            0 => input[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << philox.below(8)),
            1 => input[at..end].fill_with(|| philox.next_u32() as u8),
            2 => input[at..end].fill([0, 0x7f, 0x80, 0xff][philox.below(4) as usize]),
            3 => input.truncate(at),
            4 => drop(input.drain(at..end)),
            5 => {
                let bytes: Vec<u8> = (0..length).map(|_| philox.next_u32() as u8).collect();
                input.splice(at..at, bytes);
            }
            _ => {
                let other = seed(philox);
                let from = philox.below(other.len() as u32 + 1) as usize;
                let to = (from + 4 * length).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    input
}

/// Seeds as today's code writes them, a few hundred bytes each.
fn valid_seeds() -> Seeds {
    let mut seeds = Seeds::new();
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let arcs = (0..40).map(|node| (node % 7 * node % 70, node % 5)).chain([(69, 0), (0, 69)]);
    let graph = ArcList::new(70, arcs).with_column(|_| 0.125);
    for (name, views, has_column) in [
        ("both", Views::Both, false),
        ("out", Views::Out, false),
        ("in", Views::In, true),
        ("column", Views::Both, true),
    ] {
        let input = folder.path().join(format!("{name}.txt"));
        directories::write_text(&input, &graph, graph.arcs().iter().copied());
        let mut spec = directories::build_spec(vec![input], folder.path().join(name));
        spec.column = has_column.then_some(ColumnChoice::Index(2));
        (spec.directory.views, spec.directory.n_shards) = (views, 2);
        let dir = &spec.directory.out;
        drop(directories::build(&spec));
        for shard in [0, 1] {
            let bytes = read(&dir.join(names::shard(ShardId(shard))));
            let name = format!("valid-{name}-{shard}");
            seeds.insert(("shard", name.clone()), bytes.clone());
            seeds.insert(("sealed-shard", name), bytes);
        }
        if views == Views::Both {
            let out = folder.path().join(format!("{name}.parquet"));
            let spec = ExportSpec {
                out: out.clone(),
                force: true,
                isolated_as_self_loops: false,
                channel: None,
            };
            export(&directories::open(dir), dir, &spec, &Unwatched).expect("arcs are exported");
            seeds.insert(("parquet", format!("valid-{name}")), read(&out));
        }
        let bytes = read(&dir.join(names::MANIFEST));
        seeds.insert(("manifest", format!("valid-{name}")), bytes.clone());
        seeds.insert(("sealed-manifest", format!("valid-{name}")), bytes);
    }
    // One of each encoding of ids and of masks.
    let of = |nodes: Vec<u32>, mask: fn(u32) -> u64| {
        let masks = nodes.iter().map(|&node| [mask(node)]).collect();
        Slice::<1> { nodes, masks }
    };
    let slices = [
        ("far", of((0..9).map(|i| i * 70_001).collect(), |node| u64::from(node) | 1)),
        ("near", of((0..300).map(|i| 5 * i).collect(), |node| 1 << (node % 64))),
        ("runs", of((0..600).filter(|i| i % 100 < 80).collect(), |_| u64::MAX)),
        ("all", of((65_500..66_000).collect(), |_| 1)),
    ];
    for (name, slice) in slices {
        let payloads = slice::encode(std::slice::from_ref(&slice)).payloads;
        seeds.insert(("slice", format!("valid-{name}")), payloads.concat());
    }
    seeds
}
