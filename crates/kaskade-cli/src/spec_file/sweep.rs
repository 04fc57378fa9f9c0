//! `[sweep]`: one spec, many jobs. `docs/sweeps.md` has what can be written.

mod axis;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use kaskade_model::spec::CoinFamily;
use kaskade_results::sweep::{SweepAxis, SweptValue};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::document::Document;
use super::{Job, Runner, job};
use crate::args::job::SpecArgs;
use crate::error::CliError;
use crate::toml_error::TomlError;
use axis::{Axis, Value};

/// The most points of a sweep: each is a directory.
const MAX_POINTS: usize = 10_000;

/// Keys that all points share, and why.
const SHARED: [(&str, &str); 7] = [
    ("version", "a sweep has one format"),
    ("graph", "a sweep is on one graph: write a spec for each"),
    ("run.seed", "all points throw the same coins, so that they can be compared"),
    ("run.first_simulation", "all points throw the same coins, so that they can be compared"),
    ("run.coins", "all points throw the same coins, so that they can be compared"),
    ("run.placement", "it changes no result"),
    ("run.out", "a sweep has one directory"),
];

/// Many jobs that differ in some keys.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// What varies, in the order of the file.
    pub(crate) axes: Vec<SweepAxis>,
    /// All combinations, the last axis fastest.
    pub(crate) points: Vec<SweepPoint>,
    /// The coin family of all points.
    pub(crate) coins: CoinFamily,
    /// Whether `auto` would have given the points different families.
    pub(crate) is_one_family_forced: bool,
    /// Where the spec wants the sweep.
    pub(crate) out: Option<PathBuf>,
}

/// One combination.
#[derive(Debug)]
pub(crate) struct SweepPoint {
    /// The value of each axis.
    pub(crate) values: Vec<SweptValue>,
    /// The job.
    pub(crate) job: Job,
}

impl Sweep {
    /// The sweep of `document`, which has one.
    ///
    /// # Errors
    /// [`CliError`] names the place in the spec, or the flag.
    pub(super) fn read(
        document: &Document,
        args: &SpecArgs,
        typed: &BTreeSet<String>,
        runner: Runner,
    ) -> Result<Self, CliError> {
        let text = document.text();
        let mut root = DeTable::parse(text).map_err(|error| document.syntax(&error))?;
        let sweep = root.get_mut().remove("sweep");
        let sweep = sweep.expect("who reads a sweep has looked whether there is one");
        let axes = axis::read(document, &sweep)?;
        axes.iter().try_for_each(|axis| refuse_shared(document, axis))?;
        let keys: Vec<_> = axes.iter().map(|axis| axis.key.as_str()).collect();
        let one = |places: Vec<usize>| -> Result<SweepPoint, CliError> {
            let values: Vec<&Value<'_>> =
                axes.iter().zip(places).map(|(axis, place)| &axis.values[place]).collect();
            let document = point(document, &root, &axes, &values)?;
            let job = job(Some(document), args, typed, runner, &keys)?;
            let values = values.into_iter().map(Value::swept).collect();
            Ok(SweepPoint { values, job })
        };
        let places = combinations(document, &sweep, &axes)?;
        let mut points = places.into_iter().map(one).collect::<Result<Vec<_>, _>>()?;
        let family = points[0].job.spec.run.coins;
        let is_one_family_forced = points.iter().any(|point| point.job.spec.run.coins != family);
        if is_one_family_forced {
            // The family that every model has.
            for point in &mut points {
                point.job.spec.run.coins = CoinFamily::Octet;
            }
        }
        Ok(Self {
            axes: axes.iter().map(Axis::swept).collect(),
            coins: points[0].job.spec.run.coins,
            is_one_family_forced,
            out: points[0].job.out.clone(),
            points,
        })
    }
}

/// Refuses what must be the same for all points.
fn refuse_shared(document: &Document, axis: &Axis<'_>) -> Result<(), TomlError> {
    let is_within = |table: &str| {
        axis.key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match SHARED.iter().find(|(key, _)| is_within(key)) {
        Some((key, why)) => {
            let message = format!("a sweep cannot vary {key}: {why}");
            Err(document.flaw_at(&axis.key_place, message))
        }
        None => Ok(()),
    }
}

/// For each point, which value of each axis; the last axis fastest.
fn combinations(
    document: &Document,
    sweep: &Spanned<DeValue<'_>>,
    axes: &[Axis<'_>],
) -> Result<Vec<Vec<usize>>, TomlError> {
    let counts = axes.iter().map(|axis| axis.values.len());
    let n_points = counts.clone().try_fold(1_usize, usize::checked_mul);
    if n_points.is_none_or(|n_points| n_points > MAX_POINTS) {
        let counts: Vec<_> = counts.map(|count| count.to_string()).collect();
        let counts = counts.join(" × ");
        let message = format!("[sweep] has {counts} points, at most {MAX_POINTS} are possible");
        return Err(document.flaw_at(&sweep.span(), message));
    }
    let mut all = vec![Vec::new()];
    for count in counts {
        let longer = |places: Vec<usize>| {
            (0..count).map(move |place| places.iter().copied().chain([place]).collect())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    Ok(all)
}

/// The spec of the point where the axes have `values`.
fn point(
    document: &Document,
    root: &Spanned<DeTable<'_>>,
    axes: &[Axis<'_>],
    values: &[&Value<'_>],
) -> Result<Document, TomlError> {
    let mut root = root.clone();
    let mut settings: Vec<(&str, Range<usize>)> = Vec::new();
    for (axis, value) in axes.iter().zip(values) {
        let mut table = root.get_mut();
        let (tables, last) = match axis.key.rsplit_once('.') {
            Some((tables, last)) => (tables.split('.').collect::<Vec<_>>(), last),
            None => (Vec::new(), axis.key.as_str()),
        };
        let mut names = tables.into_iter();
        while let Some(name) = names.next() {
            let key = Spanned::new(axis.key_place.clone(), name.to_owned().into());
            let inner = table.entry(key).or_insert_with(|| {
                Spanned::new(axis.key_place.clone(), DeValue::Table(DeTable::default()))
            });
            let found = match inner.get_mut() {
                DeValue::Table(inner) => Ok(inner),
                DeValue::Array(tables) => {
                    let which = names.next().unwrap_or_default();
                    let one = one_of(tables, which);
                    one.ok_or_else(|| format!("{name} has no {which:?}, by name or number"))
                }
                _ => Err(format!("{name} is no table of the spec")),
            };
            table = found.map_err(|reason| {
                let message = format!("cannot vary {}: {reason}", axis.key);
                document.flaw_at(&axis.key_place, message)
            })?;
        }
        // A key that is there already keeps its own place in the file: it goes first.
        table.remove(last);
        let key = Spanned::new(axis.key_place.clone(), last.to_owned().into());
        table.insert(key, Spanned::new(value.place.clone(), value.toml()));
        settings.push((&axis.key, value.place.clone()));
    }
    document.point(root, &settings)
}

/// Of `tables` the one whose `name` is `which`, or that has this number, from 1.
fn one_of<'a, 'i>(tables: &'a mut DeArray<'i>, which: &str) -> Option<&'a mut DeTable<'i>> {
    let is_named = |table: &DeTable<'_>| {
        table.get("name").and_then(|name| name.get_ref().as_str()) == Some(which)
    };
    let is_it = |(number, table): &(usize, &mut DeTable<'_>)| {
        is_named(table) || which.parse() == Ok(number + 1)
    };
    let tables = tables.iter_mut().enumerate().filter_map(|(number, table)| {
        let DeValue::Table(table) = table.get_mut() else { return None };
        Some((number, table))
    });
    tables.into_iter().find(is_it).map(|(_, table)| table)
}

#[cfg(test)]
mod tests;
