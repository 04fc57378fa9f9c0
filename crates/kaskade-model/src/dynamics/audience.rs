//! Who can be reached, who counts, and whose accounts are not people's.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which nodes take part, by the columns of the graph's nodes. As it stands in a spec.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Who can become active; everyone where nothing is said. Seeds start in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Selector>,
    /// Whose activation counts as spread; everyone's where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Selector>,
    /// Who may be chosen as a seed by degree or at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Selector>,
    /// A column of categories by which the spread is counted apart, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// A column of numbers by which the spread is weighed, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Accounts that were bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fakes: Option<Fakes>,
}

/// Nodes whose value in a column is one of several, or in a range, or yes or no. A node without a
/// value is not selected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// The column.
    pub column: String,
    /// One of these categories.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<String>>,
    /// At least this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// At most this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// This truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<bool>,
}

/// Accounts that are nobody's. They never count as spread and never endorse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fakes {
    /// A column of truths that says who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Or their share: each node is one with this probability, the same in all simulations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: Option<f64>,
    /// What they do.
    #[serde(default)]
    pub conduct: FakeConduct,
}

/// What accounts do that are nobody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FakeConduct {
    /// Pass every message on.
    #[default]
    Amplify,
    /// Pass nothing on.
    DeadEnd,
    /// They are not there: neither reached nor seeds.
    Removed,
}

/// A probability by the category of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByCategory {
    /// The column of categories.
    pub column: String,
    /// The probability of nodes of another category, or of none.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub default: f64,
    /// The probability of the nodes of each of these.
    pub values: BTreeMap<String, f64>,
}

impl Audience {
    /// Whether everybody takes part, and nothing is counted apart.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        *self == Self { seeds: self.seeds.clone(), ..Self::default() }
    }
}
