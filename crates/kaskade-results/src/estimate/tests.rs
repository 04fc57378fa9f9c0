use proptest::prelude::*;

use super::*;
use crate::fixture;

fn estimate(spreads: &[u64]) -> SpreadEstimate {
    SpreadEstimate::of(&fixture::sample_of_spreads(spreads), &RunSpec::default())
}

#[test]
fn a_hand_made_sample() {
    // Mean 5; squared deviations 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32.
    let estimate = estimate(&[2, 4, 4, 4, 5, 5, 7, 9]);
    assert_eq!(estimate.mean, 5.0);
    assert_eq!(estimate.standard_deviation, Some((32.0_f64 / 7.0).sqrt()));
    let error = (32.0_f64 / 7.0).sqrt() / 8.0_f64.sqrt();
    assert_eq!(estimate.standard_error, Some(error));
    let [low, high] = estimate.confidence_interval.unwrap();
    assert!((low - (5.0 - 1.959_964 * error)).abs() < 1e-6, "{low}");
    assert!((high - (5.0 + 1.959_964 * error)).abs() < 1e-6, "{high}");
    assert_eq!((estimate.min, estimate.max), (2, 9));
    assert_eq!(estimate.quantiles, Quantiles { p05: 2, p50: 4, p95: 9 });
}

#[test]
fn a_stop_rule_widens_the_interval_by_its_margin() {
    let until = "relative-error=5%,confidence=90%".parse().unwrap();
    let run = RunSpec { until: Some(until), simulations: 6000, ..RunSpec::default() };
    let sample = fixture::sample_of_spreads(&[2, 4, 4, 4, 5, 5, 7, 9]);
    let estimate = SpreadEstimate::of(&sample, &run);
    assert_eq!((estimate.interval, estimate.confidence_level), (Interval::Sequential, 0.9));
    let [low, high] = estimate.confidence_interval.unwrap();
    // The upper 10 / 12 % point of the normal distribution: six looks share 10 %.
    assert!(((high - low) / 2.0 / estimate.standard_error.unwrap() - 2.393_980).abs() < 1e-6);
}

#[test]
fn one_simulation_has_no_deviation() {
    let estimate = estimate(&[17]);
    assert_eq!(estimate.mean, 17.0);
    assert_eq!(estimate.standard_deviation, None);
    assert_eq!(estimate.standard_error, None);
    assert_eq!(estimate.confidence_interval, None);
    assert_eq!(estimate.quantiles, Quantiles { p05: 17, p50: 17, p95: 17 });
}

#[test]
fn equal_spreads_deviate_by_exactly_zero() {
    let estimate = estimate(&[4_294_967_295; 1000]);
    assert_eq!(estimate.standard_deviation, Some(0.0));
    assert_eq!(estimate.confidence_interval, Some([4_294_967_295.0; 2]));
}

#[test]
fn large_means_do_not_swallow_small_deviations() {
    // Deviation 1/√2 about 4 294 967 294.5: in f64, Σx² − (Σx)²/n would give 0 or worse.
    let estimate = estimate(&[4_294_967_294, 4_294_967_295]);
    assert_eq!(estimate.standard_deviation, Some(0.5_f64.sqrt()));
}

#[test]
fn the_sums_have_room_for_the_largest_sample() {
    let n = crate::sample::MAX_SAMPLE;
    let x = u128::from(u32::MAX);
    // As far from the mean as can be, which has the largest rest.
    let moments = Moments { n, sum: u128::from(n) * (x + 1) - 1, squares: u128::from(n) * x * x };
    assert_eq!(moments.standard_deviation(), Some(x as f64));
}

#[test]
fn values_of_53_bits_have_room() {
    let large = 1 << 53;
    let values: Vec<u64> = (0..10_000).map(|place| large * (place % 2)).collect();
    let moments = Moments::of(&values);
    assert_eq!(moments.mean(), large as f64 / 2.0);
    let deviation = large as f64 / 2.0 * (10_000.0_f64 / 9_999.0).sqrt();
    let found = moments.standard_deviation().unwrap();
    assert!((found - deviation).abs() <= 1e-15 * deviation, "{found}, not {deviation}");
}

#[test]
fn quantiles_step_where_the_distribution_does() {
    let of = |n: usize| Quantiles::by_rank(n, |rank| rank as u64);
    assert_eq!(of(1), Quantiles { p05: 1, p50: 1, p95: 1 });
    assert_eq!(of(2), Quantiles { p05: 1, p50: 1, p95: 2 });
    assert_eq!(of(20), Quantiles { p05: 1, p50: 10, p95: 19 });
    assert_eq!(of(21), Quantiles { p05: 2, p50: 11, p95: 20 });
    assert_eq!(of(1000), Quantiles { p05: 50, p50: 500, p95: 950 });
}

#[test]
fn rounds_count_from_the_seeds() {
    let sample = fixture::sample(&[&[1], &[1, 2], &[1, 0, 5]]);
    assert_eq!(RoundsEstimate::of(&sample), RoundsEstimate { mean: 1.0, max: 2 });
}

proptest! {
    #[test]
    fn estimates_equal_their_definitions(
        spreads in prop::collection::vec(1_u64..5000, 2..200),
    ) {
        let estimate = estimate(&spreads);
        let n = spreads.len() as f64;
        let mean = spreads.iter().sum::<u64>() as f64 / n;
        let squares: f64 = spreads.iter().map(|&x| (x as f64 - mean).powi(2)).sum();
        let deviation = (squares / (n - 1.0)).sqrt();
        prop_assert_eq!(estimate.mean, mean);
        prop_assert!((estimate.standard_deviation.unwrap() - deviation).abs() <= 1e-9 * deviation);
        for (percent, quantile) in [
            (5, estimate.quantiles.p05),
            (50, estimate.quantiles.p50),
            (95, estimate.quantiles.p95),
        ] {
            prop_assert_eq!(quantile, fixture::quantile(&spreads, percent));
        }
    }
}
