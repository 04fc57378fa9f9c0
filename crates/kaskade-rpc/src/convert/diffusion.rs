//! Diffusion models with their parameters.

use kaskade_model::coin::Threshold;
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
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
                    ArcProbability::Trivalency => Arc::Trivalency(pb::Trivalency {}),
                    ArcProbability::Column => Arc::Column(pb::ArcColumn {}),
                },
            ),
            LiveArcModel::LinearThreshold(weight) => (
                pb::ModelKind::LinearThreshold,
                match weight {
                    ArcWeight::Constant(weight) => Arc::Constant(weight),
                    ArcWeight::WeightedCascade => Arc::WeightedCascade(pb::WeightedCascade {}),
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
        if let Arc::Constant(constant) = arc {
            Threshold::from_probability(constant)
                .map_err(|error| ConvertError::new(MESSAGE, "arc", format!("is wrong: {error}")))?;
        }
        Ok(match kind {
            pb::ModelKind::Unspecified => {
                return Err(ConvertError::Missing { message: MESSAGE, field: "kind" });
            }
            pb::ModelKind::IndependentCascade => Self::IndependentCascade(match arc {
                Arc::Constant(p) => ArcProbability::Constant(p),
                Arc::WeightedCascade(_) => ArcProbability::WeightedCascade,
                Arc::Trivalency(_) => ArcProbability::Trivalency,
                Arc::Column(_) => ArcProbability::Column,
            }),
            pb::ModelKind::LinearThreshold => Self::LinearThreshold(match arc {
                Arc::Constant(weight) => ArcWeight::Constant(weight),
                Arc::WeightedCascade(_) => ArcWeight::WeightedCascade,
                Arc::Column(_) => ArcWeight::Column,
                Arc::Trivalency(_) => {
                    let reason = "is trivalency, which linear threshold does not have";
                    return Err(ConvertError::new(MESSAGE, "arc", reason));
                }
            }),
        })
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
    }

    #[test]
    fn what_no_model_has_is_refused() {
        let refuse = |kind: pb::ModelKind, arc| {
            LiveArcModel::try_from(pb::LiveArcModel { kind: kind.into(), arc })
                .unwrap_err()
                .to_string()
        };
        let trivalency = Some(Arc::Trivalency(pb::Trivalency {}));
        assert_eq!(
            refuse(pb::ModelKind::LinearThreshold, trivalency),
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
    }
}
