//! Nodes drawn without replacement.

use rayon::prelude::*;

use crate::generate::draws::Draws;

const FAMILY: u64 = 0x6e6f_6465;

/// `n_wanted` of `0..n_nodes`, every set as likely as any other, ascending. O(n) time and 8
/// bytes a node.
///
/// Every node draws a word, and no two the same: those with the smallest are taken.
pub(super) fn nodes(n_nodes: u32, n_wanted: u32, seed: u64) -> Vec<u32> {
    let draws = Draws::new(seed, FAMILY);
    let word = |node: u32| draws.word(node.into());
    let Some(last_idx) = (n_wanted as usize).checked_sub(1) else { return Vec::new() };
    let mut words: Vec<u64> = (0..n_nodes).into_par_iter().map(word).collect();
    let (_, &mut largest, _) = words.select_nth_unstable(last_idx);
    drop(words);
    (0..n_nodes).into_par_iter().filter(|&node| word(node) <= largest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_as_likely() {
        let mut hits = [0u32; 12];
        for seed in 0..20_000 {
            let chosen = nodes(12, 3, seed);
            assert!(chosen.len() == 3 && chosen.is_sorted_by(|a, b| a < b), "{chosen:?}");
            chosen.iter().for_each(|&node| hits[node as usize] += 1);
        }
        // Binomial(20,000, 1/4): six standard deviations are 367.
        assert!(hits.iter().all(|hit| hit.abs_diff(5000) < 367), "{hits:?}");
        assert_eq!(nodes(5, 5, 1), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn choices_are_frozen() {
        assert_eq!(nodes(1000, 5, 1), [232, 405, 640, 785, 965]);
    }
}
