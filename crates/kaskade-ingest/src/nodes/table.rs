//! Ranks back to original ids.

use kaskade_model::spec::OriginalId;
use kaskade_store::{Originals, Strings};
use rayon::prelude::*;

/// The original id of every rank.
pub(crate) enum IdTable {
    /// Ranks are ids.
    AllBelow(u32),
    /// Ids of 32 bits.
    Narrow(Vec<u32>),
    /// Ids of 64 bits.
    Wide(Vec<u64>),
    /// Names, one after the other, and where each ends.
    Names { ends: Vec<u64>, bytes: Vec<u8> },
}

/// Original ids in dense order.
pub(crate) enum ArrangedIds {
    Numbers(Vec<u64>),
    Names { ends: Vec<u64>, bytes: Vec<u8> },
}

impl IdTable {
    /// The number of nodes.
    pub(crate) fn n_nodes(&self) -> usize {
        match self {
            Self::AllBelow(n_nodes) => *n_nodes as usize,
            Self::Narrow(ids) => ids.len(),
            Self::Wide(ids) => ids.len(),
            Self::Names { ends, .. } => ends.len(),
        }
    }

    /// The id of the node with `rank`.
    pub(crate) fn original(&self, rank: u32) -> OriginalId {
        match self {
            Self::AllBelow(_) => OriginalId::Number(rank.into()),
            Self::Narrow(ids) => OriginalId::Number(ids[rank as usize].into()),
            Self::Wide(ids) => OriginalId::Number(ids[rank as usize]),
            Self::Names { ends, bytes } => {
                let name = Strings::new(ends, bytes).text(rank as usize);
                OriginalId::Name(name.expect("names were checked to be UTF-8").into())
            }
        }
    }

    /// The ids of the ranks `rank_of`.
    pub(crate) fn arrange(self, rank_of: &[u32]) -> ArrangedIds {
        let numbers = |id: &(dyn Fn(u32) -> u64 + Sync)| {
            ArrangedIds::Numbers(rank_of.par_iter().map(|&rank| id(rank)).collect())
        };
        match self {
            Self::AllBelow(_) => numbers(&|rank| rank.into()),
            Self::Narrow(ids) => numbers(&|rank| ids[rank as usize].into()),
            Self::Wide(ids) => numbers(&|rank| ids[rank as usize]),
            Self::Names { ends, bytes } => {
                let names = Strings::new(&ends, &bytes);
                let mut arranged_ends = Vec::with_capacity(ends.len());
                let mut arranged = Vec::with_capacity(bytes.len());
                for &rank in rank_of {
                    arranged.extend_from_slice(names.get(rank as usize).unwrap_or_default());
                    arranged_ends.push(arranged.len() as u64);
                }
                ArrangedIds::Names { ends: arranged_ends, bytes: arranged }
            }
        }
    }
}

impl ArrangedIds {
    /// The ids as a writer takes them.
    pub(crate) fn originals(&self) -> Originals<'_> {
        match self {
            Self::Numbers(numbers) => Originals::Numbers(numbers),
            Self::Names { ends, bytes } => Originals::Names { ends, bytes },
        }
    }
}
