//! A job of every kind, with delays, conduct, launches and rivals: what must be the same however work
//! is shared.

use kaskade_model::dynamics::Tie;
use kaskade_model::spec::{
    DelaySpec, LaunchSpec, ModelKind, ModelSpec, Probability, PushSpec, RateSpec, RivalSpec,
    SeedSpec, Spec,
};

use crate::directories;

/// Jobs of `n_simulations` by name. Each infects or convinces a good part of a graph of some hundred
/// nodes and mean degree 6 or more; none runs for ever.
#[must_use]
pub fn every_model(n_simulations: u64) -> Vec<(&'static str, Spec)> {
    let models = [
        ("threshold", threshold("0.2"), vec![]),
        ("threshold-drawn", threshold("count:1-3"), vec![]),
        ("sir", epidemic(ModelKind::Sir), vec![]),
        ("seir", ModelSpec { incubation: Some(0.4), ..epidemic(ModelKind::Seir) }, vec![]),
        ("sis", epidemic(ModelKind::Sis), vec![]),
        ("sirs", ModelSpec { waning: Some(0.3), ..epidemic(ModelKind::Sirs) }, vec![]),
        (
            "negative-opinion",
            ModelSpec { quality: Some(0.8), ..of(ModelKind::NegativeOpinion, 0.2) },
            vec![],
        ),
        ("competitive", of(ModelKind::Competitive, 0.2), vec!["b", "c"]),
        (
            "competitive-first",
            ModelSpec { tie: Some(Tie::First), ..of(ModelKind::Competitive, 0.2) },
            vec!["b"],
        ),
        (
            "delay",
            ModelSpec {
                delay: Some(DelaySpec::Weights(vec![1.0, 0.0, 2.0])),
                ..of(ModelKind::IndependentCascade, 0.2)
            },
            vec![],
        ),
        (
            "delay-certain",
            ModelSpec {
                delay: Some(DelaySpec::Rounds(3)),
                quality: Some(0.8),
                deadline: Some(10),
                ..of(ModelKind::NegativeOpinion, 0.3)
            },
            vec![],
        ),
        (
            "meeting",
            ModelSpec {
                meeting: Some(0.4),
                deadline: Some(9),
                ..ModelSpec::new(ModelKind::LinearThreshold, Probability::WeightedCascade)
            },
            vec![],
        ),
        (
            "over-in-degree",
            ModelSpec::new(ModelKind::IndependentCascade, Probability::OverInDegree(1.5)),
            vec![],
        ),
        (
            "linear-threshold-over-in-degree",
            ModelSpec::new(ModelKind::LinearThreshold, Probability::OverInDegree(0.75)),
            vec![],
        ),
        (
            "conduct",
            ModelSpec {
                forward: Some(RateSpec::Same(0.7)),
                endorse: Some(RateSpec::Same(0.3)),
                ..of(ModelKind::IndependentCascade, 0.3)
            },
            vec![],
        ),
    ];
    let specs = models.map(|(name, model, rivals)| {
        let mut spec = directories::job(model, SeedSpec::RandomEach(3), n_simulations);
        spec.launch = LaunchSpec { probability: Some(0.9) };
        let rival = |name: &str| RivalSpec {
            name: name.to_owned(),
            seeds: SeedSpec::RandomEach(3),
            among: None,
        };
        spec.rival = rivals.into_iter().map(rival).collect();
        let campaign = spec.rival.last().map(|rival| rival.name.clone());
        spec.push =
            vec![PushSpec { round: 2, seeds: SeedSpec::RandomEach(2), among: None, campaign }];
        (name, spec)
    });
    specs.into()
}

fn of(kind: ModelKind, probability: f64) -> ModelSpec {
    ModelSpec::new(kind, Probability::Constant(probability))
}

fn threshold(text: &str) -> ModelSpec {
    let threshold = text.parse().expect("a threshold in the form of its flag");
    ModelSpec { threshold: Some(threshold), ..of(ModelKind::Threshold, 0.8) }
}

/// Until round 30 at most.
fn epidemic(kind: ModelKind) -> ModelSpec {
    ModelSpec { recovery: Some(0.5), deadline: Some(30), ..of(kind, 0.15) }
}
