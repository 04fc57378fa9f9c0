use kaskade_model::ids::{BatchId, Epoch};

use super::*;
use crate::files::result_files;
use crate::fixture;

fn provenance() -> Provenance {
    Provenance {
        created: Some("2026-11-23T12:00:00Z".to_owned()),
        workers: vec![WorkerRecord {
            worker: WorkerId(4),
            address: "http://127.0.0.1:7501".to_owned(),
            group: 0,
            shards: vec![ShardId(0), ShardId(2)],
        }],
        placement: Some(Placement::Partition),
        recoveries: vec![Recovery {
            epoch: Epoch(1),
            what: "the stream to worker 3 broke".to_owned(),
            batches: vec![BatchId(9)],
            was_in_rounds: true,
            at: 12.5,
        }],
    }
}

fn files() -> Vec<ResultFile> {
    let (sample, summary) = fixture::summary();
    result_files(&sample, &summary, &provenance()).unwrap()
}

#[test]
fn the_manifest_says_where_the_result_came_from() {
    let files = files();
    let manifest = files.last().unwrap();
    assert_eq!(manifest.kind, FileKind::Manifest, "written last");
    let json: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["job"], "demo");
    assert_eq!(json["created"], "2026-11-23T12:00:00Z");
    assert_eq!(json["spec"]["run"]["coins"], "octet");
    assert_eq!(json["graph"]["nodes"], 1000);
    let versions = serde_json::json!(
        {"kaskade": env!("CARGO_PKG_VERSION"), "spec": 1, "coin": 1, "digest": 1}
    );
    assert_eq!(json["versions"], versions);
    assert_eq!((&json["coin_version"], &json["seed"]), (&1.into(), &7.into()));
    assert_eq!(json["workers"][0]["shards"], serde_json::json!([0, 2]));
    assert_eq!(json["placement"], "partition");
    let recovery = serde_json::json!({
        "epoch": 1, "what": "the stream to worker 3 broke", "batches": [9],
        "was_in_rounds": true, "at": 12.5,
    });
    assert_eq!(json["recoveries"], serde_json::json!([recovery]));
    let listed: Vec<_> = json["files"].as_object().unwrap().keys().collect();
    assert_eq!(listed, ["report.html", "rounds.parquet", "simulations.parquet", "summary.json"]);
    for file in &files[..4] {
        let record = &json["files"][file.kind.name()];
        assert_eq!(record["bytes"], file.bytes.len());
        assert_eq!(record["blake3"], blake3::hash(&file.bytes).to_hex().as_str());
    }
}

#[test]
fn a_run_in_one_process_has_no_workers() {
    let (sample, summary) = fixture::summary();
    let files = result_files(&sample, &summary, &Provenance::default()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&files[4].bytes).unwrap();
    assert_eq!(json.get("created"), None);
    assert_eq!(json["placement"], serde_json::Value::Null);
    assert_eq!(json["workers"], serde_json::json!([]));
    assert_eq!(json["recoveries"], serde_json::json!([]));
}

#[test]
fn a_result_is_checked_file_by_file() {
    let files = files();
    let (sample, summary) = fixture::summary();
    assert_eq!(
        Manifest::check(&files).unwrap(),
        Manifest::new(&summary, &provenance(), &files[..4])
    );
    assert_eq!(result_files(&sample, &summary, &provenance()).unwrap(), files, "same bytes");

    let problem = |files: &[ResultFile]| Manifest::check(files).unwrap_err().to_string();
    let mut damaged = files.clone();
    damaged[0].bytes[10] ^= 1;
    assert!(problem(&damaged).contains("summary.json is not the file"));
    let mut cut = files.clone();
    cut[1].bytes.pop();
    assert!(problem(&cut).contains("simulations.parquet is not the file"));
    assert!(problem(&files[1..]).contains("lacks summary.json"));
    assert!(problem(&files[..4]).contains("lacks manifest.json"));
    let twice = [&files[..], &files[1..2]].concat();
    assert!(problem(&twice).contains("simulations.parquet twice"));
    let mut garbled = files.clone();
    garbled[4].bytes.truncate(40);
    assert!(problem(&garbled).contains("could not read manifest.json"));

    let unlisted = Manifest::new(&summary, &provenance(), &files[..2]).to_json().into_bytes();
    let mut files = files;
    files[4].bytes = unlisted;
    assert!(problem(&files).contains("rounds.parquet, which its manifest does not list"));
}

#[test]
fn a_manifest_cannot_name_another_path() {
    let mut files = files();
    let text = String::from_utf8(files[4].bytes.clone()).unwrap();
    files[4].bytes = text.replace("\"summary.json\"", "\"../summary.json\"").into_bytes();
    let problem = Manifest::check(&files).unwrap_err();
    assert!(matches!(problem, ResultsError::UnknownFile { name } if name == "../summary.json"));
}
