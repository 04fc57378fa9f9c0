//! `model.probability`: how an arc's probability or weight is found, as it is written.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ModelKind, SpecError};
use crate::coin::Threshold;
use crate::diffusion::{ArcProbability, ArcWeight, FactorColumns, LiveArcModel, SegmentMatrix};

/// A number in [0, 1], a word, or a table that says how an arc's probability is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Probability {
    /// The same for all arcs.
    Constant(f64),
    /// `weighted-cascade`: 1 over the target's in-degree.
    WeightedCascade,
    /// `2/in-degree`: so much over the target's in-degree.
    OverInDegree(f64),
    /// `trivalency`: 0.1, 0.01 or 0.001, drawn once per arc.
    Trivalency,
    /// `column`: the graph's arc column.
    Column,
    /// `{ influence = COLUMN, susceptibility = COLUMN }`: a factor of the source times one of the
    /// target.
    Factors(FactorColumns),
    /// `{ segment = COLUMN, default = P, from = { A = { B = P } } }`: by the segments of source and
    /// target.
    Segments(SegmentMatrix),
}

impl Probability {
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("weighted-cascade", Self::WeightedCascade),
        ("trivalency", Self::Trivalency),
        ("column", Self::Column),
    ];

    const OVER_IN_DEGREE: &'static str = "/in-degree";

    /// The live arcs of a model of `kind`.
    ///
    /// # Errors
    /// [`SpecError`] for a number out of range, or what the model does not take.
    pub(super) fn live_arcs(self, kind: ModelKind) -> Result<LiveArcModel, SpecError> {
        const KEY: &str = "model.probability";
        let is_threshold = kind == ModelKind::LinearThreshold;
        let invalid = |key: String, error| SpecError::new(key, format!("is invalid: {error}"));
        let of_itself = |error| invalid(KEY.to_owned(), error);
        match &self {
            Self::Constant(probability) => {
                Threshold::from_probability(*probability).map_err(of_itself)?;
            }
            Self::OverInDegree(share) => {
                // The weights into a node sum to it.
                let most = if is_threshold { 1.0 } else { f64::from(u32::MAX) };
                Threshold::check_share(*share, most).map_err(of_itself)?;
            }
            Self::Segments(matrix) => {
                matrix.check().map_err(|(key, error)| invalid(format!("{KEY}.{key}"), error))?;
            }
            Self::WeightedCascade | Self::Trivalency | Self::Column | Self::Factors(_) => {}
        }
        if !is_threshold {
            return Ok(LiveArcModel::IndependentCascade(self.of_arcs()));
        }
        let stranger = |what: &str| {
            let reason = format!(
                "{what} has no meaning for linear-threshold: use a number, `weighted-cascade`, \
                 `C/in-degree` or `column`"
            );
            Err(SpecError::new(KEY, reason))
        };
        Ok(LiveArcModel::LinearThreshold(match self {
            Self::Constant(weight) => ArcWeight::Constant(weight),
            Self::WeightedCascade => ArcWeight::WeightedCascade,
            Self::OverInDegree(share) => ArcWeight::OverInDegree(share),
            Self::Column => ArcWeight::Column,
            Self::Trivalency => return stranger("`trivalency`"),
            Self::Factors(_) => return stranger("a product of factors"),
            Self::Segments(_) => return stranger("a probability by segments"),
        }))
    }
}

impl Probability {
    /// What it means for arcs that are live each on its own.
    pub(super) fn of_arcs(self) -> ArcProbability {
        match self {
            Self::Constant(probability) => ArcProbability::Constant(probability),
            Self::WeightedCascade => ArcProbability::WeightedCascade,
            Self::OverInDegree(share) => ArcProbability::OverInDegree(share),
            Self::Trivalency => ArcProbability::Trivalency,
            Self::Column => ArcProbability::Column,
            Self::Factors(factors) => ArcProbability::Factors(factors),
            Self::Segments(matrix) => ArcProbability::Segments(matrix),
        }
    }
}

impl FromStr for Probability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, value)) = Self::WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(value.clone());
        }
        let number = match text.strip_suffix(Self::OVER_IN_DEGREE) {
            Some(share) => share.trim_end().parse().ok().map(Self::OverInDegree),
            None => text.parse().ok().map(Self::Constant),
        };
        number.ok_or_else(|| {
            format!(
                "{text:?} is neither a number in [0, 1] nor `weighted-cascade`, `C/in-degree`, \
                 `trivalency` or `column`"
            )
        })
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(probability) => probability.fmt(f),
            Self::OverInDegree(share) => write!(f, "{share}{}", Self::OVER_IN_DEGREE),
            Self::Factors(FactorColumns { influence, susceptibility }) => {
                let columns: Vec<&str> =
                    [influence, susceptibility].into_iter().flatten().map(String::as_str).collect();
                f.write_str(&columns.join(" × "))
            }
            Self::Segments(matrix) => write!(f, "by {}", matrix.segment),
            word => {
                let word = Self::WORDS.iter().find(|(_, value)| value == word);
                f.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(probability) => serializer.serialize_f64(*probability),
            Self::Factors(factors) => factors.serialize(serializer),
            Self::Segments(matrix) => matrix.serialize(serializer),
            word => serializer.collect_str(word),
        }
    }
}

/// The keys of both tables: of which it is one, its keys say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    influence: Option<String>,
    susceptibility: Option<String>,
    segment: Option<String>,
    default: Option<f64>,
    from: Option<std::collections::BTreeMap<String, std::collections::BTreeMap<String, f64>>>,
}

impl Table {
    fn probability(self) -> Result<Probability, &'static str> {
        let Self { influence, susceptibility, segment, default, from } = self;
        let has_factors = influence.is_some() || susceptibility.is_some();
        match (has_factors, segment, default, from) {
            (true, None, None, None) => {
                Ok(Probability::Factors(FactorColumns { influence, susceptibility }))
            }
            (false, Some(segment), Some(default), from) => {
                Ok(Probability::Segments(SegmentMatrix {
                    segment,
                    default,
                    from: from.unwrap_or_default(),
                }))
            }
            (false, Some(_), None, _) => {
                Err("`default` is missing: the probability of all other pairs")
            }
            _ => {
                Err("a table has either `influence` and `susceptibility`, or `segment`, `default` \
                      and `from`")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProbabilityVisitor;
        impl<'de> Visitor<'de> for ProbabilityVisitor {
            type Value = Probability;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number in [0, 1], \"weighted-cascade\", \"C/in-degree\", \"trivalency\", \
                     \"column\" or a table",
                )
            }
            fn visit_f64<E: de::Error>(self, probability: f64) -> Result<Probability, E> {
                Ok(Probability::Constant(probability))
            }
            fn visit_i64<E: de::Error>(self, probability: i64) -> Result<Probability, E> {
                Ok(Probability::Constant(probability as f64))
            }
            fn visit_u64<E: de::Error>(self, probability: u64) -> Result<Probability, E> {
                Ok(Probability::Constant(probability as f64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Probability, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Probability, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                table.probability().map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(ProbabilityVisitor)
    }
}
