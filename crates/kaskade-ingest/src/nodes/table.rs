//! Ranks back to original ids.

/// The original id of every rank.
pub(crate) enum IdTable {
    /// Ranks are ids.
    AllBelow(u32),
    /// Ids of 32 bits.
    Narrow(Vec<u32>),
    /// Ids of 64 bits.
    Wide(Vec<u64>),
}

impl IdTable {
    /// The number of nodes.
    pub(crate) fn n_nodes(&self) -> usize {
        match self {
            Self::AllBelow(n_nodes) => *n_nodes as usize,
            Self::Narrow(ids) => ids.len(),
            Self::Wide(ids) => ids.len(),
        }
    }

    /// The id of the node with `rank`.
    #[inline]
    pub(crate) fn id(&self, rank: u32) -> u64 {
        match self {
            Self::AllBelow(_) => rank.into(),
            Self::Narrow(ids) => ids[rank as usize].into(),
            Self::Wide(ids) => ids[rank as usize],
        }
    }
}
