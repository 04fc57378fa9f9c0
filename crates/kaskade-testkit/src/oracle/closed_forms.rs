/// The expected spread from the start of a directed path: Σ p^i = (1 − p^n) / (1 − p), for an
/// independent cascade and for linear threshold with weight p alike.
#[must_use]
pub fn path(n_nodes: u32, p: f64) -> f64 {
    (0..n_nodes).map(|distance| p.powf(f64::from(distance))).sum()
}

/// The expected spread of an independent cascade from the root of a complete tree: Σ (bp)^i.
#[must_use]
pub fn tree(n_children: u32, height: u32, p: f64) -> f64 {
    (0..=height).map(|level| (f64::from(n_children) * p).powf(f64::from(level))).sum()
}

/// The probability that the centre of an in-star with all `n_sources` active follows under
/// weighted cascade: 1 − (1 − 1/d)^d. (Under linear threshold it always does.)
#[must_use]
pub fn in_star_cascade(n_sources: u32) -> f64 {
    1.0 - (1.0 - 1.0 / f64::from(n_sources)).powf(f64::from(n_sources))
}

/// The expected spread of linear threshold from `n_seeds` nodes of a complete graph with
/// weights 1/(n−1): k + (n−k) Σ_j [Π_{i<j} (n−k−i)/(n−1)] k/(n−1), j the length of the chain
/// of nodes, each listening to the next, that leads from a node to a seed.
#[must_use]
pub fn complete_linear_threshold(n_nodes: u32, n_seeds: u32) -> f64 {
    let (n, k) = (f64::from(n_nodes), f64::from(n_seeds));
    let mut chain = 1.0;
    let mut reaches_a_seed = 0.0;
    for length in 1..=n_nodes - n_seeds {
        reaches_a_seed += chain * k / (n - 1.0);
        chain *= (n - k - f64::from(length)) / (n - 1.0);
    }
    k + (n - k) * reaches_a_seed
}

/// The expected spread of an independent cascade with probability `p` from one node of a
/// complete graph: the Reed–Frost chain, in which each of s susceptible nodes escapes i
/// active ones with probability (1−p)^i. All terms are positive, so doubles keep 12 digits.
#[must_use]
pub fn reed_frost(n_nodes: u32, p: f64) -> f64 {
    let n = n_nodes as usize;
    // By number of susceptible nodes: the probability of each number of newly active ones.
    let mut chance = vec![vec![0.0; n + 1]; n + 1];
    chance[n - 1][1] = 1.0;
    let mut expected_susceptible = 0.0;
    for susceptible in (0..n).rev() {
        for active in 1..=n - susceptible {
            let escape = (1.0 - p).powf(active as f64);
            let here = chance[susceptible][active];
            for (hit, probability) in binomial(susceptible, 1.0 - escape).into_iter().enumerate() {
                let next = here * probability;
                if hit == 0 {
                    expected_susceptible += susceptible as f64 * next;
                } else {
                    chance[susceptible - hit][hit] += next;
                }
            }
        }
    }
    n as f64 - expected_susceptible
}

/// The share of nodes in the giant component of a large random graph with Poisson degrees of
/// mean `c`: the positive solution of S = 1 − exp(−cS), 0 up to c = 1.
#[must_use]
pub fn giant_component(c: f64) -> f64 {
    (0..10_000).fold(1.0, |share: f64, _| 1.0 - (-c * share).exp())
}

/// The share of nodes in the giant component of a large random `degree`-regular graph whose
/// edges are kept with probability `p`: 1 − a^d with a = 1 − p + p a^(d−1). It is also the
/// probability that a random node lies in it.
#[must_use]
pub fn regular_attack(degree: u32, p: f64) -> f64 {
    let degree = f64::from(degree);
    let escape = (0..10_000).fold(0.0, |a: f64, _| 1.0 - p + p * a.powf(degree - 1.0));
    1.0 - escape.powf(degree)
}

/// The probabilities of 0 to n successes among n attempts of probability `p`.
fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut distribution = vec![0.0; n + 1];
    distribution[0] = 1.0;
    for _ in 0..n {
        for successes in (0..=n).rev() {
            let one_fewer = if successes == 0 { 0.0 } else { distribution[successes - 1] };
            distribution[successes] = distribution[successes] * (1.0 - p) + one_fewer * p;
        }
    }
    distribution
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digits of `reference/peers.md` §7.1 and §7.2.
    #[test]
    fn published_digits() {
        let cases = [
            (path(20, 0.5), 1.99999809),
            (path(50, 0.1), 1.111111),
            (tree(2, 10, 0.3), 2.490930),
            (tree(2, 10, 0.5), 11.0),
            (in_star_cascade(2), 0.75),
            (in_star_cascade(3), 0.703704),
            (in_star_cascade(5), 0.67232),
            (in_star_cascade(10), 0.651322),
            (in_star_cascade(100), 0.633968),
            (complete_linear_threshold(5, 1), 3.21875),
            (complete_linear_threshold(10, 1), 4.458316),
            (complete_linear_threshold(100, 1), 13.147187),
            (complete_linear_threshold(1000, 1), 40.283393),
            (complete_linear_threshold(100, 5), 48.842576),
            (reed_frost(4, 0.5), 3.25),
            (reed_frost(10, 0.1), 3.026929),
            (reed_frost(10, 0.2), 6.784458),
            (reed_frost(50, 0.02), 5.687233),
            (reed_frost(100, 0.02), 63.037821),
            (giant_component(0.5), 0.0),
            (giant_component(1.2), 0.313698),
            (giant_component(1.5), 0.582812),
            (giant_component(2.0), 0.796812),
            (giant_component(3.0), 0.940480),
            (giant_component(4.0), 0.980173),
            (regular_attack(3, 0.6), 0.703704),
            (regular_attack(4, 0.5), 0.854102),
            (regular_attack(4, 0.4), 0.541503),
            (regular_attack(6, 0.3), 0.746244),
            (regular_attack(6, 0.4), 0.928349),
            (regular_attack(8, 0.2), 0.623254),
        ];
        for (case, (computed, published)) in cases.into_iter().enumerate() {
            assert!((computed - published).abs() < 6e-7, "case {case}: {computed}, {published}");
        }
    }
}
