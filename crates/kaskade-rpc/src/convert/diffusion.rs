//! Diffusion models with their parameters.

use std::collections::BTreeMap;

use kaskade_model::coin::Threshold;
use kaskade_model::diffusion::{
    ArcProbability, ArcWeight, FactorColumns, LiveArcModel, SegmentMatrix,
};
use pb::live_arc_model::Arc;

use super::required;
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "LiveArcModel";

impl From<LiveArcModel> for pb::LiveArcModel {
    fn from(model: LiveArcModel) -> Self {
        let (kind, arc) = match model {
            LiveArcModel::IndependentCascade(probability) => (
                pb::ModelKind::IndependentCascade,
                match probability {
                    ArcProbability::Constant(p) => Arc::Constant(p),
                    ArcProbability::WeightedCascade => Arc::WeightedCascade(pb::WeightedCascade {}),
                    ArcProbability::OverInDegree(share) => Arc::OverInDegree(share),
                    ArcProbability::Trivalency => Arc::Trivalency(pb::Trivalency {}),
                    ArcProbability::Column => Arc::Column(pb::ArcColumn {}),
                    ArcProbability::Factors(factors) => Arc::Factors(factors.into()),
                    ArcProbability::Segments(matrix) => Arc::Segments(matrix.into()),
                },
            ),
            LiveArcModel::LinearThreshold(weight) => (
                pb::ModelKind::LinearThreshold,
                match weight {
                    ArcWeight::Constant(weight) => Arc::Constant(weight),
                    ArcWeight::WeightedCascade => Arc::WeightedCascade(pb::WeightedCascade {}),
                    ArcWeight::OverInDegree(share) => Arc::OverInDegree(share),
                    ArcWeight::Column => Arc::Column(pb::ArcColumn {}),
                },
            ),
        };
        Self { kind: kind.into(), arc: Some(arc) }
    }
}

impl TryFrom<pb::LiveArcModel> for LiveArcModel {
    type Error = ConvertError;

    fn try_from(model: pb::LiveArcModel) -> Result<Self, ConvertError> {
        let kind = model.kind();
        let arc = required(model.arc, MESSAGE, "arc")?;
        let wrong = |error| ConvertError::new(MESSAGE, "arc", format!("is wrong: {error}"));
        Ok(match kind {
            pb::ModelKind::Unspecified => {
                return Err(ConvertError::Missing { message: MESSAGE, field: "kind" });
            }
            pb::ModelKind::IndependentCascade => {
                let probability = match arc {
                    Arc::Constant(p) => ArcProbability::Constant(p),
                    Arc::WeightedCascade(_) => ArcProbability::WeightedCascade,
                    Arc::OverInDegree(share) => ArcProbability::OverInDegree(share),
                    Arc::Trivalency(_) => ArcProbability::Trivalency,
                    Arc::Column(_) => ArcProbability::Column,
                    Arc::Factors(factors) => ArcProbability::Factors(factors.into()),
                    Arc::Segments(matrix) => ArcProbability::Segments(matrix.into()),
                };
                probability.check().map_err(wrong)?;
                Self::IndependentCascade(probability)
            }
            pb::ModelKind::LinearThreshold => Self::LinearThreshold(match arc {
                Arc::Constant(weight) => {
                    Threshold::from_probability(weight).map_err(wrong)?;
                    ArcWeight::Constant(weight)
                }
                Arc::WeightedCascade(_) => ArcWeight::WeightedCascade,
                Arc::OverInDegree(share) => {
                    Threshold::check_share(share, 1.0).map_err(wrong)?;
                    ArcWeight::OverInDegree(share)
                }
                Arc::Column(_) => ArcWeight::Column,
                Arc::Trivalency(_) | Arc::Factors(_) | Arc::Segments(_) => {
                    let what = match arc {
                        Arc::Factors(_) => "factors",
                        Arc::Segments(_) => "segments",
                        _ => "trivalency",
                    };
                    let reason = format!("is {what}, which linear threshold does not have");
                    return Err(ConvertError::new(MESSAGE, "arc", reason));
                }
            }),
        })
    }
}

impl From<FactorColumns> for pb::FactorColumns {
    fn from(FactorColumns { influence, susceptibility }: FactorColumns) -> Self {
        Self { influence, susceptibility }
    }
}

impl From<pb::FactorColumns> for FactorColumns {
    fn from(pb::FactorColumns { influence, susceptibility }: pb::FactorColumns) -> Self {
        Self { influence, susceptibility }
    }
}

impl From<SegmentMatrix> for pb::SegmentMatrix {
    fn from(SegmentMatrix { segment, default, from }: SegmentMatrix) -> Self {
        let pairs = from.into_iter().flat_map(|(source, to)| {
            to.into_iter().map(move |(target, probability)| pb::SegmentPair {
                source: source.clone(),
                target,
                probability,
            })
        });
        Self { segment, default_probability: default, pairs: pairs.collect() }
    }
}

impl From<pb::SegmentMatrix> for SegmentMatrix {
    fn from(matrix: pb::SegmentMatrix) -> Self {
        let mut from = BTreeMap::<String, BTreeMap<String, f64>>::new();
        for pb::SegmentPair { source, target, probability } in matrix.pairs {
            from.entry(source).or_default().insert(target, probability);
        }
        Self { segment: matrix.segment, default: matrix.default_probability, from }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, models};

    proptest! {
        #[test]
        fn round_trips(model in models()) {
            assert_round_trip::<_, pb::LiveArcModel>(model);
        }
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::LiveArcModel>(
            LiveArcModel::IndependentCascade(ArcProbability::Constant(0.1)),
            "0801119a9999999999b93f",
        );
        assert_golden::<pb::LiveArcModel>(
            LiveArcModel::LinearThreshold(ArcWeight::Column),
            "08022a00",
        );
        assert_golden::<pb::LiveArcModel>(
            LiveArcModel::IndependentCascade(ArcProbability::OverInDegree(2.0)),
            "0801310000000000000040",
        );
        let factors = FactorColumns { influence: Some("i".to_owned()), susceptibility: None };
        assert_golden::<pb::LiveArcModel>(
            LiveArcModel::IndependentCascade(ArcProbability::Factors(factors)),
            "08013a030a0169",
        );
        let from = BTreeMap::from([("a".to_owned(), BTreeMap::from([("b".to_owned(), 0.5)]))]);
        let matrix = SegmentMatrix { segment: "s".to_owned(), default: 1.0, from };
        assert_golden::<pb::LiveArcModel>(
            LiveArcModel::IndependentCascade(ArcProbability::Segments(matrix)),
            "0801421d0a017311000000000000f03f1a0f0a016112016219000000000000e03f",
        );
    }

    #[test]
    fn what_no_model_has_is_refused() {
        let refuse = |kind: pb::ModelKind, arc: Option<Arc>| {
            LiveArcModel::try_from(pb::LiveArcModel { kind: kind.into(), arc })
                .unwrap_err()
                .to_string()
        };
        let trivalency = Some(Arc::Trivalency(pb::Trivalency {}));
        assert_eq!(
            refuse(pb::ModelKind::LinearThreshold, trivalency.clone()),
            "invalid LiveArcModel: field arc is trivalency, which linear threshold does not have"
        );
        assert_eq!(
            refuse(pb::ModelKind::Unspecified, trivalency),
            "invalid LiveArcModel: field kind is missing"
        );
        for constant in [f64::NAN, -0.5, 1.5, 1e-30] {
            let error = refuse(pb::ModelKind::IndependentCascade, Some(Arc::Constant(constant)));
            assert!(error.starts_with("invalid LiveArcModel: field arc is wrong"), "{error}");
        }
        for (kind, share) in [
            (pb::ModelKind::IndependentCascade, 0.0),
            (pb::ModelKind::IndependentCascade, 1e12),
            (pb::ModelKind::LinearThreshold, 1.5),
        ] {
            let error = refuse(kind, Some(Arc::OverInDegree(share)));
            assert!(error.contains("over the in-degree is not in (0, "), "{error}");
        }
    }
}
