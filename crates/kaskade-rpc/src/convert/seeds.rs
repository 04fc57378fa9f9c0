//! Seeds: a roaring bitmap in its portable format, or a number.

use kaskade_model::seeds::SeedPlan;
use pb::seed_plan::Kind;
use roaring::RoaringBitmap;

use super::required;
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "SeedPlan";

impl From<SeedPlan> for pb::SeedPlan {
    fn from(seeds: SeedPlan) -> Self {
        let kind = match seeds {
            SeedPlan::Fixed(nodes) => {
                let mut bytes = Vec::with_capacity(nodes.serialized_size());
                nodes.serialize_into(&mut bytes).expect("a vector takes every byte");
                Kind::Fixed(bytes.into())
            }
            SeedPlan::RandomEach(count) => Kind::RandomEach(count),
        };
        Self { kind: Some(kind) }
    }
}

/// The seeds of a job on `n_nodes` nodes: what may stand in the message depends on them.
pub(super) fn seed_plan(seeds: pb::SeedPlan, n_nodes: u32) -> Result<SeedPlan, ConvertError> {
    match required(seeds.kind, MESSAGE, "kind")? {
        Kind::Fixed(bytes) => {
            let fixed = |reason: String| ConvertError::new(MESSAGE, "fixed", reason);
            let mut rest = &bytes[..];
            // The checked reader: it verifies order and counts, and allocates at most 512 KiB
            // by what the header says, the rest container by container as bytes arrive.
            let nodes = RoaringBitmap::deserialize_from(&mut rest)
                .map_err(|error| fixed(format!("is not a roaring bitmap: {error}")))?;
            if !rest.is_empty() {
                return Err(fixed(format!("has {} bytes after its bitmap", rest.len())));
            }
            match nodes.max() {
                Some(node) if node >= n_nodes => {
                    Err(fixed(format!("has node {node}, the graph has {n_nodes} nodes")))
                }
                _ => Ok(SeedPlan::Fixed(nodes)),
            }
        }
        Kind::RandomEach(count) if count > n_nodes => Err(ConvertError::new(
            MESSAGE,
            "random_each",
            format!("is {count}, the graph has {n_nodes} nodes"),
        )),
        Kind::RandomEach(count) => Ok(SeedPlan::RandomEach(count)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, seed_plans};

    const N_NODES: u32 = 200_000;

    proptest! {
        #[test]
        fn round_trips(seeds in seed_plans(N_NODES)) {
            prop_assert_eq!(seed_plan(seeds.clone().into(), N_NODES), Ok(seeds));
        }

        #[test]
        fn any_bytes_are_seeds_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = fixed(bytes);
        }

        #[test]
        fn a_changed_byte_never_leaves_the_graph(
            seeds in seed_plans(N_NODES),
            at in any::<prop::sample::Index>(),
            value in any::<u8>(),
        ) {
            if let Some(Kind::Fixed(bytes)) = pb::SeedPlan::from(seeds).kind {
                let mut bytes = bytes.to_vec();
                let at = at.index(bytes.len());
                bytes[at] = value;
                if let Ok(SeedPlan::Fixed(nodes)) = fixed(bytes) {
                    prop_assert!(nodes.iter().all(|node| node < N_NODES));
                }
            }
        }
    }

    fn fixed(bytes: Vec<u8>) -> Result<SeedPlan, ConvertError> {
        seed_plan(pb::SeedPlan { kind: Some(Kind::Fixed(bytes.into())) }, N_NODES)
    }

    fn bitmap(nodes: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        nodes.iter().collect::<RoaringBitmap>().serialize_into(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::SeedPlan>(
            SeedPlan::Fixed([3, 14].into_iter().collect()),
            "0a143a30000001000000000001001000000003000e00",
        );
        assert_golden::<pb::SeedPlan>(SeedPlan::RandomEach(5), "1005");
    }

    #[test]
    fn seeds_outside_the_graph_and_trailing_bytes_are_refused() {
        fixed(bitmap(&[0, N_NODES - 1])).unwrap();
        let outside = fixed(bitmap(&[0, N_NODES])).unwrap_err();
        assert_eq!(
            outside.to_string(),
            "invalid SeedPlan: field fixed has node 200000, the graph has 200000 nodes"
        );
        let trailing = [bitmap(&[1]), vec![0]].concat();
        assert!(fixed(trailing).unwrap_err().to_string().ends_with("1 bytes after its bitmap"));
        let mut cut = bitmap(&[1, 2, 3]);
        cut.pop();
        assert!(fixed(cut).unwrap_err().to_string().contains("is not a roaring bitmap"));
        let too_many = pb::SeedPlan { kind: Some(Kind::RandomEach(N_NODES + 1)) };
        assert!(seed_plan(too_many, N_NODES).is_err());
        assert!(seed_plan(pb::SeedPlan { kind: None }, N_NODES).is_err());
    }
}
