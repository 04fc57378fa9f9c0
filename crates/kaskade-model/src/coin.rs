//! Coins: pure functions of (job seed, simulation number, arc or node, purpose).
//!
//! A coin never depends on a sequence, a lane's index, a thread or a shard, so any
//! number of them, in any order, gives the same bits. It is compared as an integer:
//! an arc is live where its 32-bit uniform lies in a half-open interval ([`Draw`]).
//!
//! **Frozen** as `coin_version` 1. The uniform of (item, simulation) is a 32-bit mix
//! of a 64-bit item hash and a 64-bit simulation key. The arc hash is a bijection of
//! (u, v), so no two arcs share their coins, and the simulation key is a bijection of
//! the simulation number, so no two simulations of a job are the same. The halves of
//! both enter before different multiplies: a plain xor of item and simulation makes
//! lanes copies of each other (`reference/peers.md` §1.1.2).

mod blocks;
mod isa;
mod lanes;
mod octets;
mod portable;
mod threshold;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use blocks::{Block, BlockCoins, BlockSource, LiveSlot, MAX_BLOCK_PROBABILITY};
pub use isa::{Isa, Vectorised, Vectors};
pub use lanes::LaneKeys;
pub use octets::{OctetKeys, octet_uniform, octet_uniforms};
pub use threshold::{InvalidProbability, Threshold};

use crate::ids::NodeId;

/// The version of everything in this module that decides a bit of a result.
pub const COIN_VERSION: u32 = 1;

/// What a draw decides; items of different purposes never share coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Whether an arc is live (independent cascade).
    Arc = 0x9e6c_63d0_876a_9a35,
    /// Which in-arc a node listens to (linear threshold).
    InArc = 0xd1b5_4a32_d192_ed03,
    /// The trivalency level of an arc, the same in all simulations.
    Trivalency = 0x8cb9_2ba7_2f3d_8dd7,
    /// Which arcs of a block of an out-list are live (independent cascade).
    Block = 0x3c6e_f372_fe94_f82b,
    /// The choice of random seeds.
    Seeds = 0xaef1_7502_108e_f2d9,
    /// Whether a seed starts at all.
    Firing = 0x5851_f42d_4c95_7f2d,
    /// How long a message is under way on an arc.
    Delay = 0x2545_f491_4f6c_dd1d,
    /// How many in-neighbours a node waits for.
    Requirement = 0xb492_b66f_be98_f273,
    /// Which of several sources that reach a node in one round decides its side.
    Tie = 0x9ae1_6a3b_2f90_404f,
    /// Whether a good word stays one.
    Opinion = 0xcbf2_9ce4_8422_2325,
    /// Whether a node passes the message on.
    Forward = 0xc3a5_c85c_97cb_3127,
    /// Whether a node endorses what it heard.
    Endorse = 0x8648_dbbb_9b7a_3f1d,
    /// Whether an account is nobody's.
    Fake = 0x7fb5_d329_728e_a185,
    /// Whether an infectious node recovers in a round.
    Recovery = 0xff51_afd7_ed55_8ccd,
    /// Whether an exposed node becomes infectious in a round.
    Incubation = 0xc4ce_b9fe_1a85_ec53,
    /// Which of several sources that reach a node in one round is said to have passed it on.
    Parent = 0xd6e8_feb8_6659_fd93,
    /// Whether an immune node becomes susceptible in a round.
    Waning = 0x94d0_49bb_1331_1157,
}

/// How coins are drawn. It decides bits of a result, never its distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// A hash per arc and simulation ([`LaneKeys`]).
    Arc,
    /// A hash per arc and eight simulations ([`OctetKeys`]).
    Octet,
    /// Up to 1024 arcs of a source together ([`BlockCoins`]): for a small probability that is the
    /// same for all arcs. Alone among the families it does not make the same arcs live on another
    /// graph that has them, too.
    Block,
}

/// A half-open interval of the uniform of `item`: live where
/// `uniform(item, key) - from (mod 2³²) < width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The hash of the arc or node that draws.
    pub item: u64,
    /// The interval's lower end.
    pub from: u32,
    /// The interval's width, 0 (never live) to 2³² (always live).
    pub width: u64,
}

impl Draw {
    /// The width of a draw that is always live.
    pub const ALWAYS: u64 = 1 << 32;

    /// Whether the draw is live in the simulation of `key`, by the coins of family `arc`.
    #[inline]
    #[must_use]
    pub fn is_live(self, key: u64) -> bool {
        self.holds(uniform(self.item, key))
    }

    /// Whether the draw is live where its item's uniform is `uniform`.
    #[inline]
    #[must_use]
    pub fn holds(self, uniform: u32) -> bool {
        u64::from(uniform.wrapping_sub(self.from)) < self.width
    }
}

/// The key of simulation number `simulation` of a job with `seed`.
#[must_use]
pub fn simulation_key(seed: u64, simulation: u64) -> u64 {
    mix64(mix64(seed ^ GOLDEN).wrapping_add(simulation.wrapping_mul(GOLDEN)))
}

/// The key of a draw that is the same in all simulations of a job with `seed`.
#[must_use]
pub fn job_key(seed: u64) -> u64 {
    // Simulation numbers stop at 2⁶³ (`spec::MAX_SIMULATIONS`).
    simulation_key(seed, u64::MAX)
}

/// The hash of the arc `source -> target`. For one purpose no two arcs share it.
#[inline]
#[must_use]
pub fn arc_item(source: NodeId, target: NodeId, purpose: Purpose) -> u64 {
    let arc = u64::from(source.0) << 32 | u64::from(target.0);
    mix64((arc ^ purpose as u64).wrapping_mul(GOLDEN))
}

/// The hash of the node `node`, or of any other numbered item. For one purpose no two share it.
#[inline]
#[must_use]
pub fn node_item(node: NodeId, purpose: Purpose) -> u64 {
    numbered_item(u64::from(node.0), purpose)
}

/// The hash of the item with number `number`. For one purpose no two share it.
#[inline]
#[must_use]
pub fn numbered_item(number: u64, purpose: Purpose) -> u64 {
    mix64((number ^ purpose as u64).wrapping_mul(GOLDEN))
}

/// The hash of `item` in `round`, for coins that are thrown anew in every round.
#[inline]
#[must_use]
pub fn at_round(item: u64, round: crate::ids::Round) -> u64 {
    mix64(item.wrapping_add(GOLDEN.wrapping_mul(u64::from(round.0) + 1)))
}

/// The hash of the item `item` over the channel at `place`; over the first it is the item itself.
#[inline]
#[must_use]
pub fn on_channel(item: u64, place: u8) -> u64 {
    match place {
        0 => item,
        _ => mix64(item ^ CHANNEL.wrapping_mul(u64::from(place))),
    }
}

/// The hexadecimal digits of e after the point, made odd.
const CHANNEL: u64 = 0xb7e1_5162_8aed_2a6b;

/// The 32-bit uniform of an item in the simulation of `key`.
#[inline(always)]
#[must_use]
pub fn uniform(item: u64, key: u64) -> u32 {
    mix32((item ^ key) as u32, ((item ^ key) >> 32) as u32)
}

/// The place of `source` among those who reach `target` in one round of the simulation of `key`:
/// the least is said to have passed it on, a uniform choice.
#[inline]
#[must_use]
pub fn parent_place(source: NodeId, target: NodeId, key: u64) -> u64 {
    mix64(arc_item(source, target, Purpose::Parent).wrapping_add(key))
}

/// The contribution of one activation to a simulation's fingerprint (DESIGN §3.6).
#[inline]
#[must_use]
pub fn activation_fingerprint(node: NodeId, round: crate::ids::Round) -> u64 {
    mix64((u64::from(node.0) << 32 | u64::from(round.0)).wrapping_mul(GOLDEN))
}

/// 2⁶⁴ over the golden ratio, made odd: spreads consecutive numbers before mixing.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The lane mixer: multipliers and shifts of MurmurHash3's `fmix32` (Austin Appleby), with
/// the high half entering before both multiplies. Entering before the second alone, it
/// correlates lanes whose keys share their low half, about 120 pairs among a million
/// simulations; what is left are keys that differ alike in both halves, of which a
/// million simulations have none to speak of (`docs/adr/0002-coins.md`).
const MIX32_FIRST: u32 = 0x85eb_ca6b;
const MIX32_SECOND: u32 = 0xc2b2_ae35;

#[inline(always)]
fn mix32(low: u32, high: u32) -> u32 {
    let mut x = low.wrapping_add(high);
    x ^= x >> 16;
    x = x.wrapping_mul(MIX32_FIRST);
    x ^= (x >> 13) ^ high;
    x = x.wrapping_mul(MIX32_SECOND);
    x ^= x >> 16;
    x
}

/// Pelle Evensen's `moremur`: a bijection of 64 bits.
#[inline]
fn mix64(mut x: u64) -> u64 {
    x ^= x >> 27;
    x = x.wrapping_mul(0x3c79_ac49_2ba7_b653);
    x ^= x >> 33;
    x = x.wrapping_mul(0x1c69_b3f7_4ac4_ae35);
    x ^ (x >> 27)
}

/// The mixer of SplitMix64 (Steele, Lea and Flood 2014; David Stafford's variant 13): a bijection.
const SPLIT_MIX_FIRST: u64 = 0xbf58_476d_1ce4_e5b9;
const SPLIT_MIX_SECOND: u64 = 0x94d0_49bb_1331_11eb;

#[inline(always)]
fn split_mix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(SPLIT_MIX_FIRST);
    x = (x ^ (x >> 27)).wrapping_mul(SPLIT_MIX_SECOND);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_frozen() {
        assert_eq!(COIN_VERSION, 1);
        let item = arc_item(NodeId(3), NodeId(141), Purpose::Arc);
        let golden: Vec<u32> =
            (0..4).map(|simulation| uniform(item, simulation_key(1, simulation))).collect();
        assert_eq!(golden, GOLDEN_UNIFORMS);
        assert_eq!(activation_fingerprint(NodeId(3), crate::ids::Round(1)), GOLDEN_FINGERPRINT);
    }

    const GOLDEN_UNIFORMS: [u32; 4] = [0xf448_6a50, 0x6e30_e948, 0xd69e_47bb, 0x181d_7e72];
    const GOLDEN_FINGERPRINT: u64 = 9_875_138_144_833_420_849;
}
