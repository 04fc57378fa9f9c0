//! What the input called the nodes.

use std::borrow::Cow;

use kaskade_model::spec::OriginalId;
use rayon::prelude::*;

use crate::choices::IdKind;
use crate::strings::Strings;

/// The original ids of all nodes, by dense id: all numbers or all names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Originals<'a> {
    /// Numbers.
    Numbers(&'a [u64]),
    /// Names in UTF-8, one after another in `bytes`, each up to its end.
    Names {
        /// Where the name of each node ends in `bytes`.
        ends: &'a [u64],
        /// All names.
        bytes: &'a [u8],
    },
}

impl<'a> Originals<'a> {
    /// How many nodes have one.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Names { ends, .. } => ends.len(),
        }
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether they are numbers or names.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        match self {
            Self::Numbers(_) => IdKind::Number,
            Self::Names { .. } => IdKind::String,
        }
    }

    /// The ids, if they are numbers.
    #[must_use]
    pub fn numbers(&self) -> Option<&'a [u64]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::Names { .. } => None,
        }
    }

    /// The ids, if they are names.
    #[must_use]
    pub fn names(&self) -> Option<Strings<'a>> {
        match *self {
            Self::Numbers(_) => None,
            Self::Names { ends, bytes } => Some(Strings::new(ends, bytes)),
        }
    }

    /// The id of node `node_idx`, which must be one.
    pub(crate) fn id(&self, node_idx: usize) -> OriginalId {
        match *self {
            Self::Numbers(numbers) => OriginalId::Number(numbers[node_idx]),
            Self::Names { ends, bytes } => {
                let name = Strings::new(ends, bytes).get(node_idx).unwrap_or_default();
                OriginalId::from(&*String::from_utf8_lossy(name))
            }
        }
    }

    /// The place in `by_original` of the node that the input called `id`. O(log n).
    pub(crate) fn rank(&self, by_original: &[u32], id: &OriginalId) -> Option<usize> {
        match (*self, id) {
            (Self::Numbers(numbers), OriginalId::Number(number)) => {
                rank_of_number(numbers, by_original, *number)
            }
            (_, OriginalId::Name(text)) => self.rank_of_text(by_original, text),
            (_, OriginalId::Number(number)) => self.rank_of_text(by_original, &number.to_string()),
        }
    }

    /// As [`Originals::rank`], by the id as text.
    pub(crate) fn rank_of_text(&self, by_original: &[u32], text: &str) -> Option<usize> {
        match *self {
            Self::Numbers(numbers) => {
                text.parse().ok().and_then(|number| rank_of_number(numbers, by_original, number))
            }
            Self::Names { ends, bytes } => {
                let names = Strings::new(ends, bytes);
                let name = |&node: &u32| names.get(node as usize).unwrap_or_default();
                by_original.binary_search_by(|node| name(node).cmp(text.as_bytes())).ok()
            }
        }
    }

    /// All dense ids by ascending id. O(n log n) in parallel.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        // At most 2³² − 1 nodes: the caller has checked.
        let mut by_original: Vec<u32> = (0..self.len() as u32).collect();
        match *self {
            Self::Numbers(numbers) => {
                by_original.par_sort_unstable_by_key(|&node| numbers[node as usize]);
            }
            Self::Names { ends, bytes } => {
                let names = Strings::new(ends, bytes);
                by_original.par_sort_unstable_by_key(|&node| names.get(node as usize));
            }
        }
        by_original
    }

    /// Whether `by_original` names nodes by strictly ascending id. With n entries it is then a
    /// permutation: no two entries can be equal.
    pub(crate) fn is_sorted_by(&self, by_original: &[u32]) -> bool {
        let are_nodes = by_original.par_iter().all(|&node| (node as usize) < self.len());
        are_nodes
            && by_original
                .par_windows(2)
                .all(|pair| self.is_less(pair[0] as usize, pair[1] as usize))
    }

    /// Whether the id of node `a` comes before that of node `b`; both must be nodes.
    #[inline]
    pub(crate) fn is_less(&self, a: usize, b: usize) -> bool {
        match *self {
            Self::Numbers(numbers) => numbers[a] < numbers[b],
            Self::Names { ends, bytes } => {
                let names = Strings::new(ends, bytes);
                names.get(a) < names.get(b)
            }
        }
    }

    /// The id of node `node_idx` as text.
    #[must_use]
    pub fn text(&self, node_idx: usize) -> Option<Cow<'a, str>> {
        match *self {
            Self::Numbers(numbers) => numbers.get(node_idx).map(|id| Cow::Owned(id.to_string())),
            Self::Names { ends, bytes } => {
                Strings::new(ends, bytes).text(node_idx).map(Cow::Borrowed)
            }
        }
    }
}

fn rank_of_number(numbers: &[u64], by_original: &[u32], number: u64) -> Option<usize> {
    let number_of = |&node: &u32| numbers.get(node as usize).copied().unwrap_or(u64::MAX);
    by_original.binary_search_by_key(&number, number_of).ok()
}
