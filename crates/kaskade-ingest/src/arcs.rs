//! Arcs as an input gives them: chunks of pairs of original ids.

use std::cmp::Ordering;

/// What an arc carries besides its ends: nothing, or a probability.
///
/// A type parameter instead of an optional field: without a column an arc is eight bytes.
pub(crate) trait Payload:
    Copy + Default + Send + Sync + PartialEq + std::fmt::Debug
{
    /// Whether it is a probability.
    const IS_PROBABILITY: bool;

    /// A total order, so that merging equal arcs cannot depend on the order of the input.
    fn compare(self, other: Self) -> Ordering;

    /// The payload as a probability, where it is one.
    fn probability(self) -> Option<f64>;

    /// The payload that holds `probability`.
    fn from_probability(probability: f64) -> Self;
}

impl Payload for () {
    const IS_PROBABILITY: bool = false;

    fn compare(self, (): ()) -> Ordering {
        Ordering::Equal
    }

    fn probability(self) -> Option<f64> {
        None
    }

    fn from_probability(_probability: f64) {}
}

impl Payload for f64 {
    const IS_PROBABILITY: bool = true;

    fn compare(self, other: f64) -> Ordering {
        self.total_cmp(&other)
    }

    fn probability(self) -> Option<f64> {
        Some(self)
    }

    fn from_probability(probability: f64) -> f64 {
        probability
    }
}

/// An arc as written, `from to`, with ids of type `I`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RawArc<I, V> {
    pub(crate) from: I,
    pub(crate) to: I,
    pub(crate) value: V,
}

/// The arcs of one block of input: in half the memory where all its ids fit 32 bits.
#[derive(Debug, PartialEq)]
pub(crate) enum ArcChunk<V> {
    Narrow(Vec<RawArc<u32, V>>),
    Wide(Vec<RawArc<u64, V>>),
}

impl<V: Payload> ArcChunk<V> {
    /// An empty chunk with room for `n_arcs`.
    pub(crate) fn with_capacity(n_arcs: usize) -> Self {
        Self::Narrow(Vec::with_capacity(n_arcs))
    }

    /// Adds an arc.
    #[inline]
    pub(crate) fn push(&mut self, from: u64, to: u64, value: V) {
        match self {
            Self::Wide(arcs) => arcs.push(RawArc { from, to, value }),
            Self::Narrow(arcs) => match (u32::try_from(from), u32::try_from(to)) {
                (Ok(from), Ok(to)) => arcs.push(RawArc { from, to, value }),
                _ => {
                    self.widen();
                    self.push(from, to, value);
                }
            },
        }
    }

    #[cold]
    fn widen(&mut self) {
        if let Self::Narrow(arcs) = self {
            let widen = |arc: &RawArc<u32, V>| RawArc {
                from: u64::from(arc.from),
                to: u64::from(arc.to),
                value: arc.value,
            };
            let mut wide = Vec::with_capacity(arcs.capacity());
            wide.extend(arcs.iter().map(widen));
            *self = Self::Wide(wide);
        }
    }

    /// Gives back the room that is not used.
    pub(crate) fn shrink_to_fit(&mut self) {
        match self {
            Self::Narrow(arcs) => arcs.shrink_to_fit(),
            Self::Wide(arcs) => arcs.shrink_to_fit(),
        }
    }

    /// The number of arcs.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(arcs) => arcs.len(),
            Self::Wide(arcs) => arcs.len(),
        }
    }

    /// The bytes that the arcs take.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Narrow(arcs) => size_of_val(arcs.as_slice()),
            Self::Wide(arcs) => size_of_val(arcs.as_slice()),
        };
        bytes as u64
    }

    /// Calls `visit` with every arc's ends and value. A closure instead of an iterator,
    /// so that the width is asked once a chunk.
    #[inline]
    pub(crate) fn for_each(&self, mut visit: impl FnMut(u64, u64, V)) {
        match self {
            Self::Narrow(arcs) => {
                arcs.iter().for_each(|arc| visit(arc.from.into(), arc.to.into(), arc.value));
            }
            Self::Wide(arcs) => arcs.iter().for_each(|arc| visit(arc.from, arc.to, arc.value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_widens_at_the_first_id_that_needs_it() {
        let arcs = [(1, 2), (3, u64::from(u32::MAX)), (u64::MAX, 0), (4, 5)];
        let mut chunk = ArcChunk::<()>::with_capacity(4);
        chunk.push(arcs[0].0, arcs[0].1, ());
        chunk.push(arcs[1].0, arcs[1].1, ());
        assert_eq!(chunk.bytes(), 16);
        chunk.push(arcs[2].0, arcs[2].1, ());
        chunk.push(arcs[3].0, arcs[3].1, ());
        assert_eq!(chunk.bytes(), 64);
        let mut back = Vec::new();
        chunk.for_each(|from, to, ()| back.push((from, to)));
        assert_eq!(back, arcs);
    }
}
