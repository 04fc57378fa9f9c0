//! Lists in memory: a shard looks up those of its nodes.

use kaskade_model::NodeRange;

use super::{InArcs, ShardSource};
use crate::arcs::Payload;
use crate::error::IngestError;
use crate::incoming::Incoming;
use crate::order::DenseOrder;

/// All lists, by rank.
pub(super) struct KeptLists<'a, V> {
    pub(super) incoming: &'a Incoming<V>,
    pub(super) order: &'a DenseOrder,
}

impl<V: Payload> ShardSource<V> for KeptLists<'_, V> {
    fn load(
        &self,
        _shard: usize,
        nodes: NodeRange,
        in_degrees: &[u32],
    ) -> Result<InArcs<V>, IngestError> {
        let own = &self.order.rank_of[nodes.begin as usize..nodes.end as usize];
        let n_arcs = in_degrees.iter().map(|&degree| degree as usize).sum();
        let mut offsets = Vec::with_capacity(own.len() + 1);
        let mut all_sources: Vec<u32> = Vec::with_capacity(n_arcs);
        let mut all_values: Vec<V> = Vec::with_capacity(n_arcs);
        let mut list: Vec<(u32, V)> = Vec::new();
        offsets.push(0);
        for &rank in own {
            let (sources, values) = self.incoming.list(rank);
            let dense = sources.iter().map(|&source| self.order.dense_of[source as usize]);
            if V::HAS_VALUE {
                list.clear();
                list.extend(dense.zip(values.iter().copied()));
                list.sort_unstable_by_key(|arc| arc.0);
                all_sources.extend(list.iter().map(|arc| arc.0));
                all_values.extend(list.iter().map(|arc| arc.1));
            } else {
                let begin = all_sources.len();
                all_sources.extend(dense);
                all_sources[begin..].sort_unstable();
                all_values.extend_from_slice(values);
            }
            offsets.push(all_sources.len() as u64);
        }
        Ok(InArcs { offsets, sources: all_sources, values: all_values })
    }
}
