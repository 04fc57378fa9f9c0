//! Golden digests: graphs and results of coin version 1, bit for bit, for good.
//!
//! A change here is a new coin version or a new digest, never an update in passing. Where
//! that is meant, `KASKADE_BLESS=1 cargo test -p kaskade-tests --test golden` writes the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{ColumnChoice, DirectorySpec};
use kaskade_ingest::{GenerateTarget, generate};
use kaskade_model::dynamics::ActivationRule;
use kaskade_model::spec::{
    ChannelSpec, CoinFamily, GenerateSpec, GeneratorKind, ModelKind, ModelSpec, Probability,
    SeedSpec, Spec,
};
use kaskade_results::Sample;
use kaskade_testkit::philox::Philox;
use kaskade_testkit::runs::Layout;
use kaskade_testkit::{ArcList, directories, every_model, repository};

type Digests = BTreeMap<String, String>;

fn golden_file() -> PathBuf {
    repository::root().join("tests/golden/digests.json")
}

#[test]
fn digests_are_those_of_coin_version_1() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = Digests::new();
    let rmat = rmat(folder.path(), &mut found);
    let column = column(folder.path(), &mut found);
    let jobs = [
        ("constant", &rmat, independent_cascade(Probability::Constant(0.05)), top_degree()),
        ("small", &rmat, independent_cascade(Probability::Constant(0.01)), top_degree()),
        ("weighted-cascade", &rmat, independent_cascade(Probability::WeightedCascade), random()),
        ("trivalency", &rmat, independent_cascade(Probability::Trivalency), top_degree()),
        ("linear-threshold", &rmat, linear_threshold(Probability::WeightedCascade), random_each()),
        ("column", &column, independent_cascade(Probability::Column), random_each()),
        ("column-threshold", &column, linear_threshold(Probability::Column), random()),
    ];
    let families =
        [("arc", CoinFamily::Arc), ("octet", CoinFamily::Octet), ("block", CoinFamily::Block)];
    for ((name, graph, model, seeds), (family, coins)) in
        jobs.iter().flat_map(|job| families.map(|family| (job, family)))
    {
        let is_constant = matches!(model.probability(), Probability::Constant(_));
        if coins == CoinFamily::Block && !is_constant {
            continue;
        }
        let mut job = directories::job(model.clone(), seeds.clone(), 1000);
        job.run.coins = coins;
        let job = job.resolve().unwrap();
        let graph = directories::open(graph);
        let n_nodes = graph.nodes().originals().len() as u32;
        let rows = directories::run(&job, graph, Layout::new(1, 2, 1));
        let sample = Sample::collect(rows, n_nodes).unwrap();
        found.insert(format!("job/{family}/{name}"), sample.digest().to_owned());
    }

    for (name, mut job) in every_model(500) {
        for (family, coins) in &families[..2] {
            job.run.coins = *coins;
            let graph = directories::open(&rmat);
            let n_nodes = graph.nodes().originals().len() as u32;
            let rows = directories::run(&job, graph, Layout::new(1, 2, 1));
            let sample = Sample::collect(rows, n_nodes).unwrap();
            if let Some(digest) = sample.measures_digest() {
                found.insert(format!("measures/{family}/{name}"), digest.to_owned());
            }
            found.insert(format!("job/{family}/{name}"), sample.digest().to_owned());
        }
    }

    let layers = layers(folder.path(), &mut found);
    for (name, mut job) in over_channels() {
        for (family, coins) in &families[..2] {
            job.run.coins = *coins;
            let graph = directories::open(&layers);
            let n_nodes = graph.nodes().originals().len() as u32;
            let rows = directories::run(&job, graph, Layout::new(1, 2, 1));
            let sample = Sample::collect(rows, n_nodes).unwrap();
            let measures = sample.measures_digest().expect("channels are counted apart");
            found.insert(format!("measures/{family}/channels/{name}"), measures.to_owned());
            found.insert(format!("job/{family}/channels/{name}"), sample.digest().to_owned());
        }
    }

    if env::var_os("KASKADE_BLESS").is_some() {
        fs::create_dir_all(golden_file().parent().unwrap()).unwrap();
        fs::write(golden_file(), serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let golden: Digests = serde_json::from_slice(&fs::read(golden_file()).unwrap()).unwrap();
    assert_eq!(found, golden);
}

fn independent_cascade(probability: Probability) -> ModelSpec {
    ModelSpec::new(ModelKind::IndependentCascade, probability)
}

fn linear_threshold(probability: Probability) -> ModelSpec {
    ModelSpec::new(ModelKind::LinearThreshold, probability)
}

fn top_degree() -> SeedSpec {
    SeedSpec::TopDegree(10)
}

fn random() -> SeedSpec {
    SeedSpec::Random(10)
}

fn random_each() -> SeedSpec {
    SeedSpec::RandomEach(10)
}

/// An R-MAT graph of 1,024 nodes; its digest also pins the generator.
fn rmat(folder: &Path, found: &mut Digests) -> PathBuf {
    let spec = GenerateSpec {
        kind: GeneratorKind::Rmat,
        scale: Some(10),
        nodes: None,
        edge_factor: Some(8.0),
        arcs: None,
        seed: 1,
        a: None,
        b: None,
        c: None,
    };
    let out = folder.join("rmat.kg");
    let target = GenerateTarget::Directory(DirectorySpec::at(out.clone()));
    generate(&spec, &target, &Unwatched).expect("the graph can be generated");
    found.insert("graph/rmat".to_owned(), directories::open(&out).manifest().digest.clone());
    out
}

/// A graph of 500 nodes with a column of weights that sum to at most 1, by another generator.
fn column(folder: &Path, found: &mut Digests) -> PathBuf {
    let mut philox = Philox::new(1, 0);
    let arcs: Vec<_> = (0..3000).map(|_| (philox.below(500), philox.below(500))).collect();
    let graph = ArcList::new(500, arcs);
    let in_degrees = graph.in_degrees();
    let graph = graph.with_column(|arc| {
        f64::from(philox.below(1000)) / 1000.0 / f64::from(in_degrees[arc.target as usize])
    });
    let (input, out) = (folder.join("column.txt"), folder.join("column.kg"));
    directories::write_text(&input, &graph, graph.arcs().iter().copied());
    let mut spec = directories::build_spec(vec![input], out.clone());
    spec.column = Some(ColumnChoice::Index(2));
    let built = directories::build(&spec);
    found.insert("graph/column".to_owned(), built.manifest().digest.clone());
    out
}

/// A graph of 500 nodes over two channels, which have some arcs in common.
fn layers(folder: &Path, found: &mut Digests) -> PathBuf {
    let mut philox = Philox::new(2, 0);
    let arcs: Vec<_> = (0..3000).map(|_| (philox.below(500), philox.below(500))).collect();
    let files = [(0, 2000), (1500, 3000)].map(|(begin, end)| {
        let graph = ArcList::new(500, arcs[begin..end].iter().copied());
        let file = folder.join(format!("layer-{begin}.txt"));
        directories::write_text(&file, &graph, graph.arcs().iter().copied());
        file
    });
    let out = folder.join("layers.kg");
    let mut spec = directories::build_spec(files.to_vec(), out.clone());
    spec.channels = ["mail", "follows"].map(str::to_owned).to_vec();
    spec.channel_of = vec![0, 1];
    let built = directories::build(&spec);
    found.insert("graph/layers".to_owned(), built.manifest().digest.clone());
    out
}

/// Jobs of every rule over the channels of [`layers`].
fn over_channels() -> Vec<(&'static str, Spec)> {
    let of = |kind| ModelSpec::new(kind, Probability::Constant(0.2));
    let threshold = "uniform:0.05-0.5".parse().expect("a threshold in the form of its flag");
    let models = [
        ("any", of(ModelKind::IndependentCascade)),
        (
            "all",
            ModelSpec {
                activation: Some(ActivationRule::All),
                meeting: Some(0.5),
                ..of(ModelKind::IndependentCascade)
            },
        ),
        ("linear-threshold", linear_threshold(Probability::OverInDegree(0.6))),
        ("threshold", ModelSpec { threshold: Some(threshold), ..of(ModelKind::Threshold) }),
        ("sis", ModelSpec { recovery: Some(0.5), deadline: Some(12), ..of(ModelKind::Sis) }),
    ];
    let specs = models.map(|(name, model)| {
        let mut spec = directories::job(model, SeedSpec::RandomEach(8), 500);
        spec.channel = ["follows", "mail"].map(ChannelSpec::named).to_vec();
        (name, spec)
    });
    specs.into()
}
