//! No damage to a graph directory passes: every flipped byte and every truncation of any file
//! is reported by `verify`, and by opening as `run` does, before a wrong number could come out.
//!
//! `KASKADE_FULL=1 cargo test --release -p kaskade-tests --test corruption` does 10,000 flips
//! and 1,000 truncations of every kind of directory; every day it is a few hundred.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fs};

use kaskade_ingest::NodeTables;
use kaskade_ingest::spec::{BuildSpec, ColumnChoice, IdKind};
use kaskade_store::{
    ColumnType, Graph, Manifest, Order, ShardSelection, StoreError, StoreErrorKind, Verify, Views,
    names,
};
use kaskade_testkit::philox::Philox;
use kaskade_testkit::{ArcList, directories, fixtures};
use tempfile::TempDir;

/// A kind of directory: what differs in the files that it consists of.
struct Variant {
    name: &'static str,
    has_column: bool,
    /// Changes what a build is asked for from everything at its default.
    change: fn(&mut BuildSpec),
}

/// Whatever can be in a directory is in one of these.
const VARIANTS: [Variant; 6] = [
    Variant {
        name: "both views, a column, several shards",
        has_column: true,
        change: |spec| spec.directory.n_shards = 5,
    },
    Variant {
        name: "one shard of several blocks a section",
        has_column: true,
        change: |spec| spec.directory.n_shards = 1,
    },
    Variant {
        name: "an out-view alone, by id, empty shards",
        has_column: true,
        change: |spec| {
            spec.directory.views = Views::Out;
            spec.directory.order = Order::Id;
            spec.directory.n_shards = 40;
        },
    },
    Variant {
        name: "coded lists, a column",
        has_column: true,
        change: |spec| {
            spec.directory.compress = true;
            spec.directory.n_shards = 3;
        },
    },
    Variant {
        name: "names and columns of the nodes",
        has_column: false,
        change: |spec| {
            let table = spec.directory.out.with_file_name("nodes.csv");
            let rows: String = (0..200).map(|id| format!("{id},{},{id}.5\n", id % 7)).collect();
            fs::write(&table, format!("id,team,score\n{rows}")).expect("the folder is writable");
            let (paths, types) = (vec![table], vec![("team".to_owned(), ColumnType::Category)]);
            spec.directory.nodes = Some(NodeTables { paths, key: None, types });
            spec.ids = IdKind::String;
            spec.directory.n_shards = 2;
        },
    },
    Variant {
        name: "an in-view alone, no column",
        has_column: false,
        change: |spec| {
            spec.directory.views = Views::In;
            spec.directory.n_shards = 3;
        },
    },
];

/// How much is tried of each variant.
struct Effort {
    n_flips: u32,
    n_truncations: u32,
}

impl Effort {
    fn asked_for() -> Self {
        if env::var_os("KASKADE_FULL").is_some() {
            Self { n_flips: 10_000, n_truncations: 1_000 }
        } else {
            Self { n_flips: 250, n_truncations: 60 }
        }
    }
}

/// A directory that is damaged and made whole again, file by file.
struct Victim {
    folder: TempDir,
    /// Paths below the directory, the manifest's among them, with the sound bytes.
    files: Vec<(PathBuf, Vec<u8>)>,
}

const NO_PROGRESS: &kaskade_store::Progress<'static> = &|_, _| {};

impl Victim {
    fn new(variant: &Variant, graph: &ArcList) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let input = folder.path().join("arcs.txt");
        directories::write_text(&input, graph, graph.arcs().iter().copied());
        let mut spec = directories::build_spec(vec![input], folder.path().join("victim.kg"));
        spec.column = variant.has_column.then_some(ColumnChoice::Index(2));
        (variant.change)(&mut spec);
        let graph = directories::build(&spec);
        let (dir, manifest): (&Path, &Manifest) = (&spec.directory.out, graph.manifest());
        let paths = manifest.files().map(|file| file.path).chain([names::MANIFEST.into()]);
        let files = paths.map(|path| {
            let bytes = fs::read(dir.join(&path)).expect("the manifest names files that are there");
            (path, bytes)
        });
        let files = files.collect();
        Self { folder, files }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("victim.kg")
    }

    fn n_bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// A file and a place in it: every second time each byte of the directory is as likely, else
    /// each file.
    fn draw_place(&self, philox: &mut Philox) -> (usize, usize) {
        let below = |philox: &mut Philox, end: usize| philox.below(end as u32) as usize;
        if philox.next_u32() & 1 == 0 {
            let idx = below(philox, self.files.len());
            return (idx, below(philox, self.files[idx].1.len()));
        }
        let mut place = below(philox, self.n_bytes() as usize);
        let mut idx = 0;
        while place >= self.files[idx].1.len() {
            place -= self.files[idx].1.len();
            idx += 1;
        }
        (idx, place)
    }

    /// Puts `bytes` in the place of the file at `idx`, as a new file: what may still be mapped
    /// is not touched.
    fn replace(&self, idx: usize, bytes: &[u8]) {
        let path = self.dir().join(&self.files[idx].0);
        fs::remove_file(&path).expect("the file is there");
        fs::write(&path, bytes).expect("the folder can be written to");
    }

    fn restore(&self, idx: usize) {
        self.replace(idx, &self.files[idx].1);
    }

    /// Demands that the directory is refused, and a file named; `what` was done to it.
    fn assert_refused(&self, what: &str, files: &[usize]) {
        let ways: [(&str, &dyn Fn() -> Option<StoreError>); 2] = [
            ("verify", &|| kaskade_store::verify(&self.dir(), NO_PROGRESS).err()),
            ("run", &|| open(&self.dir()).err()),
        ];
        for (way, refuse) in ways {
            let error = catch_unwind(AssertUnwindSafe(refuse));
            let error = error.unwrap_or_else(|_| panic!("{what}: {way} panics"));
            let error = error.unwrap_or_else(|| panic!("{what}: {way} finds nothing"));
            let is_told = matches!(
                error.kind(),
                StoreErrorKind::Corrupt | StoreErrorKind::UnsupportedVersion
            );
            assert!(is_told, "{what}: {way} says {error}");
            let text = error.to_string();
            let is_named = files.iter().any(|&idx| {
                let name = self.files[idx].0.file_name().expect("a file has a name");
                text.contains(&*name.to_string_lossy())
            });
            assert!(is_named, "{what}: {way} names another file: {text}");
        }
    }

    fn name(&self, idx: usize) -> String {
        self.files[idx].0.display().to_string()
    }
}

/// What `run` does before the first round.
fn open(dir: &Path) -> Result<Graph, StoreError> {
    Graph::open(dir, ShardSelection::All, Verify::Full, NO_PROGRESS)
}

/// A graph whose sections have padding, and in one shard more than one block of checksums.
fn graph(has_column: bool, seed: u64) -> ArcList {
    let graph = fixtures::out_regular(1500, 15, seed);
    let in_degrees = graph.in_degrees();
    let share = |arc: kaskade_testkit::Arc| 1.0 / f64::from(in_degrees[arc.target as usize] + 1);
    if has_column { graph.with_column(share) } else { graph }
}

fn for_every_variant(test: impl Fn(&Variant, &Victim)) {
    for variant in &VARIANTS {
        let victim = Victim::new(variant, &graph(variant.has_column, 1));
        test(variant, &victim);
        kaskade_store::verify(&victim.dir(), NO_PROGRESS).expect("the victim was made whole again");
    }
}

#[test]
fn flipped_bytes_are_found() {
    let n_flips = Effort::asked_for().n_flips;
    for_every_variant(|variant, victim| {
        let mut philox = Philox::new(1, 0);
        let mut hits = vec![0u32; victim.files.len()];
        for _ in 0..n_flips {
            let (idx, place) = victim.draw_place(&mut philox);
            let change = 1 + philox.below(255) as u8;
            let mut bytes = victim.files[idx].1.clone();
            bytes[place] ^= change;
            victim.replace(idx, &bytes);
            let what = format!("{}: {}[{place}] ^ {change:#04x}", variant.name, victim.name(idx));
            victim.assert_refused(&what, &[idx]);
            victim.restore(idx);
            hits[idx] += 1;
        }
        assert!(hits.iter().filter(|&&n| n > 0).count() > hits.len() / 2, "{hits:?}");
        eprintln!(
            "{}: {n_flips} flips of {} bytes in {} files, all found",
            variant.name,
            victim.n_bytes(),
            victim.files.len()
        );
    });
}

#[test]
fn truncations_are_found() {
    let n_truncations = Effort::asked_for().n_truncations;
    for_every_variant(|variant, victim| {
        let mut philox = Philox::new(2, 0);
        let truncate = |idx: usize, length: usize| {
            victim.replace(idx, &victim.files[idx].1[..length]);
            let what = format!("{}: {} cut to {length}", variant.name, victim.name(idx));
            victim.assert_refused(&what, &[idx]);
            victim.restore(idx);
        };
        for _ in 0..n_truncations {
            let (idx, length) = victim.draw_place(&mut philox);
            truncate(idx, length);
        }
        for idx in 0..victim.files.len() {
            truncate(idx, 0);
            truncate(idx, victim.files[idx].1.len() - 1);
        }
        eprintln!("{}: {n_truncations} truncations, all found", variant.name);
    });
}

/// Nobody reads what lies between sections, and still it must be what was written.
#[test]
fn every_byte_of_padding_counts() {
    let variant = &VARIANTS[0];
    let victim = Victim::new(variant, &graph(true, 1));
    let mut n_paddings = 0;
    for (idx, (path, sound)) in victim.files.iter().enumerate() {
        let Ok(summary) = kaskade_store::inspect(&victim.dir().join(path)) else {
            assert_eq!(path, Path::new(names::MANIFEST), "it has no sections");
            continue;
        };
        for section in &summary.sections {
            let end = (section.offset_bytes + section.length_bytes) as usize;
            if end.is_multiple_of(64) {
                continue;
            }
            let mut bytes = sound.clone();
            let last = end.next_multiple_of(64) - 1;
            assert_eq!(bytes[last], 0, "padding is zero");
            bytes[last] = 1;
            victim.replace(idx, &bytes);
            victim.assert_refused(&format!("padding after {}", section.name), &[idx]);
            victim.restore(idx);
            n_paddings += 1;
        }
    }
    assert!(n_paddings > 10, "{n_paddings} sections have padding");
}

#[test]
fn files_in_the_wrong_place_are_found() {
    for variant in &VARIANTS {
        let victim = Victim::new(variant, &graph(variant.has_column, 1));
        // The same shape and other arcs, so that only what is in the files tells them apart.
        let other = Victim::new(variant, &graph(variant.has_column, 2));
        assert_eq!(victim.files.len(), other.files.len());
        for idx in 0..victim.files.len() {
            if victim.files[idx] == other.files[idx] {
                continue; // Empty shards are alike.
            }
            victim.replace(idx, &other.files[idx].1);
            let what = format!("{}: {} of another graph", variant.name, victim.name(idx));
            // Which file is wrong cannot be told where the manifest is.
            let manifest_idx = victim.files.len() - 1;
            let all: Vec<usize> = (0..victim.files.len()).collect();
            let named = if idx == manifest_idx { all } else { vec![idx] };
            victim.assert_refused(&what, &named);
            victim.restore(idx);
        }
        let shards = 1..victim.files.len() - 1;
        for (a, b) in shards.clone().zip(shards.skip(1)) {
            if victim.files[a].1 == victim.files[b].1 {
                continue;
            }
            victim.replace(a, &victim.files[b].1);
            victim.replace(b, &victim.files[a].1);
            let (name, with) = (victim.name(a), victim.name(b));
            victim.assert_refused(&format!("{name} and {with} swapped"), &[a, b]);
            victim.restore(a);
            victim.restore(b);
        }
    }
}

#[test]
fn missing_and_longer_files_are_found() {
    for_every_variant(|variant, victim| {
        for (idx, (path, sound)) in victim.files.iter().enumerate() {
            victim.replace(idx, &[sound, b"\n".as_slice()].concat());
            victim.assert_refused(&format!("{}: {} longer", variant.name, path.display()), &[idx]);
            let whole = victim.dir().join(path);
            fs::remove_file(&whole).expect("the file is there");
            let error = open(&victim.dir()).expect_err("a file is gone");
            let is_manifest = path == Path::new(names::MANIFEST);
            assert_eq!(error.is_corrupt(), !is_manifest, "without a manifest it is no directory");
            fs::write(&whole, sound).expect("the folder can be written to");
        }
    });
}
