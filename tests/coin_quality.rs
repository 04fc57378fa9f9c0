//! Single coins: whether two lanes, two arcs, or two bytes of a uniform know of each other.
//!
//! Every pair of a set is tested on the same draws, so that what shows in few pairs (the largest)
//! and what shows a little in all (the mean square) are both seen. Larger tests, with TestU01, are
//! in `docs/adr/0002-coins.md` and `docs/adr/0006-octet-and-block-coins.md`.

use kaskade_model::NodeId;
use kaskade_model::coin::{
    Block, BlockCoins, Family, Purpose, Threshold, arc_item, octet_uniform, simulation_key, uniform,
};

const SEED: u64 = 1;

/// Whether the arc is live with `probability` in the simulation.
type Coin = Box<dyn Fn(NodeId, NodeId, u64) -> bool>;

fn coin(family: Family, probability: f64) -> Coin {
    let threshold = Threshold::from_probability(probability).expect("a probability");
    let width = threshold.width();
    let item = |source, target| arc_item(source, target, Purpose::Arc);
    match family {
        Family::Arc => Box::new(move |source, target, simulation| {
            u64::from(uniform(item(source, target), simulation_key(SEED, simulation))) < width
        }),
        Family::Octet => Box::new(move |source, target, simulation| {
            u64::from(octet_uniform(SEED, item(source, target), simulation)) < width
        }),
        // The arc to node r is that of rank r.
        Family::Block => {
            let coins = BlockCoins::new(threshold);
            Box::new(move |source, target, simulation| {
                let block = Block::of_rank(target.0);
                let slots = coins.slots(source, block, SEED, simulation);
                slots.contains(&(target.0 - block.first_rank))
            })
        }
    }
}

const FAMILIES: [Family; 3] = [Family::Arc, Family::Octet, Family::Block];

/// The z-values of the correlations of all pairs of `n_columns` coins over `n_rows` draws each.
fn correlations(
    n_columns: usize,
    n_rows: u64,
    probability: f64,
    is_live: impl Fn(usize, u64) -> bool,
) -> Vec<f64> {
    let columns: Vec<Vec<u64>> = (0..n_columns)
        .map(|column| {
            let word = |at: u64| {
                (0..64).fold(0, |word, bit| word | u64::from(is_live(column, 64 * at + bit)) << bit)
            };
            (0..n_rows / 64).map(word).collect()
        })
        .collect();
    let count = |words: &mut dyn Iterator<Item = u64>| -> f64 {
        words.map(|word| f64::from(word.count_ones())).sum()
    };
    let n = n_rows as f64;
    let mut z = Vec::new();
    for (at, left) in columns.iter().enumerate() {
        for right in &columns[..at] {
            let both = count(&mut left.iter().zip(right).map(|(left, right)| left & right));
            let singles = count(&mut left.iter().copied()) + count(&mut right.iter().copied());
            // The covariance about the known mean; its variance is (p(1 - p))² a draw.
            let covariance = both - probability * singles + n * probability * probability;
            z.push(covariance / (n.sqrt() * probability * (1.0 - probability)));
        }
    }
    z
}

/// Refuses z-values that independent coins would hardly have.
fn assert_independent(what: &str, z: &[f64]) {
    let n = z.len() as f64;
    let largest = z.iter().fold(0.0f64, |largest, z| largest.max(z.abs()));
    // One of 2016 pairs is beyond 5 once in 900 tables.
    assert!(largest < 5.0 + (n / 2016.0).ln().max(0.0), "{what}: |z| up to {largest}");
    let mean_square = z.iter().map(|z| z * z).sum::<f64>() / n;
    let scatter = 4.0 * (2.0 / n).sqrt();
    assert!((mean_square - 1.0).abs() < scatter, "{what}: mean z² {mean_square} ± {scatter}");
}

/// The i-th arc of a shape.
type Shape = fn(u64) -> (NodeId, NodeId);

/// Arcs of different shapes: consecutive on a path, of one source, to one target, far apart.
fn arcs() -> [(&'static str, Shape); 4] {
    [
        ("path", |i| (NodeId(i as u32), NodeId(i as u32 + 1))),
        ("out-star", |i| (NodeId(7), NodeId(i as u32))),
        ("in-star", |i| (NodeId(i as u32), NodeId(7))),
        ("strides", |i| (NodeId((i as u32) << 12), NodeId((i as u32) * 4096 + 77))),
    ]
}

#[test]
fn lanes_of_a_word_are_uncorrelated() {
    for family in FAMILIES {
        for probability in [0.5, 0.0625] {
            let coin = coin(family, probability);
            for (shape, arc) in arcs() {
                let z = correlations(64, 1 << 13, probability, |lane, row| {
                    let (source, target) = arc(row);
                    coin(source, target, 640 + lane as u64)
                });
                assert_independent(&format!("{family:?}, p = {probability}, {shape}"), &z);
            }
        }
    }
}

#[test]
fn arcs_are_uncorrelated() {
    for family in FAMILIES {
        for probability in [0.5, 0.0625] {
            let coin = coin(family, probability);
            for (shape, arc) in arcs() {
                let z = correlations(64, 1 << 13, probability, |at, row| {
                    let (source, target) = arc(at as u64);
                    coin(source, target, row)
                });
                assert_independent(&format!("{family:?}, p = {probability}, {shape}"), &z);
            }
        }
    }
}

/// Whether coins that differ in the seed or far in the simulation know of each other.
#[test]
fn far_simulations_are_uncorrelated() {
    for family in FAMILIES {
        let coin = coin(family, 0.5);
        let z = correlations(64, 1 << 13, 0.5, |bit, row| {
            coin(NodeId(row as u32), NodeId(99), 1 << bit.min(62))
        });
        // Bits 62 and 63 are the same simulation.
        let z: Vec<f64> = z[..z.len() - 1].to_vec();
        assert_independent(&format!("{family:?}"), &z);
    }
}

/// The four bytes of an octet coin's uniform, in all lanes of two octets.
#[test]
fn bytes_of_octets_are_uniform_and_uncorrelated() {
    let n_rows = 1 << 13;
    let item = |row: u64| arc_item(NodeId(row as u32), NodeId(row as u32 + 1), Purpose::Arc);
    let z = correlations(64, n_rows, 0.5, |column, row| {
        // The top and the bottom bit of each byte, in eight lanes of two octets.
        let (lane, byte, bit) = (column / 8 * 2, column / 2 % 4, 7 * (column % 2));
        octet_uniform(SEED, item(row), lane as u64) >> (8 * byte + bit) & 1 == 1
    });
    assert_independent("bits of bytes", &z);
    for lane in 0..16 {
        for byte in 0..4 {
            let mut counts = [0u32; 256];
            for row in 0..n_rows {
                let uniform = octet_uniform(SEED, item(row), lane);
                counts[(uniform >> (8 * byte) & 0xff) as usize] += 1;
            }
            let expected = n_rows as f64 / 256.0;
            let chi2: f64 =
                counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
            // 255 degrees of freedom: mean 255, variance 510; 64 tests.
            assert!(
                (chi2 - 255.0).abs() < 5.0 * 510.0f64.sqrt(),
                "lane {lane}, byte {byte}: {chi2}"
            );
        }
    }
}
