//! What messages come over, as nodes see it.

use kaskade_model::NodeId;
use kaskade_model::dynamics::{ActivationRule, DelayTable, Dynamics, NodeTraits};
use kaskade_model::lanes::LaneMask;

/// The channels of a job; one where there are none.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) n: u8,
    /// For each what draws how long messages are under way, and its place in the graph.
    each: Vec<(Option<DelayTable>, u8)>,
    /// Channels of which it is kept whether a node was reached over them.
    pub(super) n_heard: usize,
    /// Whether some do not reach everybody.
    have_audiences: bool,
}

impl Channels {
    pub(super) fn of(dynamics: &Dynamics) -> Self {
        let channels = &dynamics.channels;
        let each: Vec<_> = dynamics.delays().map(|(delay, place)| (delay.drawn(), place)).collect();
        Self {
            // At most `MAX_CHANNELS`.
            n: each.len() as u8,
            each,
            n_heard: match dynamics.activation {
                ActivationRule::Any => 0,
                ActivationRule::All => channels.len(),
            },
            have_audiences: channels.iter().any(|channel| channel.audience.is_some()),
        }
    }

    /// Whether what comes `way` is for `node`, which has `traits`.
    #[inline(always)]
    pub(super) fn is_heard(&self, traits: &NodeTraits, node: NodeId, way: u8) -> bool {
        !self.have_audiences || traits.class(node).hears(way % self.n)
    }

    /// How long messages are under way that come `way`, and the place of their channel.
    #[inline(always)]
    pub(super) fn of_way(&self, way: u8) -> &(Option<DelayTable>, u8) {
        &self.each[usize::from(way % self.n)]
    }
}

/// Notes in `heard` the channels over which a node was reached that is active in `seen`, and takes
/// from `ways` the lanes in which it has not been over all of them; seeds wait for none.
#[inline(always)]
pub(super) fn keep_complete<const W: usize>(
    ways: &mut [u64],
    heard: &mut [u64],
    seen: &[u64],
    is_seed: &LaneMask<W>,
) {
    let n_channels = heard.len() / W;
    let mut complete = [u64::MAX; W];
    for (channel, heard) in heard.chunks_exact_mut(W).enumerate() {
        for way in ways.chunks_exact(W).skip(channel).step_by(n_channels) {
            (0..W).for_each(|word| heard[word] |= way[word] & !(seen[word] | is_seed[word]));
        }
        (0..W).for_each(|word| complete[word] &= heard[word]);
    }
    for way in ways.chunks_exact_mut(W) {
        (0..W).for_each(|word| way[word] &= complete[word] | is_seed[word]);
    }
}
