//! Columns of nodes in memory.

use kaskade_model::NodeId;
use kaskade_model::dynamics::{NodeColumns, Value};

/// Columns of the nodes of a graph, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeTable {
    columns: Vec<(String, Column)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Column {
    Numbers(Vec<f64>),
    /// A text without a letter is no value.
    Categories(Vec<String>),
}

impl NodeTable {
    /// With a column of numbers, one a node; NaN is no value.
    #[must_use]
    pub fn with_numbers(mut self, name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let values = Column::Numbers(values.into_iter().collect());
        self.columns.push((name.to_owned(), values));
        self
    }

    /// With a column of categories, one a node; the empty text is no value.
    #[must_use]
    pub fn with_categories<'a>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let values = Column::Categories(values.into_iter().map(str::to_owned).collect());
        self.columns.push((name.to_owned(), values));
        self
    }

    /// The number of `node` in the column `name`.
    ///
    /// # Panics
    /// When there is no such column of numbers, or it ends before.
    #[must_use]
    pub fn number(&self, name: &str, node: u32) -> f64 {
        let place = self.find(name).expect("the graph has the column");
        match self.value(place, NodeId(node)) {
            Value::Number(number) => number,
            other => panic!("{name} of node {node} is {other:?}"),
        }
    }

    /// The category of `node` in the column `name`, if it has one.
    ///
    /// # Panics
    /// When there is no such column.
    #[must_use]
    pub fn category(&self, name: &str, node: u32) -> Option<&str> {
        let place = self.find(name).expect("the graph has the column");
        match self.value(place, NodeId(node)) {
            Value::Category(category) => Some(category),
            _ => None,
        }
    }
}

impl NodeColumns for NodeTable {
    fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(known, _)| known == name)
    }

    fn value(&self, place: usize, node: NodeId) -> Value<'_> {
        match &self.columns[place].1 {
            Column::Numbers(values) if values[node.index()].is_nan() => Value::Missing,
            Column::Numbers(values) => Value::Number(values[node.index()]),
            Column::Categories(values) if values[node.index()].is_empty() => Value::Missing,
            Column::Categories(values) => Value::Category(&values[node.index()]),
        }
    }

    fn categories(&self, place: usize) -> Option<Vec<String>> {
        let Column::Categories(values) = &self.columns[place].1 else { return None };
        let mut names: Vec<String> =
            values.iter().filter(|text| !text.is_empty()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }
}
