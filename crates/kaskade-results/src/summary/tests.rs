use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fixture;

/// INTERFACE.md's example and what came later, with the placeholders of texts filled in.
const INTERFACE: &str = r#"
{ "schema_version": 1, "coin_version": 1, "job": "demo", "state": "succeeded",
  "graph": {"digest": "…", "nodes": 0, "arcs": 0}, "spec": {}, "simulations": 0,
  "spread": {"mean": 0, "standard_deviation": 0, "standard_error": 0, "confidence_level": 0.95,
             "confidence_interval": [0, 0], "interval": "normal", "min": 0, "max": 0, "quantiles": {"0.05": 0, "0.5": 0, "0.95": 0}},
  "outbreak": null,
  "rounds": {"mean": 0, "max": 0},
  "growth": [{"round": 0, "mean_new": 0, "mean_total": 0, "quantiles_total": {"0.05": 0, "0.5": 0, "0.95": 0},
              "quantiles_new": {"0.05": 0, "0.5": 0, "0.95": 0}, "reproduction_number": 0}],
  "course": {"peak_round": {"mean": 0, "quantiles": {"0.05": 0, "0.5": 0, "0.95": 0}},
             "peak_new": {"mean": 0, "quantiles": {"0.05": 0, "0.5": 0, "0.95": 0}},
             "time_to": [{"share": 0, "rounds": {"mean": 0, "quantiles": {"0.05": 0, "0.5": 0, "0.95": 0}}}]},
  "distribution": [{"from": 0, "to": 0, "simulations": 0}],
  "digest": "blake3, DESIGN §3.6",
  "performance": {"seconds": 0, "cpu_seconds": 0, "simulations_per_second": 0, "arcs_scanned": 0, "coins": 0,
                  "threads": 1, "workers": 0, "bytes_exchanged": 0,
                  "activations_exchanged": 0, "bytes_per_activation": 0, "chunks": {"list": 0, "roaring": 0, "dense": 0}, "peak_memory_bytes": 0} }
"#;

/// Every key in the order of the text, with the depth at which it stands.
fn keys(json: &str) -> Vec<(usize, String)> {
    let (mut depth, mut keys, mut rest) = (0, Vec::new(), json);
    while let Some(at) = rest.find(['{', '}', '"']) {
        let (mark, after) = rest[at..].split_at(1);
        rest = after;
        match mark {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {
                let (text, after) = rest.split_once('"').unwrap();
                if after.starts_with(':') {
                    keys.push((depth, text.to_owned()));
                }
                rest = after;
            }
        }
    }
    keys
}

#[test]
fn keys_and_their_order_are_those_of_the_interface() {
    let (_, mut summary) = fixture::summary();
    summary.growth.truncate(1);
    summary.course.time_to.truncate(1);
    summary.distribution.truncate(1);
    let mut found = keys(&summary.to_json());
    let spec_keys = keys(&to_json(&summary.spec)).len();
    let spec = found.iter().position(|(_, key)| key == "spec").unwrap();
    found.drain(spec + 1..=spec + spec_keys);
    assert_eq!(found, keys(INTERFACE));
}

#[test]
fn values_have_the_types_of_the_interface() {
    fn same_types(found: &Value, interface: &Value, path: &str) {
        match (found, interface) {
            (Value::Object(found), Value::Object(interface)) => {
                interface.iter().for_each(|(key, value)| {
                    same_types(&found[key], value, &format!("{path}.{key}"));
                });
            }
            (Value::Array(found), Value::Array(interface)) => {
                assert!(!found.is_empty(), "{path}");
                same_types(&found[0], &interface[0], path);
            }
            _ => assert_eq!(
                std::mem::discriminant(found),
                std::mem::discriminant(interface),
                "{path}"
            ),
        }
    }
    let found = serde_json::from_str(&fixture::summary().1.to_json()).unwrap();
    same_types(&found, &serde_json::from_str(INTERFACE).unwrap(), "summary");
}

#[test]
fn one_simulation_gives_null_and_never_nan() {
    let sample = fixture::sample(&[&[2, 5]]);
    let summary = Summary::new(&sample, fixture::record());
    let json: Value = serde_json::from_str(&summary.to_json()).unwrap();
    let spread = &json["spread"];
    assert_eq!(spread["mean"], 7.0);
    for unknown in ["standard_deviation", "standard_error", "confidence_interval"] {
        assert_eq!(spread.get(unknown), Some(&Value::Null), "{unknown}");
    }
}

#[test]
fn a_summary_survives_json() {
    let (_, summary) = fixture::summary();
    assert_eq!(serde_json::from_str::<Summary>(&summary.to_json()).unwrap(), summary);
    let newer = summary.to_json().replacen('{', r#"{"later_field": [1],"#, 1);
    assert_eq!(serde_json::from_str::<Summary>(&newer).unwrap(), summary);
}

proptest! {
    #[test]
    fn batches_of_any_size_in_any_order_give_the_same_bytes(
        new_per_round in prop::collection::vec(prop::collection::vec(1_u64..9, 1..6), 1..40),
        sizes in prop::collection::vec(1_usize..50, 2..4),
    ) {
        let slices: Vec<_> = new_per_round.iter().map(Vec::as_slice).collect();
        let rows = fixture::rows(&slices);
        let summary = |n_lanes| {
            let tally = fixture::tally(&rows, n_lanes);
            let sample = Sample::collect(tally.rows(), u32::MAX).unwrap();
            Summary::new(&sample, fixture::record()).to_json()
        };
        let expected = Summary::new(&fixture::sample(&slices), fixture::record()).to_json();
        for n_lanes in sizes {
            prop_assert_eq!(summary(n_lanes), expected.clone());
        }
    }
}
