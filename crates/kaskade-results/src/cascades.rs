//! Who passed it to whom in the traced simulations: `cascades.parquet`, and read back.

use std::collections::HashMap;

use kaskade_model::NodeId;
use kaskade_model::recording::TracedActivation;
use kaskade_model::spec::OriginalId;

/// The traced simulations of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cascades {
    /// What the nodes are called that occur, each once.
    names: Vec<OriginalId>,
    /// Ascending by simulation, then by round.
    activations: Vec<Activation>,
    digest: String,
}

/// A node that became active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The simulation.
    pub simulation: u64,
    /// The round.
    pub round: u32,
    /// The node, as a place among [`Cascades::names`].
    pub node: u32,
    /// Who passed it on, likewise; none for a seed.
    pub parent: Option<u32>,
}

impl Cascades {
    /// Those of `trace`, which ascends by simulation, round and node, whose nodes are called as
    /// `original` says.
    pub fn collect<'a>(
        trace: impl Iterator<Item = (u64, &'a TracedActivation)>,
        original: impl Fn(NodeId) -> OriginalId,
    ) -> Self {
        let (mut names, mut places) = (Vec::new(), HashMap::new());
        let mut place = |node: u32| {
            *places.entry(node).or_insert_with(|| {
                names.push(original(NodeId(node)));
                // A graph has fewer than 2³² nodes.
                (names.len() - 1) as u32
            })
        };
        let activations = trace.map(|(simulation, of)| Activation {
            simulation,
            round: of.round,
            node: place(of.node),
            parent: of.parent.map(&mut place),
        });
        let activations = activations.collect();
        Self::new(names, activations)
    }

    pub(crate) fn new(names: Vec<OriginalId>, activations: Vec<Activation>) -> Self {
        let digest = digest(&names, &activations);
        Self { names, activations, digest }
    }

    /// What the nodes are called that occur.
    #[must_use]
    pub fn names(&self) -> &[OriginalId] {
        &self.names
    }

    /// What a node of an activation is called.
    #[must_use]
    pub fn name(&self, node: u32) -> &OriginalId {
        &self.names[node as usize]
    }

    /// All activations.
    #[must_use]
    pub fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// The activations of each simulation, ascending.
    pub fn by_simulation(&self) -> impl Iterator<Item = &[Activation]> {
        self.activations.chunk_by(|one, next| one.simulation == next.simulation)
    }

    /// The activations of `simulation`; of none that was not traced.
    #[must_use]
    pub fn of(&self, simulation: u64) -> &[Activation] {
        let begin = self.activations.partition_point(|of| of.simulation < simulation);
        let n = self.activations[begin..].partition_point(|of| of.simulation == simulation);
        &self.activations[begin..begin + n]
    }

    /// BLAKE3 over the activations, in hexadecimal: `u64` simulation, `u32` round, the node and its
    /// parent, little-endian. A node is a byte and what it says: 0 none; 1 a number, `u64`; 2 a
    /// name, `u32` bytes and these.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

fn digest(names: &[OriginalId], activations: &[Activation]) -> String {
    const PIECE_BYTES: usize = 1 << 16;
    let mut hasher = blake3::Hasher::new();
    let mut piece = Vec::new();
    for activation in activations {
        piece.extend(activation.simulation.to_le_bytes());
        piece.extend(activation.round.to_le_bytes());
        extend_with_id(&mut piece, Some(&names[activation.node as usize]));
        extend_with_id(&mut piece, activation.parent.map(|parent| &names[parent as usize]));
        if piece.len() >= PIECE_BYTES {
            hasher.update(&piece);
            piece.clear();
        }
    }
    hasher.update(&piece);
    hasher.finalize().to_hex().to_string()
}

/// Appends `id` as digests take it.
pub(crate) fn extend_with_id(bytes: &mut Vec<u8>, id: Option<&OriginalId>) {
    match id {
        None => bytes.push(0),
        Some(OriginalId::Number(number)) => {
            bytes.push(1);
            bytes.extend(number.to_le_bytes());
        }
        Some(OriginalId::Name(name)) => {
            bytes.push(2);
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend(name.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulations_are_told_apart_and_every_figure_counts() {
        let traced = |round, node, parent| TracedActivation { place: 9, round, node, parent };
        let trace = [(4, traced(0, 7, None)), (4, traced(1, 2, Some(7))), (6, traced(0, 7, None))];
        let collect = |trace: &[(u64, TracedActivation)]| {
            let trace = trace.iter().map(|(simulation, of)| (*simulation, of));
            Cascades::collect(trace, |node| OriginalId::Number(100 + u64::from(node.0)))
        };
        let cascades = collect(&trace);
        assert_eq!(cascades.names(), [107u64, 102].map(OriginalId::from));
        assert_eq!(cascades.by_simulation().map(<[_]>::len).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((cascades.of(4).len(), cascades.of(5).len(), cascades.of(6).len()), (2, 0, 1));
        assert_eq!(cascades.of(4)[1].parent, Some(0));
        let mut digests = vec![cascades.digest().to_owned()];
        for changed in [
            (5, traced(0, 7, None)),
            (4, traced(1, 7, None)),
            (4, traced(0, 8, None)),
            (4, traced(0, 7, Some(7))),
        ] {
            digests.push(collect(&[changed, trace[1], trace[2]]).digest().to_owned());
        }
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 5);
    }
}
