//! One column: its values, what they must be, and their digest.

use std::sync::atomic::{AtomicU64, Ordering};

use kaskade_model::NodeId;
use rayon::prelude::*;

use super::ColumnType;
use crate::strings::Strings;

/// The code of a node without a category.
pub const MISSING_CATEGORY: u32 = u32::MAX;

/// The value of a node that neither is nor is not.
pub const MISSING_BOOL: u8 = 2;

/// The value of a node without a number: this NaN to the bit, and no other.
pub const MISSING_NUMBER: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

/// The values of a node column, by dense id.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Texts.
    Category {
        /// The place in `names` of every node's text, or [`MISSING_CATEGORY`].
        codes: &'a [u32],
        /// The texts that occur, ascending bytewise.
        names: Strings<'a>,
    },
    /// Finite numbers, or [`MISSING_NUMBER`].
    Number(&'a [f64]),
    /// 0 or 1, or [`MISSING_BOOL`].
    Bool(&'a [u8]),
}

impl<'a> Column<'a> {
    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> ColumnType {
        match self {
            Self::Category { .. } => ColumnType::Category,
            Self::Number(_) => ColumnType::Number,
            Self::Bool(_) => ColumnType::Bool,
        }
    }

    /// The text of `node` in a column of categories; `None` where it has none.
    #[must_use]
    pub fn category(&self, node: NodeId) -> Option<&'a str> {
        match *self {
            // The code of a missing one is beyond all names.
            Self::Category { codes, names } => names.text(*codes.get(node.index())? as usize),
            _ => None,
        }
    }

    /// The number of `node` in a column of numbers; `None` where it has none.
    #[must_use]
    pub fn number(&self, node: NodeId) -> Option<f64> {
        match *self {
            Self::Number(values) => values.get(node.index()).copied().filter(|x| !x.is_nan()),
            _ => None,
        }
    }

    /// The truth of `node` in a column of truths; `None` where it has none.
    #[must_use]
    pub fn bool(&self, node: NodeId) -> Option<bool> {
        match *self {
            Self::Bool(values) => match values.get(node.index())? {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
            _ => None,
        }
    }

    /// Nodes without a value. O(n).
    #[must_use]
    pub fn n_missing(&self) -> u64 {
        let n_missing = match *self {
            Self::Category { codes, .. } => {
                codes.par_iter().filter(|&&code| code == MISSING_CATEGORY).count()
            }
            Self::Number(values) => values.par_iter().filter(|value| value.is_nan()).count(),
            Self::Bool(values) => values.par_iter().filter(|&&value| value == MISSING_BOOL).count(),
        };
        n_missing as u64
    }

    /// How many different texts a column of categories has.
    pub(super) fn n_categories(&self) -> Option<u32> {
        match self {
            Self::Category { names, .. } => Some(u32::try_from(names.len()).unwrap_or(u32::MAX)),
            _ => None,
        }
    }

    /// What a column of `n_nodes` nodes should hold where this one does not. O(n + bytes).
    pub(super) fn flaw(&self, n_nodes: u32) -> Option<&'static str> {
        let n_values = match *self {
            Self::Category { codes, .. } => codes.len(),
            Self::Number(values) => values.len(),
            Self::Bool(values) => values.len(),
        };
        if n_values != n_nodes as usize {
            return Some("a value for every node");
        }
        match *self {
            Self::Category { codes, names } => flaw_of_categories(codes, names),
            Self::Number(values) => {
                let is_right = |value: &f64| {
                    let is_missing = value.to_bits() == MISSING_NUMBER.to_bits();
                    let is_minus_zero = value.to_bits() == (-0.0f64).to_bits();
                    is_missing || (value.is_finite() && !is_minus_zero)
                };
                let are_right = values.par_iter().all(is_right);
                (!are_right).then_some("finite numbers without a negative zero")
            }
            Self::Bool(values) => {
                let are_right = values.par_iter().all(|&value| value <= MISSING_BOOL);
                (!are_right).then_some("values 0, 1 and 2")
            }
        }
    }

    /// The digest of type and values, in hex. O(bytes).
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key(COLUMN_CONTEXT);
        hasher.update(self.kind().word().as_bytes());
        hasher.update(b"\n");
        match *self {
            Self::Category { codes, names } => {
                hasher.update(&(names.len() as u64).to_le_bytes());
                hasher.update(bytemuck::cast_slice(names.ends()));
                hasher.update(names.bytes());
                hasher.update(bytemuck::cast_slice(codes));
            }
            Self::Number(values) => {
                hasher.update(bytemuck::cast_slice(values));
            }
            Self::Bool(values) => {
                hasher.update(values);
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// What keeps the digests of columns apart from all others.
const COLUMN_CONTEXT: &str = "kaskade 1 node column";

fn flaw_of_categories(codes: &[u32], names: Strings<'_>) -> Option<&'static str> {
    if names.len() >= MISSING_CATEGORY as usize {
        return Some("fewer than 2^32 - 1 categories");
    }
    if let Some(flaw) = names.flaw() {
        return Some(flaw.expected());
    }
    if !(1..names.len()).into_par_iter().all(|idx| names.get(idx - 1) < names.get(idx)) {
        return Some("categories that ascend bytewise");
    }
    let used: Vec<AtomicU64> = (0..names.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
    let is_code = |&code: &u32| {
        if code == MISSING_CATEGORY {
            return true;
        }
        let Some(word) = used.get(code as usize / 64) else { return false };
        let bit = 1 << (code % 64);
        // Most codes were seen before: reading first keeps the words shared.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        (code as usize) < names.len()
    };
    if !codes.par_iter().all(is_code) {
        return Some("codes of categories");
    }
    let n_used: u64 =
        used.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum();
    (n_used != names.len() as u64).then_some("no category that no node has")
}
