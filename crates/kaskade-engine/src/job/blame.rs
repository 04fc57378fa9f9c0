//! What the failures of a batch have in common.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kaskade_model::ShardId;

/// How often a batch was given back, and the shards that were in the hands of every worker
/// that failed with it.
#[derive(Debug, Default)]
pub(super) struct Blame {
    pub(super) n_failures: u32,
    common: Option<BTreeSet<ShardId>>,
}

impl Blame {
    /// Another failure, of a worker that held `suspects`; of nobody in particular if there are none.
    pub(super) fn add(&mut self, suspects: &BTreeSet<ShardId>) {
        self.n_failures += 1;
        if suspects.is_empty() {
            return;
        }
        match &mut self.common {
            Some(common) => common.retain(|shard| suspects.contains(shard)),
            None => self.common = Some(suspects.clone()),
        }
    }

    /// Names the poison, where it is less than the whole graph of `n_shards`.
    pub(super) fn describe(&self, n_shards: usize) -> String {
        let common = self.common.iter().flatten();
        if !(1..n_shards).contains(&common.clone().count()) {
            return String::new();
        }
        let mut text = " (every worker that failed held shard".to_owned();
        for shard in common {
            write!(text, " {shard}").expect("a string takes any text");
        }
        text.push(')');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(ids: &[u32]) -> BTreeSet<ShardId> {
        ids.iter().copied().map(ShardId).collect()
    }

    #[test]
    fn the_poison_is_what_all_failures_share() {
        let mut blame = Blame::default();
        assert_eq!(blame.describe(8), "");
        blame.add(&shards(&[1, 2, 5]));
        blame.add(&shards(&[]));
        blame.add(&shards(&[2, 5, 7]));
        blame.add(&shards(&[0, 5]));
        assert_eq!(blame.n_failures, 4);
        assert_eq!(blame.describe(8), " (every worker that failed held shard 5)");
        blame.add(&shards(&[3]));
        assert_eq!(blame.describe(8), "", "nothing in common");
    }

    #[test]
    fn the_whole_graph_is_no_poison() {
        let mut blame = Blame::default();
        blame.add(&shards(&[0, 1]));
        assert_eq!(blame.describe(2), "");
    }
}
