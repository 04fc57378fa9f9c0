//! Which shards are mapped.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use kaskade_model::ShardId;

/// What is mapped, by shard table digest and number: all that some attempt uses, and all of the
/// table that was last wanted, because verifying a shard again for the next job costs a read
/// of all its bytes.
#[derive(Debug)]
pub(super) struct Held<T> {
    used: BTreeMap<(String, ShardId), Weak<T>>,
    recent_table: String,
    recent: BTreeMap<ShardId, Arc<T>>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { used: BTreeMap::new(), recent_table: String::new(), recent: BTreeMap::new() }
    }
}

impl<T> Held<T> {
    /// `table` is wanted now: what no attempt uses of another one is let go.
    pub(super) fn turn_to(&mut self, table: &str) {
        if self.recent_table != table {
            table.clone_into(&mut self.recent_table);
            self.recent.clear();
        }
        self.used.retain(|_, shard| shard.strong_count() > 0);
    }

    pub(super) fn find(&self, table: &str, shard: ShardId) -> Option<Arc<T>> {
        self.used.get(&(table.to_owned(), shard)).and_then(Weak::upgrade)
    }

    pub(super) fn hold(&mut self, table: &str, shard: ShardId, mapped: &Arc<T>) {
        self.used.insert((table.to_owned(), shard), Arc::downgrade(mapped));
        if self.recent_table == table {
            self.recent.insert(shard, Arc::clone(mapped));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: ShardId = ShardId(3);

    #[test]
    fn the_shards_of_the_last_table_stay_without_a_user() {
        let mut held = Held::default();
        held.turn_to("a");
        held.hold("a", SHARD, &Arc::new(1));
        held.turn_to("a");
        assert_eq!(held.find("a", SHARD).as_deref(), Some(&1));
        assert_eq!(held.find("b", SHARD), None);
        held.turn_to("b");
        assert_eq!(held.find("a", SHARD), None, "another table is wanted");
    }

    #[test]
    fn shards_in_use_are_found_whatever_table_is_wanted() {
        let mut held = Held::default();
        held.turn_to("a");
        let in_use = Arc::new(1);
        held.hold("a", SHARD, &in_use);
        held.turn_to("b");
        let found = held.find("a", SHARD).unwrap();
        assert!(Arc::ptr_eq(&found, &in_use));
        held.hold("a", SHARD, &found);
        drop((found, in_use));
        assert_eq!(held.find("a", SHARD), None, "kept for its users only");
    }
}
