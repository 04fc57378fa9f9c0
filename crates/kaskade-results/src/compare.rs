//! The difference between two results, on common random numbers where they have them.
//!
//! Two jobs of one seed throw the same coins in simulations of the same number. The difference is
//! then taken simulation by simulation: what luck did to both of them cancels, and the interval
//! of the mean difference is that of one sample of differences. Results of different seeds, or
//! without common numbers, are compared as independent samples (Welch, Biometrika 34 (1947)
//! 28–35, with the normal quantile).

use std::iter::Peekable;

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
    /// The baseline's mean spread over them.
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

impl Comparison {
    /// `other` compared with `baseline`. O(simulations).
    #[must_use]
    pub fn of(baseline: &StoredResult, other: &StoredResult) -> Self {
        let is_one_seed = baseline.summary.spec.run.seed == other.summary.spec.run.seed
            && baseline.summary.coin_version == other.summary.coin_version;
        let pairs = if is_one_seed { common(baseline, other) } else { Vec::new() };
        let mut notes = Vec::new();
        let (method, [a, b]) = if pairs.len() > 1 {
            notes.extend(what_else_differs(baseline, other));
            let n_left_out = baseline.spreads.len() + other.spreads.len() - 2 * pairs.len();
            if n_left_out > 0 {
                notes.push(format!("{n_left_out} simulations have no partner and are left out"));
            }
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            (Method::Paired, [a, b])
        } else {
            notes.push(if is_one_seed {
                "not paired: they have no two simulations in common".to_owned()
            } else {
                "not paired: their seeds differ, so nothing is gained by running them together; \
                 use one seed"
                    .to_owned()
            });
            (Method::Independent, [baseline, other].map(|r| floats(&r.spreads)))
        };
        let (a_mean, b_mean) = (mean(&a), mean(&b));
        let [a_variance, b_variance] = [variance(&a, a_mean), variance(&b, b_mean)];
        let n = a.len().min(b.len());
        let difference = b_mean - a_mean;
        let independent = a_variance + b_variance;
        // The variance of a difference of two simulations, and of the mean difference.
        let (of_two, of_mean) = match method {
            Method::Paired => {
                let of_pairs: Vec<f64> = a.iter().zip(&b).map(|(a, b)| b - a).collect();
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
            baseline: baseline.name.clone(),
            other: other.name.clone(),
            method,
            notes,
            simulations: n as u64,
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
            shape: match (&baseline.summary.shape, &other.summary.shape) {
                (Some(baseline), Some(other)) => MatchedShape::of(baseline, other),
                _ => None,
            },
        }
    }
}

/// The spreads of the simulations that both have, in pairs.
fn common(a: &StoredResult, b: &StoredResult) -> Vec<(f64, f64)> {
    let rows = |result: &'_ StoredResult| {
        let rows = result.simulations.iter().zip(&result.spreads);
        rows.map(|(&simulation, &spread)| (simulation, spread as f64)).collect::<Vec<_>>()
    };
    let mut others = rows(b).into_iter().peekable();
    let partner = |others: &mut Peekable<std::vec::IntoIter<(u64, f64)>>, simulation| {
        while others.next_if(|&(other, _)| other < simulation).is_some() {}
        others.next_if(|&(other, _)| other == simulation).map(|(_, spread)| spread)
    };
    let pairs = rows(a).into_iter().filter_map(|(simulation, spread)| {
        partner(&mut others, simulation).map(|other| (spread, other))
    });
    pairs.collect()
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
            files: Vec::new(),
        }
    }

    #[test]
    fn luck_that_both_share_cancels() {
        let a = stored("a", 1, 0, &[100, 300, 500, 700]);
        let b = stored("b", 1, 0, &[103, 302, 504, 703]);
        let found = Comparison::of(&a, &b);
        // Differences 3, 2, 4, 3: mean 3, variance 2/3.
        assert_eq!((found.method, found.simulations, found.difference), (Method::Paired, 4, 3.0));
        let [low, high] = found.interval.unwrap();
        let margin = 1.959_964 * (2.0_f64 / 3.0 / 4.0).sqrt();
        assert!((low - (3.0 - margin)).abs() < 1e-5 && (high - (3.0 + margin)).abs() < 1e-5);
        assert!(found.is_separated && found.notes.is_empty());
        assert!(found.correlation.unwrap() > 0.999_99);
        assert_eq!(found.simulations_needed, Some(2));
        // Both vary by about 66 667: 1.96² · 133 335 / 9 ≈ 56 900.
        let needed = found.simulations_needed_independent.unwrap();
        assert!((56_000..58_000).contains(&needed), "{needed}");
        assert!((found.savings.unwrap() - 200_000.0).abs() < 2000.0);
    }

    #[test]
    fn other_seeds_are_other_samples() {
        let a = stored("a", 1, 0, &[100, 300, 500, 700]);
        let b = stored("b", 2, 0, &[103, 302, 504, 703, 900]);
        let found = Comparison::of(&a, &b);
        assert_eq!((found.method, found.correlation), (Method::Independent, None));
        assert!(!found.is_separated);
        assert!(found.notes[0].contains("seeds differ"));
        assert_eq!(found.savings, Some(1.0));
    }

    #[test]
    fn only_common_simulations_are_paired() {
        let a = stored("a", 1, 0, &[100, 300, 500, 700]);
        let b = stored("b", 1, 2, &[501, 701, 9, 9]);
        let found = Comparison::of(&a, &b);
        assert_eq!((found.simulations, found.difference), (2, 1.0));
        assert_eq!(found.notes, ["4 simulations have no partner and are left out"]);
        let apart = Comparison::of(&a, &stored("c", 1, 10, &[5, 6]));
        assert_eq!(apart.method, Method::Independent);
    }

    #[test]
    fn no_difference_needs_no_number() {
        let a = stored("a", 1, 0, &[100, 300]);
        let found = Comparison::of(&a, &a.clone());
        assert_eq!((found.difference, found.interval), (0.0, Some([0.0, 0.0])));
        assert_eq!((found.simulations_needed, found.savings), (None, None));
        assert!(!found.is_separated);
    }
}
