use super::*;

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
    assert_eq!(key(r#"{"random":0}"#, "{}"), "seeds");
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
        spec.model = ModelSpec { kind, probability };
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
