//! What of the nodes' columns matters to a job: a class for each node, and what it may do.

use std::collections::BTreeMap;

use super::audience::{Audience, ByCategory, FakeConduct, Fakes, Selector};
use super::{Conduct, Dynamics, WEIGHT_UNITS};
use crate::coin::{InvalidProbability, Purpose, Threshold, job_key, node_item, uniform};
use crate::ids::NodeId;

/// The columns of a graph's nodes, as far as a job asks.
pub trait NodeColumns {
    /// The place of the column named `name`.
    fn find(&self, name: &str) -> Option<usize>;

    /// The value of `node` in the column at `place`.
    fn value(&self, place: usize, node: NodeId) -> Value<'_>;

    /// The categories of the column at `place`, ascending; `None` for a column of other values.
    fn categories(&self, place: usize) -> Option<Vec<String>>;
}

/// What a node has in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Missing,
    /// A text.
    Category(&'a str),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
}

impl Value<'_> {
    /// The number that it is. Yes is 1 and no is 0: that is how many tables write them, so a column
    /// of numbers that happen to be only these is as good as any other.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bool(truth) => Some(f64::from(u8::from(truth))),
            Self::Missing | Self::Category(_) => None,
        }
    }
}

/// A graph whose nodes have no columns.
#[derive(Clone, Copy, Debug)]
pub struct NoColumns;

impl NodeColumns for NoColumns {
    fn find(&self, _name: &str) -> Option<usize> {
        None
    }

    fn value(&self, _place: usize, _node: NodeId) -> Value<'_> {
        Value::Missing
    }

    fn categories(&self, _place: usize) -> Option<Vec<String>> {
        None
    }
}

/// The class of every node, and its weight. A byte a node, none where all are alike; 8 bytes more
/// where nodes are weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTraits {
    class_of: Vec<u8>,
    classes: Vec<Class>,
    /// In units of 1/[`WEIGHT_UNITS`]; empty where nobody asks.
    weights: Vec<u64>,
}

/// What the nodes of a class may do, and how they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// Whether an arc can make them active.
    pub can_be_reached: bool,
    /// Whether they can be seeds.
    pub can_start: bool,
    /// Whether they count as spread.
    pub counts: bool,
    /// Whether they are nobody's.
    pub is_fake: bool,
    /// How surely they pass the message on.
    pub forward: Threshold,
    /// How surely they endorse it.
    pub endorse: Threshold,
    /// Their place among the segments, if they are in one.
    pub segment: Option<u8>,
    /// The channels of the job that reach them, a bit each by their order in the job.
    pub channels: u8,
}

impl Class {
    /// Whether channel number `channel` of the job reaches them.
    #[inline]
    #[must_use]
    pub fn hears(&self, channel: u8) -> bool {
        self.channels >> channel & 1 == 1
    }
}

/// The weights of all nodes together stay below it, in units of 1/[`WEIGHT_UNITS`]: a double holds
/// any sum of them.
const MAX_TOTAL_WEIGHT: u64 = 1 << 53;

/// The most segments.
pub const MAX_SEGMENTS: usize = 64;

impl NodeTraits {
    /// The traits of `n_nodes` nodes with `columns` in a job with `seed`. O(nodes).
    ///
    /// # Errors
    /// [`TraitError`] names the column that is missing, of another type, or has too many values.
    pub fn resolve(
        dynamics: &Dynamics,
        seed: u64,
        n_nodes: u32,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, TraitError> {
        let weights = match &dynamics.audience.weight {
            Some(column) => weights(column, n_nodes, columns)?,
            None => Vec::new(),
        };
        let reader = Reader::new(dynamics, seed, &Columns { columns, n_nodes })?;
        if reader.is_same_for_all() {
            let classes = vec![reader.class(NodeId(0))];
            return Ok(Self { class_of: Vec::new(), classes, weights });
        }
        let mut places: BTreeMap<Class, u8> = BTreeMap::new();
        let mut classes = Vec::new();
        let mut class_of = Vec::with_capacity(n_nodes as usize);
        for node in (0..n_nodes).map(NodeId) {
            let class = reader.class(node);
            let place = match places.get(&class) {
                Some(&place) => place,
                None => {
                    let place =
                        u8::try_from(classes.len()).map_err(|_| TraitError::TooManyClasses)?;
                    classes.push(class);
                    places.insert(class, place);
                    place
                }
            };
            class_of.push(place);
        }
        Ok(Self { class_of, classes, weights })
    }

    /// The class of `node`.
    #[inline]
    #[must_use]
    pub fn class(&self, node: NodeId) -> &Class {
        let place = self.class_of.get(node.index()).copied().unwrap_or(0);
        &self.classes[usize::from(place)]
    }

    /// The weight of `node` in units of 1/[`WEIGHT_UNITS`]; 0 where nobody asks.
    #[inline]
    #[must_use]
    pub fn weight(&self, node: NodeId) -> u64 {
        self.weights.get(node.index()).copied().unwrap_or(0)
    }

    /// The bytes a node of the whole graph that the traits of a job with `dynamics` take.
    #[must_use]
    pub fn bytes_per_node(dynamics: &Dynamics) -> u64 {
        let Audience { reach, count, seeds: _, segment, weight, fakes } = &dynamics.audience;
        let Conduct { forward_by, endorse_by, .. } = &dynamics.conduct;
        let is_selected = reach.is_some() || count.is_some() || fakes.is_some();
        let has_classes = is_selected || segment.is_some();
        let has_classes = has_classes || forward_by.is_some() || endorse_by.is_some();
        let weights = if weight.is_some() { size_of::<u64>() as u64 } else { 0 };
        let of_channels =
            dynamics.channels.iter().map(|channel| channel.probability.endpoint_bytes());
        u64::from(has_classes) + weights + of_channels.sum::<u64>()
    }

    /// Whether some nodes cannot be reached.
    #[must_use]
    pub fn has_closed(&self) -> bool {
        self.classes.iter().any(|class| !class.can_be_reached)
    }
}

/// The weights of `n_nodes` nodes, of which those without a value weigh nothing.
fn weights(
    column: &str,
    n_nodes: u32,
    columns: &(impl NodeColumns + ?Sized),
) -> Result<Vec<u64>, TraitError> {
    let place = place_of(columns, column)?;
    let mut total = 0u64;
    let of_node = |node: u32| {
        let value = match columns.value(place, NodeId(node)) {
            Value::Missing => 0.0,
            value => value.number().ok_or_else(|| TraitError::OtherType {
                column: column.to_owned(),
                wanted: "number",
            })?,
        };
        if value < 0.0 {
            let (column, node) = (column.to_owned(), NodeId(node));
            return Err(TraitError::NegativeWeight { column, node, value });
        }
        // A number that is too large is the largest that there is.
        let units = (value * WEIGHT_UNITS as f64).round() as u64;
        total = total.saturating_add(units);
        match total < MAX_TOTAL_WEIGHT {
            true => Ok(units),
            false => Err(TraitError::HeavyWeights { column: column.to_owned() }),
        }
    };
    (0..n_nodes).map(of_node).collect()
}

/// Which of `n_nodes` nodes `selector` means.
///
/// # Errors
/// As [`NodeTraits::resolve`].
pub fn select(
    selector: &Selector,
    n_nodes: u32,
    columns: &(impl NodeColumns + ?Sized),
) -> Result<Vec<bool>, TraitError> {
    let place = Columns { columns, n_nodes }.selected(selector)?;
    Ok((0..n_nodes).map(|node| is_meant(selector, columns.value(place, NodeId(node)))).collect())
}

/// Columns in which what a job says of them is looked up, of `n_nodes` nodes.
struct Columns<'a, C: ?Sized> {
    columns: &'a C,
    n_nodes: u32,
}

impl<C: NodeColumns + ?Sized> Columns<'_, C> {
    /// The place of the column of `selector`, which can mean something in it.
    fn selected(&self, selector: &Selector) -> Result<usize, TraitError> {
        let Selector { column, one_of, min, max, is } = selector;
        if let Some(names) = one_of {
            return self.with_categories(column, names);
        }
        let place = place_of(self.columns, column)?;
        if min.is_some() || max.is_some() {
            self.check(column, "number", |value| value.number().is_some())?;
        }
        if is.is_some() {
            self.check(column, "bool", |value| matches!(value, Value::Bool(_)))?;
        }
        Ok(place)
    }

    /// The place of `column`, which has all the categories of `names`.
    fn with_categories<'a>(
        &self,
        column: &str,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<usize, TraitError> {
        let place = place_of(self.columns, column)?;
        let other = || TraitError::OtherType { column: column.to_owned(), wanted: "category" };
        let categories = self.columns.categories(place).ok_or_else(other)?;
        match names.into_iter().find(|name| !categories.contains(name)) {
            Some(stranger) => {
                let (column, category) = (column.to_owned(), stranger.clone());
                Err(TraitError::NoCategory { column, category })
            }
            None => Ok(place),
        }
    }

    /// The place of `column`, whose values are as `wanted`: `is_such` of the first that there is.
    fn check(
        &self,
        column: &str,
        wanted: &'static str,
        is_such: impl Fn(Value<'_>) -> bool,
    ) -> Result<usize, TraitError> {
        let place = place_of(self.columns, column)?;
        let values = (0..self.n_nodes).map(|node| self.columns.value(place, NodeId(node)));
        let first = values.into_iter().find(|value| *value != Value::Missing);
        match first {
            Some(value) if !is_such(value) => {
                Err(TraitError::OtherType { column: column.to_owned(), wanted })
            }
            _ => Ok(place),
        }
    }
}

/// The names of the segments: the categories of `column`, ascending.
///
/// # Errors
/// [`TraitError`] for a column that has none, or too many.
pub fn segments(
    column: &str,
    columns: &(impl NodeColumns + ?Sized),
) -> Result<Vec<String>, TraitError> {
    let categories = columns.categories(place_of(columns, column)?);
    let categories = categories
        .ok_or_else(|| TraitError::OtherType { column: column.to_owned(), wanted: "category" })?;
    if categories.len() > MAX_SEGMENTS {
        let column = column.to_owned();
        return Err(TraitError::TooManySegments { column, n_segments: categories.len() });
    }
    Ok(categories)
}

/// The place of the column named `name`.
pub(crate) fn place_of(
    columns: &(impl NodeColumns + ?Sized),
    name: &str,
) -> Result<usize, TraitError> {
    columns.find(name).ok_or_else(|| TraitError::NoColumn { column: name.to_owned() })
}

fn is_meant(selector: &Selector, value: Value<'_>) -> bool {
    let Selector { column: _, one_of, min, max, is } = selector;
    let is_one = one_of.as_ref().is_none_or(
        |of| matches!(value, Value::Category(text) if of.iter().any(|one| one == text)),
    );
    let number = value.number();
    let is_high = min.is_none_or(|min| number.is_some_and(|number| number >= min));
    let is_low = max.is_none_or(|max| number.is_some_and(|number| number <= max));
    let is_so = is.is_none_or(|is| value == Value::Bool(is));
    is_one && is_high && is_low && is_so && value != Value::Missing
}

/// Finds a node's class.
struct Reader<'a, C: ?Sized> {
    columns: &'a C,
    reach: Option<(usize, &'a Selector)>,
    count: Option<(usize, &'a Selector)>,
    fakes: Option<(FakesBy, FakeConduct)>,
    segment: Option<(usize, &'a [String])>,
    forward: Rate,
    endorse: Rate,
    /// By channel of the job.
    channels: Vec<Option<(usize, &'a Selector)>>,
    key: u64,
}

enum FakesBy {
    Column(usize),
    Share(Threshold),
}

struct Rate {
    default: Threshold,
    by: Option<(usize, BTreeMap<String, Threshold>)>,
}

impl<'a, C: NodeColumns + ?Sized> Reader<'a, C> {
    fn new(
        dynamics: &'a Dynamics,
        seed: u64,
        of_nodes: &Columns<'a, C>,
    ) -> Result<Self, TraitError> {
        let columns = of_nodes.columns;
        let Dynamics { audience, conduct, .. } = dynamics;
        let selector = |selector: &'a Option<Selector>| -> Result<_, TraitError> {
            let found = selector
                .as_ref()
                .map(|selector| Ok::<_, TraitError>((of_nodes.selected(selector)?, selector)));
            found.transpose()
        };
        let segment = audience.segment.as_ref().map(|column| place_of(columns, column));
        let fakes = audience.fakes.as_ref().map(|fakes| -> Result<_, TraitError> {
            let by = match fakes {
                Fakes { column: Some(column), .. } => {
                    let is_bool = |value: Value<'_>| matches!(value, Value::Bool(_));
                    FakesBy::Column(of_nodes.check(column, "bool", is_bool)?)
                }
                Fakes { share, .. } => {
                    FakesBy::Share(Threshold::from_probability(share.unwrap_or(0.0))?)
                }
            };
            Ok((by, fakes.conduct))
        });
        let Conduct { forward, endorse, forward_by, endorse_by } = conduct;
        Ok(Self {
            columns,
            reach: selector(&audience.reach)?,
            count: selector(&audience.count)?,
            fakes: fakes.transpose()?,
            segment: segment.transpose()?.map(|place| (place, dynamics.segments.as_slice())),
            forward: Rate::new(forward.unwrap_or(1.0), forward_by.as_ref(), of_nodes)?,
            endorse: Rate::new(endorse.unwrap_or(0.0), endorse_by.as_ref(), of_nodes)?,
            channels: dynamics
                .channels
                .iter()
                .map(|channel| selector(&channel.audience))
                .collect::<Result<_, _>>()?,
            key: job_key(seed),
        })
    }

    fn is_same_for_all(&self) -> bool {
        let Self { reach, count, fakes, segment, forward, endorse, channels, .. } = self;
        let has_audience = channels.iter().any(Option::is_some);
        let is_selected = reach.is_some() || count.is_some() || fakes.is_some() || has_audience;
        !is_selected && segment.is_none() && forward.by.is_none() && endorse.by.is_none()
    }

    fn class(&self, node: NodeId) -> Class {
        let is_in = |selector: &Option<(usize, &Selector)>| {
            selector
                .is_none_or(|(place, selector)| is_meant(selector, self.columns.value(place, node)))
        };
        let fake = self.fakes.as_ref().filter(|(by, _)| match by {
            FakesBy::Column(place) => self.columns.value(*place, node) == Value::Bool(true),
            FakesBy::Share(share) => {
                u64::from(uniform(node_item(node, Purpose::Fake), self.key)) < share.width()
            }
        });
        let conduct = fake.map(|(_, conduct)| *conduct);
        let is_removed = conduct == Some(FakeConduct::Removed);
        let segment = self.segment.and_then(|(place, names)| {
            let Value::Category(text) = self.columns.value(place, node) else { return None };
            // At most `MAX_SEGMENTS`.
            names.iter().position(|name| name == text).map(|place| place as u8)
        });
        Class {
            can_be_reached: is_in(&self.reach) && !is_removed,
            can_start: !is_removed,
            counts: is_in(&self.count) && fake.is_none(),
            is_fake: fake.is_some(),
            forward: match conduct {
                Some(FakeConduct::Amplify) => Threshold::ALWAYS,
                Some(FakeConduct::DeadEnd | FakeConduct::Removed) => Threshold::NEVER,
                None => self.forward.of(self.columns, node),
            },
            endorse: match conduct {
                Some(_) => Threshold::NEVER,
                None => self.endorse.of(self.columns, node),
            },
            segment,
            channels: (0..)
                .zip(&self.channels)
                .map(|(place, audience)| u8::from(is_in(audience)) << place)
                .sum(),
        }
    }
}

impl Rate {
    fn new(
        default: f64,
        by_category: Option<&ByCategory>,
        columns: &Columns<'_, impl NodeColumns + ?Sized>,
    ) -> Result<Self, TraitError> {
        let by = by_category.map(|by| -> Result<_, TraitError> {
            let threshold = |(name, rate): (&String, &f64)| {
                Ok::<_, InvalidProbability>((name.clone(), Threshold::from_probability(*rate)?))
            };
            let rates = by.values.iter().map(threshold).collect::<Result<_, _>>()?;
            Ok((columns.with_categories(&by.column, by.values.keys())?, rates))
        });
        let default = by_category.map_or(default, |by| by.default);
        Ok(Self { default: Threshold::from_probability(default)?, by: by.transpose()? })
    }

    fn of(&self, columns: &(impl NodeColumns + ?Sized), node: NodeId) -> Threshold {
        let Some((place, rates)) = &self.by else { return self.default };
        match columns.value(*place, node) {
            Value::Category(text) => rates.get(text).copied().unwrap_or(self.default),
            _ => self.default,
        }
    }
}

/// Why nodes have no such traits.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TraitError {
    /// The graph has no such column of its nodes.
    #[error(
        "the graph's nodes have no column {column:?}: build the graph with `kaskade graph build … --nodes TABLE`"
    )]
    NoColumn {
        /// The column.
        column: String,
    },
    /// A column holds something else.
    #[error("the column {column:?} of the graph's nodes is no column of type {wanted}")]
    OtherType {
        /// The column.
        column: String,
        /// The type that is wanted.
        wanted: &'static str,
    },
    /// A node has no value where one is needed.
    #[error(
        "the column {column:?} says nothing of node {node} (dense id): give every node a number in it"
    )]
    NoValue {
        /// The column.
        column: String,
        /// The node.
        node: NodeId,
    },
    /// A number that is no factor.
    #[error("the column {column:?} has {value} at node {node} (dense id), which is not in [0, 1]")]
    NoFactor {
        /// The column.
        column: String,
        /// The node.
        node: NodeId,
        /// Its number.
        value: f64,
    },
    /// A weight below 0.
    #[error("the column {column:?} has {value} at node {node} (dense id): a weight is at least 0")]
    NegativeWeight {
        /// The column.
        column: String,
        /// The node.
        node: NodeId,
        /// Its number.
        value: f64,
    },
    /// Weights whose sum is not exact any more.
    #[error(
        "the weights in the column {column:?} sum to more than {}: scale them down",
        MAX_TOTAL_WEIGHT / WEIGHT_UNITS
    )]
    HeavyWeights {
        /// The column.
        column: String,
    },
    /// A category that a column does not have.
    #[error(
        "the column {column:?} has no category {category:?}: `kaskade graph info` lists its columns"
    )]
    NoCategory {
        /// The column.
        column: String,
        /// The category.
        category: String,
    },
    /// Too many segments to count apart.
    #[error(
        "the column {column:?} has {n_segments} categories, at most {MAX_SEGMENTS} can be counted apart"
    )]
    TooManySegments {
        /// The column.
        column: String,
        /// Its categories.
        n_segments: usize,
    },
    /// Too many kinds of nodes.
    #[error("segments, selections and rates make more than 256 kinds of nodes: use fewer of them")]
    TooManyClasses,
    /// A rate is no probability.
    #[error(transparent)]
    Probability(#[from] InvalidProbability),
}
