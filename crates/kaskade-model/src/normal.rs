//! The standard normal distribution, the same bits on every platform: `libm` is compiled in,
//! where the standard library would ask the system.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The probability of a value of at most `x`.
#[must_use]
pub fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The value that is not exceeded with `probability`, which lies in (0, 1).
///
/// Acklam's rational approximation (relative error below 1.2e-9), improved by a step of Halley's
/// method to full precision.
#[must_use]
pub fn quantile(probability: f64) -> f64 {
    debug_assert!(probability > 0.0 && probability < 1.0);
    // In the lower half, where the probability itself is precise.
    if probability > 0.5 {
        return -lower_quantile(1.0 - probability);
    }
    lower_quantile(probability)
}

/// The value whose absolute value is exceeded with `probability`, which lies in (0, 1): the
/// margin of a two-sided interval, in standard errors.
#[must_use]
pub fn two_sided(probability: f64) -> f64 {
    -lower_quantile(probability / 2.0)
}

fn lower_quantile(probability: f64) -> f64 {
    let rough = approximate(probability);
    let density = libm::exp(-0.5 * rough * rough) / libm::sqrt(2.0 * PI);
    let step = (cumulative(rough) - probability) / density;
    rough - step / (1.0 + 0.5 * rough * step)
}

fn approximate(probability: f64) -> f64 {
    const LOWEST_CENTRAL: f64 = 0.02425;
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    let horner = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if probability < LOWEST_CENTRAL {
        let q = libm::sqrt(-2.0 * libm::log(probability));
        horner(&C, q) / horner(&D, q)
    } else {
        let q = probability - 0.5;
        q * horner(&A, q * q) / horner(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, expected) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.025, -1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_900_4),
            (0.01, -2.326_347_874_040_841),
            (1e-9, -5.997_807_015_007_774),
        ] {
            assert!((quantile(probability) - expected).abs() < 1e-12, "{probability}");
        }
        assert!((two_sided(0.05) - quantile(0.975)).abs() < 1e-14);
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        for step in 1..1000 {
            let probability = f64::from(step) / 1000.0;
            assert!((cumulative(quantile(probability)) - probability).abs() < 1e-14);
        }
    }
}
