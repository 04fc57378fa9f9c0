use super::*;
use crate::diffusion::ArcProbability;

fn spec(seeds: &str, model: &str) -> Result<Spec, serde_json::Error> {
    serde_json::from_str(&format!(r#"{{"version":1,"seeds":{seeds},"model":{model}}}"#))
}

#[test]
fn a_short_spec_has_the_defaults_of_the_interface() {
    let spec = spec(r#"{"top_degree":50}"#, "{}").unwrap().resolve().unwrap();
    assert_eq!(spec.run.simulations, 1000);
    assert_eq!(spec.run.seed, 1);
    assert_eq!(spec.run.coins, CoinFamily::Octet, "the resolved spec says which coins");
    assert_eq!(
        spec.live_arc_model().unwrap(),
        LiveArcModel::IndependentCascade(ArcProbability::WeightedCascade)
    );
}

#[test]
fn a_resolved_spec_survives_json() {
    for model in [r#"{"kind":"lt","probability":0.25}"#, r#"{"kind":"ic","probability":"column"}"#]
    {
        let resolved = spec(r#"{"ids":[3,"18446744073709551615"]}"#, model).unwrap().resolve();
        let resolved = resolved.unwrap();
        let text = serde_json::to_string(&resolved).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), resolved, "{text}");
    }
}

#[test]
fn values_that_cannot_be_are_refused_by_key() {
    let key = |seeds, model| spec(seeds, model).unwrap().resolve().unwrap_err().key;
    let ten = r#"{"random":10}"#;
    assert_eq!(key(ten, r#"{"probability":1.5}"#), "model.probability");
    assert_eq!(key(ten, r#"{"probability":1e-11}"#), "model.probability");
    assert_eq!(key(ten, r#"{"kind":"lt","probability":"trivalency"}"#), "model.probability");
    assert_eq!(key(r#"{"random":0}"#, "{}"), "seeds.random");
    assert_eq!(key(r#"{"ids":[]}"#, "{}"), "seeds.ids");
    assert!(spec(ten, r#"{"probabillity":0.1}"#).is_err());
    assert!(spec(r#"{"random":1,"ids":[1]}"#, "{}").is_err(), "two kinds of seeds");
}

#[test]
fn flag_forms_read_what_the_spec_writes() {
    assert_eq!("top-degree:50".parse(), Ok(SeedSpec::TopDegree(50)));
    assert_eq!("ids:3, 14".parse(), Ok(SeedSpec::Ids(vec![3.into(), 14.into()])));
    let names = ["ann", "007", "7"].map(OriginalId::from).to_vec();
    assert_eq!("ids:ann,007, 7".parse(), Ok(SeedSpec::Ids(names)));
    for bad in ["degree:50", "ids:3,,4", "ids:"] {
        assert!(bad.parse::<SeedSpec>().is_err(), "{bad}");
    }
    for text in ["auto", "replicate", "partition", "hybrid:2x3"] {
        assert_eq!(text.parse::<Placement>().unwrap().to_string(), text);
    }
    for bad in ["hybrid:0x3", "hybrid:2", "mesh"] {
        assert!(bad.parse::<Placement>().is_err(), "{bad}");
    }
    for text in ["weighted-cascade", "trivalency", "column", "0.05"] {
        assert_eq!(text.parse::<Probability>().unwrap().to_string(), text);
    }
}

#[test]
fn auto_coins_come_from_the_model_and_its_probability_alone() {
    use {CoinFamily as C, ModelKind as M, Probability as P};
    let resolved = |kind, probability, coins| {
        let mut spec = spec(r#"{"top_degree":50}"#, "{}").unwrap();
        spec.model = ModelSpec::new(kind, probability);
        spec.run.coins = coins;
        spec.resolve().map(|spec| spec.run.coins).map_err(|error| error.to_string())
    };
    let ic = M::IndependentCascade;
    assert_eq!(resolved(ic, P::Constant(0.015_625), C::Auto), Ok(C::Block));
    assert_eq!(resolved(ic, P::Constant(0.015_626), C::Auto), Ok(C::Octet));
    assert_eq!(resolved(ic, P::WeightedCascade, C::Auto), Ok(C::Octet));
    assert_eq!(resolved(M::LinearThreshold, P::Constant(0.001), C::Auto), Ok(C::Octet));
    assert_eq!(resolved(ic, P::Constant(0.9), C::Block), Ok(C::Block));
    assert_eq!(resolved(ic, P::Constant(0.001), C::Arc), Ok(C::Arc));
    let refused = resolved(ic, P::Trivalency, C::Block).unwrap_err();
    assert!(refused.contains("run.coins is `block`, which is for"), "{refused}");
}

#[test]
fn every_kind_says_what_it_needs_and_refuses_what_it_does_not_know() {
    let with = |model: &str| spec(r#"{"top_degree":1}"#, model).unwrap();
    let key = |model: &str| with(model).resolve().unwrap_err().key;
    assert_eq!(key(r#"{"kind":"threshold"}"#), "model.threshold");
    assert_eq!(key(r#"{"kind":"threshold","threshold":1.5}"#), "model.threshold");
    assert_eq!(key(r#"{"kind":"threshold","threshold":{"count":0}}"#), "model.threshold");
    assert_eq!(key(r#"{"kind":"sir"}"#), "model.recovery");
    assert_eq!(key(r#"{"kind":"sir","recovery":2}"#), "model.recovery");
    assert_eq!(key(r#"{"kind":"seir","recovery":0.5}"#), "model.incubation");
    assert_eq!(key(r#"{"kind":"sir","recovery":0.5,"incubation":0.5}"#), "model.incubation");
    assert_eq!(key(r#"{"kind":"sis","recovery":0.5}"#), "run.max_rounds");
    assert_eq!(key(r#"{"kind":"sir","recovery":0}"#), "run.max_rounds");
    assert_eq!(key(r#"{"kind":"sirs","recovery":0.5}"#), "model.waning");
    assert_eq!(key(r#"{"kind":"negative-opinion"}"#), "model.quality");
    assert_eq!(key(r#"{"quality":0.5}"#), "model.quality");
    assert_eq!(key(r#"{"kind":"competitive"}"#), "rival");
    assert_eq!(key(r#"{"meeting":0.5,"delay":3}"#), "model.delay");
    assert_eq!(key(r#"{"delay":[0,0]}"#), "model.delay");
    assert_eq!(key(r#"{"forward":-1}"#), "model.forward");
    assert_eq!(key(r#"{"kind":"sir","recovery":0.5,"forward":0.5}"#), "model.forward");
    for model in [
        r#"{"kind":"threshold","threshold":{"uniform":[0,1]}}"#,
        r#"{"kind":"threshold","threshold":{"count":[1,5]}}"#,
        r#"{"kind":"seir","recovery":0.5,"incubation":0.25}"#,
        r#"{"kind":"sis","recovery":0.5,"deadline":9}"#,
        r#"{"kind":"negative-opinion","quality":0.9,"meeting":0.5}"#,
        r#"{"forward":0.5,"endorse":0.1,"delay":[1,2,1]}"#,
    ] {
        let resolved = with(model).resolve().unwrap();
        let text = serde_json::to_string(&resolved).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), resolved, "{text}");
        assert_eq!(resolved.run.coins, CoinFamily::Octet);
    }
}

#[test]
fn rivals_and_pushes_have_sides() {
    let text = r#"{"version":1,"model":{"kind":"competitive","probability":0.01},
        "seeds":{"top_degree":1},
        "rival":[{"name":"b","seeds":{"random":2}},{"name":"c","seeds":{"random":3}}],
        "push":[{"round":4,"seeds":{"random":1}},{"round":5,"campaign":"c","seeds":{"random":1}}]}"#;
    let read = |text: &str| serde_json::from_str::<Spec>(text).unwrap();
    let resolved = read(text).resolve().unwrap();
    let sides: Vec<_> =
        resolved.pushes().unwrap().iter().map(|push| (push.round, push.side)).collect();
    assert_eq!(sides, [(0, 1), (0, 2), (4, 0), (5, 2)]);
    let stranger = text.replace(r#""campaign":"c""#, r#""campaign":"d""#);
    assert_eq!(read(&stranger).resolve().unwrap_err().key, "push.2.campaign");
    for (from, to, key) in [
        (r#""name":"c""#, r#""name":"b""#, "rival.2.name"),
        (r#""name":"b""#, r#""name":"""#, "rival.1.name"),
        (r#"{"random":3}"#, r#"{"random":0}"#, "rival.2.seeds.random"),
        (r#"{"random":1}}]"#, r#"{"ids":[]}}]"#, "push.2.seeds.ids"),
        (r#""probability":0.01"#, r#""probability":0.01,"deadline":4"#, "push.2.round"),
        (r#"{"random":1}}]"#, r#"{"ids":[3]},"among":{"column":"a"}}]"#, "push.2.among"),
        (r#"{"random":3}"#, r#"{"random_each":3},"among":{"column":"a"}"#, "rival.2.among"),
    ] {
        assert_eq!(read(&text.replace(from, to)).resolve().unwrap_err().key, key);
    }
    let other_kind = text.replace("competitive", "independent-cascade");
    assert_eq!(read(&other_kind).resolve().unwrap_err().key, "rival");
    for form in ["0.18", "count:3", "count:1-5", "uniform:0.1-0.3"] {
        assert_eq!(form.parse::<ThresholdSpec>().unwrap().to_string(), form);
    }
    let small = ThresholdSpec::Uniform { uniform: [1e-3, 0.2] };
    assert_eq!("uniform:1e-3-0.2".parse(), Ok(small));
    assert_eq!("uniform:1e-3-2e-1".parse(), Ok(small));
    for wrong in ["some", "uniform:0.1", "uniform:1e-3", "count:1-", "count:-1"] {
        assert!(wrong.parse::<ThresholdSpec>().is_err(), "{wrong}");
    }
}
