//! A job resolved against a graph: all that the rounds need to know.

use crate::coin::Family;
use crate::diffusion::{ArcWeight, Endpoints, LiveArcModel, sums_to_at_most_one};
use crate::dynamics::{Dynamics, NodeTraits, Push, TraitError, segments};
use crate::ids::{BatchId, NodeId};
use crate::lanes::{LANES_PER_WORD, LaneMask, MAX_LANE_WORDS, first_lanes};
use crate::recording::{MAX_COUNTED_NODES, Recording};
use crate::seeds::{self, NodeDirectory, SeedError, SeedPlan};
use crate::spec::{LaterSeeds, OriginalId, Spec, SpecError};

/// What is simulated, and how it is cut into batches. Everything but `lane_words`
/// decides bits of the result; `lane_words` only decides how many advance together.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPlan {
    /// The diffusion model.
    pub model: LiveArcModel,
    /// What nodes do with what reaches them.
    pub dynamics: Dynamics,
    /// How its coins are drawn.
    pub coins: Family,
    /// The job's seed.
    pub seed: u64,
    /// Who is active in round 0.
    pub seeds: SeedPlan,
    /// Nodes of the graph.
    pub n_nodes: u32,
    /// The global number of the first simulation.
    pub first_simulation: u64,
    /// Simulations of the job, at least 1.
    pub n_simulations: u64,
    /// The last round that may activate a node.
    pub max_rounds: Option<u32>,
    /// What is kept of the simulations besides counts.
    pub recording: Recording,
    /// W: 64-lane words in a batch, 1 to [`MAX_LANE_WORDS`].
    pub lane_words: usize,
}

/// The simulations that advance together. Simulation s has lane s mod 64 of a word, whatever
/// job it is in, so that the simulations that draw coins together are always neighbours: the
/// first batch of a job may begin within a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlan {
    /// The batch.
    pub batch: BatchId,
    /// The global number of the first simulation.
    pub first_simulation: u64,
    /// Simulations in the batch, at least 1; with [`BatchPlan::first_lane`] at most 64·W.
    pub n_lanes: u32,
}

impl BatchPlan {
    /// The lane of the first simulation, 0 to 63.
    #[must_use]
    pub fn first_lane(&self) -> u32 {
        (self.first_simulation % LANES_PER_WORD as u64) as u32
    }

    /// The lanes of its simulations.
    #[must_use]
    pub fn lanes<const W: usize>(&self) -> LaneMask<W> {
        let before: LaneMask<W> = first_lanes(self.first_lane() as usize);
        let until: LaneMask<W> = first_lanes((self.first_lane() + self.n_lanes) as usize);
        std::array::from_fn(|word| until[word] & !before[word])
    }
}

impl JobPlan {
    /// Resolves `spec` against `graph`, in batches of `lane_words`. O(nodes).
    ///
    /// # Errors
    /// [`PlanError`] names the key, the seed or the node that does not fit.
    pub fn resolve(
        spec: &Spec,
        graph: &impl NodeDirectory,
        lane_words: usize,
    ) -> Result<Self, PlanError> {
        let model = spec.live_arc_model()?;
        if spec.channel.is_empty() {
            check_weights(&model, graph)?;
        }
        // Whether the columns say what the model asks of them.
        Endpoints::resolve(&model, graph.n_nodes(), graph.columns())?;
        let (recording, n_nodes) = (spec.recording(), graph.n_nodes());
        if recording.nodes && n_nodes > MAX_COUNTED_NODES {
            return Err(PlanError::TooManyNodes { n_nodes });
        }
        Ok(Self {
            model,
            dynamics: dynamics(spec, graph)?,
            coins: spec.coin_family()?,
            seed: spec.run.seed,
            seeds: seeds::resolve(&spec.seeds, spec.run.seed, graph, 0, &spec.audience.seeds)?,
            n_nodes,
            first_simulation: spec.run.first_simulation,
            n_simulations: spec.run.simulations,
            max_rounds: spec.last_round(),
            recording,
            lane_words,
        })
    }

    /// Simulations in a full batch.
    #[must_use]
    pub fn lanes_per_batch(&self) -> u64 {
        debug_assert!((1..=MAX_LANE_WORDS).contains(&self.lane_words));
        (self.lane_words * LANES_PER_WORD) as u64
    }

    /// The number of batches.
    #[must_use]
    pub fn n_batches(&self) -> u32 {
        self.n_batches_of(self.n_simulations)
    }

    /// The number of batches that hold the first `n_simulations`.
    #[must_use]
    pub fn n_batches_of(&self, n_simulations: u64) -> u32 {
        let n_lanes = self.first_lane() + n_simulations;
        u32::try_from(n_lanes.div_ceil(self.lanes_per_batch())).unwrap_or(u32::MAX)
    }

    /// The plan of batch `batch`, which must be below [`JobPlan::n_batches`].
    #[must_use]
    pub fn batch(&self, batch: BatchId) -> BatchPlan {
        // Batches begin where a word does; only the job's own ends cut them.
        let begin = self.first_simulation - self.first_lane();
        let begin = begin + u64::from(batch.0) * self.lanes_per_batch();
        let end = begin.saturating_add(self.lanes_per_batch());
        let first_simulation = begin.max(self.first_simulation);
        let end = end.min(self.first_simulation + self.n_simulations);
        BatchPlan { batch, first_simulation, n_lanes: (end - first_simulation) as u32 }
    }

    /// Whether `batch` is one of the job's: for whoever is told of it by somebody else.
    #[must_use]
    pub fn has_batch(&self, batch: &BatchPlan) -> bool {
        batch.batch.0 < self.n_batches() && *batch == self.batch(batch.batch)
    }

    /// The bytes a node of the whole graph of what the job reads of the nodes' columns.
    #[must_use]
    pub fn node_bytes(&self) -> u64 {
        NodeTraits::bytes_per_node(&self.dynamics) + self.model.endpoint_bytes()
    }

    /// Whether it depends on the columns of the graph's nodes.
    #[must_use]
    pub fn reads_columns(&self) -> bool {
        self.dynamics.reads_columns() || self.model.reads_columns()
    }

    /// The lanes of `batch` whose simulations are traced.
    #[must_use]
    pub fn traced_lanes<const W: usize>(&self, batch: &BatchPlan) -> LaneMask<W> {
        let end = self.first_simulation + self.recording.trace_simulations;
        let n_traced = end.saturating_sub(batch.first_simulation).min(batch.n_lanes.into());
        BatchPlan { n_lanes: n_traced as u32, ..*batch }.lanes()
    }

    /// Whether simulations of `batch` are traced.
    #[must_use]
    pub fn traces(&self, batch: &BatchPlan) -> bool {
        self.traces_simulation(batch.first_simulation)
    }

    /// Whether `simulation`, which is one of the job, is traced.
    #[must_use]
    pub fn traces_simulation(&self, simulation: u64) -> bool {
        simulation - self.first_simulation < self.recording.trace_simulations
    }

    fn first_lane(&self) -> u64 {
        self.first_simulation % LANES_PER_WORD as u64
    }
}

fn dynamics(spec: &Spec, graph: &impl NodeDirectory) -> Result<Dynamics, PlanError> {
    let mut dynamics = spec.dynamics()?;
    if let Some(column) = &dynamics.audience.segment {
        dynamics.segments = segments(column, graph.columns())?;
    }
    for channel in &mut dynamics.channels {
        let place = graph.channels().iter().position(|name| *name == channel.name);
        // A graph has at most 8.
        channel.place = place.ok_or_else(|| PlanError::NoChannel {
            name: channel.name.clone(),
            known: match graph.channels() {
                [] => "none".to_owned(),
                names => names.join(", "),
            },
        })? as u8;
    }
    for channel in &dynamics.channels {
        Endpoints::of_arcs(&channel.probability, graph.n_nodes(), graph.columns())?;
    }
    // Whether the columns say what the job asks of them.
    NodeTraits::resolve(&dynamics, spec.run.seed, graph.n_nodes(), graph.columns())?;
    for (number, LaterSeeds { round, side, seeds, among }) in (1..).zip(spec.pushes()?) {
        let eligible = spec.audience.seeds.iter().chain(among);
        let resolved = seeds::resolve(seeds, spec.run.seed, graph, number, eligible);
        let seeds = resolved.map_err(|error| {
            // Rivals come first.
            let n_rivals = spec.rival.len() as u32;
            let table = match number.checked_sub(n_rivals) {
                Some(push @ 1..) => format!("push.{push}"),
                _ => format!("rival.{number}"),
            };
            PlanError::LaterSeeds { table, error }
        })?;
        dynamics.pushes.push(Push { round, side, seeds });
    }
    Ok(dynamics)
}

fn check_weights(model: &LiveArcModel, graph: &impl NodeDirectory) -> Result<(), PlanError> {
    match *model {
        LiveArcModel::LinearThreshold(ArcWeight::Constant(weight)) => {
            let heaviest = (0..).zip(graph.in_degrees()).max_by_key(|(_, degree)| **degree);
            match heaviest {
                Some((node, &in_degree)) if !sums_to_at_most_one(weight, in_degree) => {
                    let node = graph.original(NodeId(node));
                    Err(PlanError::WeightsExceedOne { node, in_degree, weight })
                }
                _ => Ok(()),
            }
        }
        LiveArcModel::LinearThreshold(ArcWeight::Column) => match graph.overweight_node() {
            Some(node) => Err(PlanError::ColumnExceedsOne { node }),
            None => Ok(()),
        },
        LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade | ArcWeight::OverInDegree(_))
        | LiveArcModel::IndependentCascade(_) => Ok(()),
    }
}

/// Why a spec cannot run on a graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A value of the spec.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The seeds.
    #[error(transparent)]
    Seeds(#[from] SeedError),
    /// The seeds of a push or a rival.
    #[error("{table}: {error}")]
    LaterSeeds {
        /// Which.
        table: String,
        /// What is wrong with them.
        error: SeedError,
    },
    /// The nodes' columns do not say what the job asks of them.
    #[error(transparent)]
    Traits(#[from] TraitError),
    /// A channel that the graph does not have.
    #[error(
        "the graph has no channel {name:?}, its channels are: {known}; arcs get theirs from `kaskade graph build --channel NAME=FILE …`"
    )]
    NoChannel {
        /// The name.
        name: String,
        /// Those of the graph.
        known: String,
    },
    /// A constant weight that sums to more than 1 at a node.
    #[error(
        "linear threshold with weight {weight}: the {in_degree} in-arcs of node {node} sum to more than 1; use `weighted-cascade` or a weight of at most 1/{in_degree}"
    )]
    WeightsExceedOne {
        /// The node of highest in-degree, in original ids.
        node: OriginalId,
        /// Its in-degree.
        in_degree: u32,
        /// The weight of each arc.
        weight: f64,
    },
    /// Nodes are to be counted, and there are too many.
    #[error(
        "run.nodes counts the nodes of graphs of at most {MAX_COUNTED_NODES} nodes, this one has {n_nodes}: leave it out, or count segments (audience.segment)"
    )]
    TooManyNodes {
        /// Nodes of the graph.
        n_nodes: u32,
    },
    /// An arc column that sums to more than 1 at a node.
    #[error(
        "linear threshold with the arc column: the weights of the in-arcs of node {node} sum to more than 1; scale the column, or use `weighted-cascade`"
    )]
    ColumnExceedsOne {
        /// Such a node, in original ids.
        node: OriginalId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::ArcProbability;

    #[test]
    fn batches_tile_the_simulations() {
        let plan = JobPlan {
            model: LiveArcModel::IndependentCascade(ArcProbability::WeightedCascade),
            dynamics: Dynamics::default(),
            coins: Family::Block,
            seed: 1,
            seeds: SeedPlan::RandomEach(1),
            n_nodes: 10,
            first_simulation: 7,
            n_simulations: 300,
            max_rounds: None,
            recording: Recording { trace_simulations: 125, nodes: false },
            lane_words: 2,
        };
        let batches: Vec<_> = (0..plan.n_batches()).map(|b| plan.batch(BatchId(b))).collect();
        let cuts: Vec<_> = batches.iter().map(|b| (b.first_simulation, b.n_lanes)).collect();
        assert_eq!(cuts, [(7, 121), (128, 128), (256, 51)]);
        assert!(batches.iter().all(|batch| plan.has_batch(batch)));
        assert!(!plan.has_batch(&BatchPlan { n_lanes: 128, ..batches[0] }), "more than fit");
        assert!(!plan.has_batch(&BatchPlan { batch: BatchId(plan.n_batches()), ..batches[0] }));
        assert_eq!(batches[0].lanes(), [u64::MAX << 7, u64::MAX]);
        assert_eq!(batches[2].lanes(), [(1 << 51) - 1, 0]);
        let traced: Vec<_> = batches.iter().map(|batch| plan.traced_lanes(batch)).collect();
        assert_eq!(traced, [[u64::MAX << 7, u64::MAX], [0b1111, 0], [0, 0]]);
        assert_eq!(
            batches.iter().map(|batch| plan.traces(batch)).collect::<Vec<_>>(),
            [true, true, false]
        );
        let alone = JobPlan { first_simulation: 191, n_simulations: 2, lane_words: 1, ..plan };
        assert_eq!(alone.n_batches(), 2);
        assert_eq!(alone.batch(BatchId(0)).lanes(), [1 << 63]);
        assert_eq!(alone.batch(BatchId(1)).lanes(), [1]);
    }
}
