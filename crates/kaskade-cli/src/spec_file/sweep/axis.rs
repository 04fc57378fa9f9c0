//! The keys of `[sweep]`, each with its values: a list, a range or a logarithmic range.

use std::ops::Range;

use kaskade_results::sweep::{SweepAxis, SweptValue};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::super::document::Document;
use crate::toml_error::TomlError;

/// The most values of one key.
const MAX_VALUES: usize = 10_000;

/// The keys of a range, by which it is told from a table of keys.
const RANGE_KEYS: [&str; 5] = ["from", "to", "step", "points", "log"];

/// A key that varies.
#[derive(Debug)]
pub(super) struct Axis<'a> {
    /// The key of the spec, dotted.
    pub(super) key: String,
    /// Where it stands.
    pub(super) key_place: Range<usize>,
    /// Its values, at least one, no two alike.
    pub(super) values: Vec<Value<'a>>,
    is_log: bool,
}

/// A value of a key.
#[derive(Debug)]
pub(super) struct Value<'a> {
    source: Source<'a>,
    /// Where it stands, or the range that it is of.
    pub(super) place: Range<usize>,
}

#[derive(Debug)]
enum Source<'a> {
    /// As it stands in the spec.
    Given(DeValue<'a>),
    /// A number of a range.
    Number(String),
}

impl Axis<'_> {
    /// The axis as results have it.
    pub(super) fn swept(&self) -> SweepAxis {
        SweepAxis {
            key: self.key.clone(),
            values: self.values.iter().map(Value::swept).collect(),
            is_log: self.is_log,
        }
    }
}

impl Value<'_> {
    /// The value as the spec would have it.
    pub(super) fn toml(&self) -> DeValue<'_> {
        match &self.source {
            Source::Given(value) => value.clone(),
            Source::Number(text) => {
                DeValue::parse(text).expect("numbers are printed as TOML has them").into_inner()
            }
        }
    }

    /// The value as results have it.
    pub(super) fn swept(&self) -> SweptValue {
        let number = |text: &str| text.parse().map_or_else(|_| text.into(), SweptValue::Number);
        match self.toml() {
            DeValue::Integer(integer) => {
                let text = integer.to_string();
                text.parse().map_or_else(|_| text.as_str().into(), SweptValue::Integer)
            }
            DeValue::Float(float) => number(float.as_str()),
            other => said(&other).as_str().into(),
        }
    }
}

/// `value` in a few words, as an inline table or array of TOML.
fn said(value: &DeValue<'_>) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        DeValue::Array(items) => {
            format!("[{}]", list(items.iter().map(|item| said(item.get_ref())).collect()))
        }
        DeValue::Table(table) => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                format!("{key} = {}", said(value.get_ref()))
            };
            list(table.iter().map(pair).collect())
        }
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Boolean(is) => is.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
    }
}

/// The keys of the table `sweep` of `document`, in the order of the file.
///
/// # Errors
/// [`TomlError`] says which key or value is none.
pub(super) fn read<'a>(
    document: &Document,
    sweep: &Spanned<DeValue<'a>>,
) -> Result<Vec<Axis<'a>>, TomlError> {
    let DeValue::Table(table) = sweep.get_ref() else {
        let message = "[sweep] is a table of keys with their values".to_owned();
        return Err(document.flaw_at(&sweep.span(), message));
    };
    let mut axes = Vec::new();
    collect(document, "", table, &mut axes)?;
    if axes.is_empty() {
        let message = "[sweep] has no key: name one, as in `\"model.probability\" = [0.01, 0.02]`";
        return Err(document.flaw_at(&sweep.span(), message.to_owned()));
    }
    axes.sort_by_key(|axis| axis.key_place.start);
    for (number, axis) in axes.iter().enumerate() {
        let is_same = |other: &&Axis<'_>| {
            let within = |long: &str, short: &str| {
                long.strip_prefix(short)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            within(&axis.key, &other.key) || within(&other.key, &axis.key)
        };
        if let Some(other) = axes[..number].iter().find(is_same) {
            let message = format!("{} and {} vary the same", axis.key, other.key);
            return Err(document.flaw_at(&axis.key_place, message));
        }
    }
    Ok(axes)
}

/// The keys under `prefix`: `"model.probability"` and `model.probability` say the same.
fn collect<'a>(
    document: &Document,
    prefix: &str,
    table: &DeTable<'a>,
    axes: &mut Vec<Axis<'a>>,
) -> Result<(), TomlError> {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        let is_range = |table: &DeTable<'_>| RANGE_KEYS.iter().any(|&key| table.contains_key(key));
        let axis =
            |values, is_log| Axis { key: key.clone(), key_place: name.span(), values, is_log };
        match value.get_ref() {
            DeValue::Array(items) => {
                let one = |item: &Spanned<DeValue<'a>>| Value {
                    source: Source::Given(item.get_ref().clone()),
                    place: item.span(),
                };
                let values: Vec<_> = items.iter().map(one).collect();
                check_list(document, &key, &value.span(), &values)?;
                axes.push(axis(values, false));
            }
            DeValue::Table(inner) if is_range(inner) => {
                let (values, is_log) = range(document, &key, value)?;
                axes.push(axis(values, is_log));
            }
            DeValue::Table(inner) => collect(document, &format!("{key}."), inner, axes)?,
            _ => {
                let message = format!(
                    "{key} must be a list, as in [1, 2, 5], or a range: {{ from, to, step }}, \
                     {{ from, to, points }} or {{ from, to, points, log = true }}"
                );
                return Err(document.flaw_at(&value.span(), message));
            }
        }
    }
    Ok(())
}

/// Refuses empty lists and repeated values.
fn check_list(
    document: &Document,
    key: &str,
    place: &Range<usize>,
    values: &[Value<'_>],
) -> Result<(), TomlError> {
    if values.is_empty() {
        return Err(document.flaw_at(place, format!("{key} has no values: list some")));
    }
    if values.len() > MAX_VALUES {
        let message = format!("{key} has {} values, at most {MAX_VALUES}", values.len());
        return Err(document.flaw_at(place, message));
    }
    let swept: Vec<_> = values.iter().map(Value::swept).collect();
    for (number, value) in values.iter().enumerate() {
        if swept[..number].contains(&swept[number]) {
            let message = format!("{key} has the value {} twice", swept[number]);
            return Err(document.flaw_at(&value.place, message));
        }
    }
    Ok(())
}

/// A range as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeSpec {
    from: Spanned<f64>,
    to: Spanned<f64>,
    step: Option<Spanned<f64>>,
    points: Option<Spanned<usize>>,
    #[serde(default)]
    log: bool,
}

/// The values of the range at `value`, and whether they are spaced on a logarithmic scale.
fn range<'a>(
    document: &Document,
    key: &str,
    value: &Spanned<DeValue<'a>>,
) -> Result<(Vec<Value<'a>>, bool), TomlError> {
    let DeValue::Table(table) = value.get_ref() else {
        unreachable!("only tables are taken for ranges")
    };
    let spanned = Spanned::new(value.span(), table.clone());
    let range = RangeSpec::deserialize(Deserializer::from(spanned));
    let range = range.map_err(|error| document.syntax(&error))?;
    let flaw = |place: Range<usize>, why: &str| document.flaw_at(&place, format!("{key} {why}"));
    let (from, to) = (*range.from.get_ref(), *range.to.get_ref());
    if !(from.is_finite() && to.is_finite() && from < to) {
        return Err(flaw(range.to.span(), "must go `from` a number `to` a larger one"));
    }
    let text = |name: &str| table.get(name).map(|value| said(value.get_ref()));
    let [from_text, to_text, step_text] = ["from", "to", "step"].map(text);
    let texts = [from_text.unwrap_or_default(), to_text.unwrap_or_default()];
    let is_whole = texts.iter().chain(&step_text).all(|text| text.parse::<i64>().is_ok());
    let numbers = match (&range.step, &range.points) {
        (Some(step), None) if !range.log => {
            let step_size = *step.get_ref();
            if !(step_size.is_finite() && step_size > 0.0) {
                return Err(flaw(step.span(), "must have a step above 0"));
            }
            // What rounding does to the last step is not to cost it.
            let n_steps = ((to - from) / step_size + 1e-9).floor();
            if n_steps >= MAX_VALUES as f64 {
                return Err(flaw(step.span(), "has too small a step: more than 10000 values"));
            }
            let places = decimals(&texts[0]).max(decimals(step_text.as_deref().unwrap_or("")));
            let number = |i| from + f64::from(i) * step_size;
            let rounded = |i| format!("{:.places$}", number(i)).parse().unwrap_or(number(i));
            (0..=n_steps as u32).map(rounded).collect::<Vec<f64>>()
        }
        (None, Some(points)) => {
            let n = *points.get_ref();
            if !(2..=MAX_VALUES).contains(&n) {
                return Err(flaw(points.span(), "must have from 2 to 10000 points"));
            }
            if range.log && from <= 0.0 {
                return Err(flaw(range.from.span(), "is logarithmic and must begin above 0"));
            }
            let share = |i: usize| i as f64 / (n - 1) as f64;
            let number = |i: usize| match i {
                0 => from,
                i if i == n - 1 => to,
                i if range.log => from * libm::pow(to / from, share(i)),
                i => from + share(i) * (to - from),
            };
            // Six digits: 10 is 10, whatever the powers that it is made of, and people can say it.
            let rounded = |i| match i {
                i if is_whole || i == 0 || i == n - 1 => number(i),
                i => format!("{:.5e}", number(i)).parse().unwrap_or(number(i)),
            };
            (0..n).map(rounded).collect()
        }
        _ => {
            let why = "must have a `step`, or `points`, which `log = true` needs";
            return Err(flaw(value.span(), why));
        }
    };
    let mut written: Vec<String> = numbers
        .into_iter()
        .map(|number| if is_whole { format!("{}", number.round()) } else { format!("{number:?}") })
        .collect();
    // Whole numbers close together on a logarithmic scale may be the same.
    written.dedup();
    let one = |text| Value { source: Source::Number(text), place: value.span() };
    Ok((written.into_iter().map(one).collect(), range.log))
}

/// Digits after the point of a number as it was written; 15 where that is not simple.
fn decimals(text: &str) -> usize {
    match text.split_once('.') {
        _ if text.contains(['e', 'E']) => 15,
        Some((_, digits)) => digits.len(),
        None => 0,
    }
}
