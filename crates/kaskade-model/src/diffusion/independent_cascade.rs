//! Independent cascade: an arc u → v is live with its own probability, decided once.
//!
//! A node that becomes active in round t tries each of its out-arcs in round t + 1,
//! one attempt each (Goldenberg, Libai and Muller, Marketing Letters 12, 2001).

use super::{Arc, LiveArcs, ModelError, Place};
use crate::adjacency::Shard;
use crate::coin::{self, Draw, InvalidProbability, Purpose, Threshold};

pub(super) fn draw_below(arc: Arc, threshold: Threshold) -> Draw {
    Draw {
        item: coin::arc_item(arc.source, arc.target, Purpose::Arc),
        from: 0,
        width: threshold.width(),
    }
}

/// One probability for all arcs.
#[derive(Debug)]
pub struct ConstantCascade(Threshold);

impl ConstantCascade {
    /// The rule with `probability`.
    ///
    /// # Errors
    /// [`InvalidProbability`].
    pub fn new(probability: f64) -> Result<Self, InvalidProbability> {
        Threshold::from_probability(probability).map(Self)
    }
}

impl LiveArcs for ConstantCascade {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        draw_below(arc, self.0)
    }
}

/// 1 over the target's in-degree (Kempe, Kleinberg and Tardos 2003, "weighted cascade").
///
/// Holds the in-degrees of the shard's nodes: all of them, or those over one channel.
#[derive(Debug)]
pub struct WeightedCascade<'a>(pub &'a [u32]);

impl LiveArcs for WeightedCascade<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        // An arc of another channel may lead to a node with none of this.
        let in_degree = self.0[arc.target_idx as usize].max(1);
        draw_below(arc, Threshold::one_over(in_degree))
    }
}

/// So much over the target's in-degree, at most 1: that many of its in-arcs are live on average.
#[derive(Debug)]
pub struct OverInDegreeCascade<'a> {
    in_degrees: &'a [u32],
    share: f64,
}

impl<'a> OverInDegreeCascade<'a> {
    /// The rule with `share` over the in-degree, which the shard's nodes have of all arcs or of
    /// those over one channel.
    ///
    /// # Errors
    /// [`InvalidProbability`].
    pub fn new(in_degrees: &'a [u32], share: f64) -> Result<Self, InvalidProbability> {
        Threshold::check_share(share, f64::from(u32::MAX))?;
        Ok(Self { in_degrees, share })
    }
}

impl LiveArcs for OverInDegreeCascade<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        // As for weighted cascades.
        let in_degree = self.in_degrees[arc.target_idx as usize].max(1);
        draw_below(arc, Threshold::over(self.share, in_degree))
    }
}

/// 0.1, 0.01 or 0.001 with equal chance, drawn once per arc and the same in all
/// simulations of a job (Chen, Wang and Wang, KDD 2010).
#[derive(Debug)]
pub struct TrivalencyCascade {
    key: u64,
    levels: [Threshold; 3],
}

impl TrivalencyCascade {
    /// The three probabilities.
    pub const LEVELS: [f64; 3] = [0.1, 0.01, 0.001];

    /// The rule of a job with `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let levels = Self::LEVELS
            .map(|level| Threshold::from_probability(level).expect("the levels are probabilities"));
        Self { key: coin::job_key(seed), levels }
    }
}

impl LiveArcs for TrivalencyCascade {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let item = coin::arc_item(arc.source, arc.target, Purpose::Trivalency);
        let level = (u64::from(coin::uniform(item, self.key)) * self.levels.len() as u64) >> 32;
        draw_below(arc, self.levels[level as usize])
    }
}

/// The probability that the graph's arc column gives.
#[derive(Debug)]
pub struct ColumnCascade<'a>(&'a [u32]);

impl<'a> ColumnCascade<'a> {
    /// The rule on `shard`.
    ///
    /// # Errors
    /// [`ModelError::MissingSection`] when the graph has no column.
    pub fn new<S: Shard + ?Sized>(shard: &'a S) -> Result<Self, ModelError> {
        shard.arc_thresholds().map(Self).ok_or(ModelError::MissingSection {
            section: "arc column",
            reader: "probability `column`",
            rebuild: "--column NAME-or-INDEX",
        })
    }
}

impl LiveArcs for ColumnCascade<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let Place::Out(position) = arc.place else {
            unreachable!("the column lies beside the out-view");
        };
        draw_below(arc, Threshold::from_stored(self.0[position]))
    }
}
