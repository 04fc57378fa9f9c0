//! The difference between two results, on common random numbers where they have them.
//!
//! Two jobs of one seed throw the same coins in simulations of the same number. The difference is
//! then taken simulation by simulation: what luck did to both of them cancels, and the interval
//! of the mean difference is that of one sample of differences. Results of different seeds, or
//! without common numbers, are compared as independent samples (Welch, Biometrika 34 (1947)
//! 28–35, with the normal quantile).

use serde::{Deserialize, Serialize};

use crate::estimate::{CONFIDENCE_LEVEL, NORMAL_QUANTILE};
use crate::shape::MatchedShape;
use crate::stored::StoredResult;

/// A result beside another one, the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The name of the baseline.
    pub baseline: String,
    /// The name of the other result.
    pub other: String,
    /// How they were compared.
    pub method: Method,
    /// What the reader has to know of that: why they are not paired, or what else differs.
    pub notes: Vec<String>,
    /// Pairs of simulations, or the smaller number of simulations.
    pub simulations: u64,
    /// How far the spreads differ.
    #[serde(flatten)]
    pub spread: Difference,
    /// The same of each measure that both have; left out where they have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<MeasureDifference>,
    /// How far the shapes of cascades of the same sizes differ; left out unless both results have
    /// traced some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<MatchedShape>,
}

/// How two results are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Simulation by simulation.
    Paired,
    /// Mean against mean.
    Independent,
}

/// A mean beside that of the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The baseline's mean over the simulations compared.
    pub baseline_mean: f64,
    /// The other's.
    pub other_mean: f64,
    /// The other's mean less the baseline's.
    pub difference: f64,
    /// [`CONFIDENCE_LEVEL`].
    pub confidence_level: f64,
    /// The interval of the expected difference; `null` with fewer than two simulations.
    pub interval: Option<[f64; 2]>,
    /// Whether the interval leaves 0 out.
    pub is_separated: bool,
    /// Pearson's, over the pairs; `null` where they are not paired or one of them is constant.
    pub correlation: Option<f64>,
    /// Simulations a side after which an interval like this leaves 0 out, were the difference
    /// exactly as found; `null` where no difference was found.
    pub simulations_needed: Option<u64>,
    /// The same for independent samples.
    pub simulations_needed_independent: Option<u64>,
    /// Independent simulations that say as much as one pair; `null` without an interval.
    pub savings: Option<f64>,
}

/// A measure beside that of the baseline: of one that adds up, a simulation's sum, of one that rises
/// and falls, its peak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureDifference {
    /// Its name.
    pub name: String,
    /// Whether it rises and falls.
    pub is_stock: bool,
    /// How far it differs.
    #[serde(flatten)]
    pub found: Difference,
}

impl Comparison {
    /// `other` compared with `baseline`. O(simulations).
    #[must_use]
    pub fn of(baseline: &StoredResult, other: &StoredResult) -> Self {
        let is_one_seed = baseline.summary.spec.run.seed == other.summary.spec.run.seed
            && baseline.summary.coin_version == other.summary.coin_version;
        let pairs = if is_one_seed { common(baseline, other) } else { Vec::new() };
        let mut notes = Vec::new();
        let method = if pairs.len() > 1 {
            notes.extend(what_else_differs(baseline, other));
            let n_left_out = baseline.spreads.len() + other.spreads.len() - 2 * pairs.len();
            if n_left_out > 0 {
                notes.push(format!("{n_left_out} simulations have no partner and are left out"));
            }
            Method::Paired
        } else {
            notes.push(if is_one_seed {
                "not paired: they have no two simulations in common".to_owned()
            } else {
                "not paired: their seeds differ, so nothing is gained by running them together; \
                 use one seed"
                    .to_owned()
            });
            Method::Independent
        };
        let difference = |a: &[f64], b: &[f64]| match method {
            Method::Paired => {
                let (a, b): (Vec<_>, Vec<_>) = pairs.iter().map(|&(at, by)| (a[at], b[by])).unzip();
                Difference::of(method, &a, &b)
            }
            Method::Independent => Difference::of(method, a, b),
        };
        let measures = baseline.measures.iter().filter_map(|a| {
            let b = other.measures.iter().find(|b| b.name == a.name)?;
            let (name, found) = (a.name.clone(), difference(&a.values, &b.values));
            Some(MeasureDifference { name, is_stock: a.is_stock, found })
        });
        let n = match method {
            Method::Paired => pairs.len(),
            Method::Independent => baseline.spreads.len().min(other.spreads.len()),
        };
        Self {
            baseline: baseline.name.clone(),
            other: other.name.clone(),
            method,
            notes,
            simulations: n as u64,
            spread: difference(&floats(&baseline.spreads), &floats(&other.spreads)),
            measures: measures.collect(),
            shape: match (&baseline.summary.shape, &other.summary.shape) {
                (Some(baseline), Some(other)) => MatchedShape::of(baseline, other),
                _ => None,
            },
        }
    }
}

impl Difference {
    /// Of the values `b` of the other and `a` of the baseline, which are pairs if `method` says so.
    fn of(method: Method, a: &[f64], b: &[f64]) -> Self {
        let (a_mean, b_mean) = (mean(a), mean(b));
        let [a_variance, b_variance] = [variance(a, a_mean), variance(b, b_mean)];
        let n = a.len().min(b.len());
        let difference = b_mean - a_mean;
        let independent = a_variance + b_variance;
        // The variance of a difference of two simulations, and of the mean difference.
        let (of_two, of_mean) = match method {
            Method::Paired => {
                let of_pairs: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
                let of_two = variance(&of_pairs, difference);
                (of_two, of_two / n as f64)
            }
            Method::Independent => {
                (independent, a_variance / a.len() as f64 + b_variance / b.len() as f64)
            }
        };
        let margin = NORMAL_QUANTILE * of_mean.sqrt();
        let interval = (n > 1).then_some([difference - margin, difference + margin]);
        let needed = |variance: f64| {
            let standard = NORMAL_QUANTILE / difference;
            let n = (standard * standard * variance).floor() + 1.0;
            (difference != 0.0 && interval.is_some()).then_some((n as u64).max(2))
        };
        let spread = (a_variance * b_variance).sqrt();
        let correlation = (independent - of_two) / (2.0 * spread);
        Self {
            baseline_mean: a_mean,
            other_mean: b_mean,
            difference,
            confidence_level: CONFIDENCE_LEVEL,
            interval,
            is_separated: interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0),
            correlation: (method == Method::Paired && spread > 0.0).then_some(correlation),
            simulations_needed: needed(of_two),
            simulations_needed_independent: needed(independent),
            savings: (n > 1 && of_two > 0.0).then_some(independent / of_two),
        }
    }
}

/// The rows of the simulations that both have, in pairs.
fn common(a: &StoredResult, b: &StoredResult) -> Vec<(usize, usize)> {
    let mut others = (0..).zip(&b.simulations).peekable();
    let mut partner = |simulation: &u64| {
        while others.next_if(|(_, other)| *other < simulation).is_some() {}
        others.next_if(|(_, other)| *other == simulation).map(|(row, _)| row)
    };
    let rows = (0..).zip(&a.simulations);
    rows.filter_map(|(row, simulation)| Some((row, partner(simulation)?))).collect()
}

/// What makes paired simulations share fewer coins than they might.
fn what_else_differs(a: &StoredResult, b: &StoredResult) -> Vec<String> {
    let (a, b) = (&a.summary, &b.summary);
    let mut notes = Vec::new();
    if a.graph.digest != b.graph.digest {
        notes.push(
            "their graphs differ: coins are shared as far as nodes have the same place".to_owned(),
        );
    }
    if a.spec.run.coins != b.spec.run.coins {
        notes.push("their coin families differ, so they share no coins: use one of --coins".into());
    }
    if a.spec.model.kind != b.spec.model.kind {
        notes.push("their models differ, so they share few coins".to_owned());
    }
    notes
}

fn floats(spreads: &[u64]) -> Vec<f64> {
    spreads.iter().map(|&spread| spread as f64).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With n − 1; 0 for one value.
fn variance(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (values.len() as f64 - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::stored::Measured;
    use crate::summary::Summary;

    fn stored(name: &str, seed: u64, first: u64, spreads: &[u64]) -> StoredResult {
        let sample = fixture::sample_of_spreads(spreads);
        let mut record = fixture::record();
        record.spec.run.seed = seed;
        StoredResult {
            name: name.to_owned(),
            summary: Summary::new(&sample, record),
            simulations: (first..).take(spreads.len()).collect(),
            spreads: spreads.to_vec(),
            measures: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn luck_that_both_share_cancels() {
        let a = stored("a", 1, 0, &[100, 300, 500, 700]);
        let b = stored("b", 1, 0, &[103, 302, 504, 703]);
        let found = Comparison::of(&a, &b);
        // Differences 3, 2, 4, 3: mean 3, variance 2/3.
        assert_eq!(
            (found.method, found.simulations, found.spread.difference),
            (Method::Paired, 4, 3.0)
        );
        let [low, high] = found.spread.interval.unwrap();
        let margin = 1.959_964 * (2.0_f64 / 3.0 / 4.0).sqrt();
        assert!((low - (3.0 - margin)).abs() < 1e-5 && (high - (3.0 + margin)).abs() < 1e-5);
        assert!(found.spread.is_separated && found.notes.is_empty());
        assert!(found.spread.correlation.unwrap() > 0.999_99);
        assert_eq!(found.spread.simulations_needed, Some(2));
        // Both vary by about 66 667: 1.96² · 133 335 / 9 ≈ 56 900.
        let needed = found.spread.simulations_needed_independent.unwrap();
        assert!((56_000..58_000).contains(&needed), "{needed}");
        assert!((found.spread.savings.unwrap() - 200_000.0).abs() < 2000.0);
    }

    #[test]
    fn other_seeds_are_other_samples() {
        let a = stored("a", 1, 0, &[100, 300, 500, 700]);
        let b = stored("b", 2, 0, &[103, 302, 504, 703, 900]);
        let found = Comparison::of(&a, &b);
        assert_eq!((found.method, found.spread.correlation), (Method::Independent, None));
        assert!(!found.spread.is_separated);
        assert!(found.notes[0].contains("seeds differ"));
        assert_eq!(found.spread.savings, Some(1.0));
    }

    #[test]
    fn only_common_simulations_are_paired() {
        let a = stored("a", 1, 0, &[100, 300, 500, 700]);
        let b = stored("b", 1, 2, &[501, 701, 9, 9]);
        let found = Comparison::of(&a, &b);
        assert_eq!((found.simulations, found.spread.difference), (2, 1.0));
        assert_eq!(found.notes, ["4 simulations have no partner and are left out"]);
        let apart = Comparison::of(&a, &stored("c", 1, 10, &[5, 6]));
        assert_eq!(apart.method, Method::Independent);
    }

    #[test]
    fn no_difference_needs_no_number() {
        let a = stored("a", 1, 0, &[100, 300]);
        let found = Comparison::of(&a, &a.clone());
        assert_eq!((found.spread.difference, found.spread.interval), (0.0, Some([0.0, 0.0])));
        assert_eq!((found.spread.simulations_needed, found.spread.savings), (None, None));
        assert!(!found.spread.is_separated);
    }

    #[test]
    fn measures_are_paired_as_the_spreads_are() {
        let measured = |name: &str, values: &[f64]| Measured {
            name: name.to_owned(),
            is_stock: name == "infectious",
            values: values.to_vec(),
        };
        let mut a = stored("a", 1, 0, &[100, 300, 500, 700]);
        a.measures = vec![measured("positive", &[80.0, 90.0, 70.0, 60.0]), measured("fakes", &[])];
        let mut b = stored("b", 1, 1, &[300, 500, 700]);
        b.measures = vec![measured("positive", &[30.0, 12.0, 0.0])];
        let found = Comparison::of(&a, &b);
        assert!(!found.spread.is_separated, "as many are reached");
        let [positive] = &found.measures[..] else { panic!("{:?}", found.measures) };
        // Differences −60, −58, −60 of simulations 1, 2 and 3.
        let mean = -178.0 / 3.0;
        assert!((positive.found.difference - mean).abs() < 1e-9, "{positive:?}");
        assert!(positive.found.is_separated && !positive.is_stock);
        let json = serde_json::to_string(&found).unwrap();
        assert!(
            json.contains(r#""measures":[{"name":"positive","is_stock":false,"baseline_mean":"#)
        );
        assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), found);

        b.summary.spec.run.seed = 2;
        let found = Comparison::of(&a, &b);
        assert_eq!(
            (found.measures[0].found.baseline_mean, found.method),
            (75.0, Method::Independent)
        );
        let without = serde_json::to_string(&Comparison::of(&a, &stored("c", 1, 0, &[1, 2])));
        assert!(!without.unwrap().contains("measures"));
    }
}
