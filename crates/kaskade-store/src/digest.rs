//! The identity of a graph and of its files (`docs/format.md`, "Digests").

use std::ops::AddAssign;

use kaskade_model::NodeId;

use crate::attributes::NodeColumn;
use crate::choices::Order;
use crate::originals::Originals;

/// An order-free sum of what is the same for any shard cuts: addition modulo 2¹²⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArcSum(pub(crate) u128);

impl ArcSum {
    /// Adds the arc `source -> target`.
    #[inline]
    pub(crate) fn add_arc(&mut self, source: NodeId, target: NodeId) {
        self.add(ArcMix::new(source, target).of_arc());
    }

    /// Adds the arc `source -> target` with the threshold that the column gives it.
    #[cfg(test)]
    pub(crate) fn add_threshold(&mut self, source: NodeId, target: NodeId, stored: u32) {
        self.add(ArcMix::new(source, target).with(stored));
    }

    /// Adds what an [`ArcMix`] gave.
    #[inline]
    pub(crate) fn add(&mut self, mix: u128) {
        self.0 = self.0.wrapping_add(mix);
    }

    /// The sum as manifests write it: 32 hex digits.
    pub(crate) fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }

    /// The sum that [`ArcSum::to_hex`] wrote.
    pub(crate) fn from_hex(hex: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hex.len() != 32 || !hex.bytes().all(is_hex) {
            return None;
        }
        u128::from_str_radix(hex, 16).ok().map(Self)
    }
}

impl AddAssign for ArcSum {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

/// An arc as two independent 64-bit bijections of it give it, so that no two arcs mix alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArcMix {
    low: u64,
    high: u64,
}

impl ArcMix {
    #[inline]
    pub(crate) fn new(source: NodeId, target: NodeId) -> Self {
        let arc = u64::from(source.0) << 32 | u64::from(target.0);
        Self { low: mix64(arc ^ LOW_SALT), high: mix64(arc ^ HIGH_SALT) }
    }

    /// What the arc alone adds to a sum.
    #[inline]
    pub(crate) fn of_arc(self) -> u128 {
        self.mixed_with(0)
    }

    /// What the arc adds with a number of its own: its threshold, or its rank.
    #[inline]
    pub(crate) fn with(self, number: u32) -> u128 {
        self.mixed_with(u64::from(number) + 1)
    }

    #[inline]
    fn mixed_with(self, attribute: u64) -> u128 {
        u128::from(mix64(self.high ^ attribute)) << 64 | u128::from(mix64(self.low ^ attribute))
    }
}

/// The hexadecimal digits of π after the point, first and second sixteen.
const LOW_SALT: u64 = 0x243f_6a88_85a3_08d3;
const HIGH_SALT: u64 = 0x1319_8a2e_0370_7344;

/// The finalizer of splitmix64 (Stafford's variant 13): a bijection of 64 bits.
#[inline]
fn mix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What makes two graphs the same, whatever their shards and views.
pub(crate) struct GraphIdentity<'a> {
    pub(crate) n_nodes: u64,
    pub(crate) n_arcs: u64,
    pub(crate) order: Order,
    /// In hex, as the manifest has it.
    pub(crate) id_map_digest: &'a str,
    pub(crate) arc_sum: ArcSum,
    /// The sum over arcs with their thresholds or channels, when there are any.
    pub(crate) column_sum: Option<ArcSum>,
    /// The names of the channels.
    pub(crate) channels: &'a [String],
    /// The node columns, by ascending name.
    pub(crate) node_columns: &'a [NodeColumn],
}

impl GraphIdentity<'_> {
    /// The graph digest, in hex.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"kaskade graph 1\n");
        hasher.update(&self.n_nodes.to_le_bytes());
        hasher.update(&self.n_arcs.to_le_bytes());
        hasher.update(&self.arc_sum.0.to_le_bytes());
        hasher.update(self.id_map_digest.as_bytes());
        hasher.update(match self.order {
            Order::InDegree => b"\norder in-degree\n",
            Order::Id => b"\norder id\n",
        });
        for channel in self.channels {
            hasher.update(b"channel\n");
            hasher.update(&(channel.len() as u64).to_le_bytes());
            hasher.update(channel.as_bytes());
        }
        if let Some(column_sum) = self.column_sum {
            hasher.update(b"column\n");
            hasher.update(&column_sum.0.to_le_bytes());
        }
        for column in self.node_columns {
            hasher.update(b"node column\n");
            hasher.update(&(column.name.len() as u64).to_le_bytes());
            hasher.update(column.name.as_bytes());
            hasher.update(column.digest.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// The digest of the id map, in hex. Names are hashed under a key of their own, so that no
/// names share the digest of any numbers.
pub(crate) fn id_map_digest(originals: Originals<'_>) -> String {
    match originals {
        Originals::Numbers(numbers) => {
            blake3::hash(bytemuck::cast_slice(numbers)).to_hex().to_string()
        }
        Originals::Names { ends, bytes } => {
            let mut hasher = blake3::Hasher::new_derive_key(NAMES_CONTEXT);
            hasher.update(&(ends.len() as u64).to_le_bytes());
            hasher.update(bytemuck::cast_slice(ends));
            hasher.update(bytes);
            hasher.finalize().to_hex().to_string()
        }
    }
}

/// What keeps names and numbers apart.
const NAMES_CONTEXT: &str = "kaskade 1 id map of names";

/// Whether `text` is a blake3 digest as this crate writes them.
pub(crate) fn is_digest(text: &str) -> bool {
    blake3::Hash::from_hex(text).is_ok_and(|hash| *hash.to_hex() == *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_frozen() {
        let mut arc_sum = ArcSum::default();
        arc_sum.add_arc(NodeId(3), NodeId(141));
        arc_sum.add_arc(NodeId(5), NodeId(9));
        let mut column_sum = ArcSum::default();
        column_sum.add_threshold(NodeId(3), NodeId(141), 59);
        let identity = GraphIdentity {
            n_nodes: 200,
            n_arcs: 2,
            order: Order::Id,
            id_map_digest: &id_map_digest(Originals::Numbers(&[7, 8])),
            arc_sum,
            column_sum: Some(column_sum),
            channels: &[],
            node_columns: &[],
        };
        assert_eq!(arc_sum.to_hex(), GOLDEN_ARC_SUM);
        assert_eq!(identity.digest(), GOLDEN_DIGEST);
        let without_column = GraphIdentity { column_sum: None, ..identity }.digest();
        assert_ne!(without_column, GOLDEN_DIGEST);
    }

    const GOLDEN_ARC_SUM: &str = "8eb668be31bb0d5ade12940ce58e0502";
    const GOLDEN_DIGEST: &str = "bf404d8e28f9fbf8b3a8f4b261346373fb0b1aafe1dca7185f85a877737e9e32";

    #[test]
    fn names_have_digests_of_their_own() {
        let digest = |ends: &[u64], bytes: &[u8]| id_map_digest(Originals::Names { ends, bytes });
        assert_eq!(digest(&[2, 3], b"abc"), GOLDEN_NAMES);
        assert_ne!(digest(&[1, 3], b"abc"), GOLDEN_NAMES);
        // What is hashed of these names, as numbers.
        let bytes = [2u64, 8, 16];
        let numbers = [&bytes[..], &[7, 8]].concat();
        let names = digest(&[8, 16], bytemuck::cast_slice(&[7u64, 8]));
        assert_ne!(names, id_map_digest(Originals::Numbers(&numbers)));
    }

    const GOLDEN_NAMES: &str = "db5f8e49238fdd557047205a69ae126b5c72cb71d6611c4cd44af2be7ffccfa4";

    #[test]
    fn sums_tell_arcs_apart_but_not_their_order() {
        let sum = |arcs: &[(u32, u32)]| {
            let mut sum = ArcSum::default();
            arcs.iter().for_each(|&(u, v)| sum.add_arc(NodeId(u), NodeId(v)));
            sum
        };
        assert_eq!(sum(&[(0, 1), (2, 3)]), sum(&[(2, 3), (0, 1)]));
        assert_ne!(sum(&[(0, 1), (2, 3)]), sum(&[(0, 3), (2, 1)]));
        assert_ne!(sum(&[(0, 1)]), sum(&[(1, 0)]));
        assert_ne!(sum(&[(0, 0)]), sum(&[]));
    }

    #[test]
    fn sums_return_from_hex() {
        for sum in [ArcSum(0), ArcSum(u128::MAX), ArcSum(0xabc)] {
            assert_eq!(ArcSum::from_hex(&sum.to_hex()), Some(sum));
        }
        for bad in ["", "ABC", &"F".repeat(32), &"+".repeat(32), &"0".repeat(33)] {
            assert_eq!(ArcSum::from_hex(bad), None, "{bad:?}");
        }
    }
}
