//! A partition: the shards that one worker of a group holds for a job, and a batch on them.

mod batch;
mod tracer;

use std::sync::Arc;

use kaskade_model::AnyShard;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{ArcProbability, Endpoints, LiveArcModel, LiveArcs, ModelError};
use kaskade_model::dynamics::{NoColumns, NodeColumns, NodeTraits};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::tally::PartitionTally;

pub use batch::BatchRun;

pub(crate) use tracer::{Activated, Tracer, count_of};

use crate::dynamics::Layers;
use crate::error::EngineError;
use crate::kernel::{
    BlockJob, Coins, JobModel, OneByOne, OutLists, Parallelism, Presence, ShardState,
};

/// A worker's shards of a job's graph, ascending, and the job itself. In one process the
/// partition is the whole graph.
#[derive(Debug)]
pub struct Partition {
    /// The shards.
    pub shards: Vec<AnyShard>,
    /// The job.
    pub plan: JobPlan,
    /// The instruction set that throws the coins.
    pub isa: Isa,
    /// The way that a batch is computed.
    pub method: Method,
    /// What of the nodes' columns matters to the job.
    pub(crate) traits: Arc<NodeTraits>,
    endpoints: Endpoints,
    coins: Coins,
    pub(crate) layers: Layers,
    presence: Option<Presence>,
    one_by_one: Option<OneByOne>,
    can_pull: bool,
}

/// The way that a batch is computed; never what comes out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// By the model, its coins, and what the batch and those before it took.
    #[default]
    Auto,
    /// All simulations of the batch together, round by round from the seeds.
    Forward,
    /// The same, pair by pair in every round, where [`Partition::can_be_light`].
    Light,
    /// The same, from the targets in every round, where [`Partition::can_pull`].
    Pull,
    /// One simulation after another, where coins come in blocks and the whole graph is here
    /// ([`OneByOne`]).
    OneByOne,
    /// From every node back to the seeds, where the model allows it and the whole graph is here
    /// ([`crate::kernel::run_backward`]).
    Backward,
}

impl Partition {
    /// Joins `shards` and `plan`, after checking that the model finds what it reads.
    ///
    /// # Errors
    /// [`ModelError`] names what is missing or the node whose weights exceed 1.
    pub fn new(shards: Vec<AnyShard>, plan: JobPlan, isa: Isa) -> Result<Self, ModelError> {
        // No lists are as small as that.
        Self::join(shards, plan, isa, 0, &NoColumns)
    }

    /// As [`Partition::new`], where `shards` are the whole graph: then simulations may be run one
    /// after another, if the graph's out-lists side by side take no more than `lists_limit_bytes`
    /// ([`crate::kernel::out_lists_bytes`]).
    ///
    /// # Errors
    /// As [`Partition::new`].
    pub fn alone(
        shards: Vec<AnyShard>,
        plan: JobPlan,
        isa: Isa,
        lists_limit_bytes: u64,
    ) -> Result<Self, ModelError> {
        Self::join(shards, plan, isa, lists_limit_bytes, &NoColumns)
    }

    /// As [`Partition::alone`], or with a limit of 0 as [`Partition::new`], where the job asks for
    /// `columns` of the nodes.
    ///
    /// # Errors
    /// As [`Partition::new`].
    pub fn join(
        shards: Vec<AnyShard>,
        plan: JobPlan,
        isa: Isa,
        lists_limit_bytes: u64,
        columns: &(impl NodeColumns + ?Sized),
    ) -> Result<Self, ModelError> {
        debug_assert!(shards.iter().all(|shard| shard.nodes().end <= plan.n_nodes));
        let traits = NodeTraits::resolve(&plan.dynamics, plan.seed, plan.n_nodes, columns)?;
        let layers = Layers::new(&shards, &plan, columns)?;
        // Channels have rules of their own.
        let endpoints = match plan.dynamics.channels.is_empty() {
            true => {
                shards.iter().try_for_each(|shard| plan.model.check(shard))?;
                Endpoints::resolve(&plan.model, plan.n_nodes, columns)?
            }
            false => Endpoints::Nothing,
        };
        if plan.coins == Family::Block && !plan.dynamics.is_plain() {
            return Err(ModelError::NoBlocks);
        }
        let coins = Coins::of(&plan.model, plan.coins)?;
        let one_by_one = match &coins {
            Coins::ByBlock(_) => {
                OutLists::new(&shards, plan.n_nodes, lists_limit_bytes).map(OneByOne::new)
            }
            Coins::ByLane | Coins::ByOctet => None,
        };
        // Nobody else asks for it.
        let is_asked = plan.dynamics.is_plain() && one_by_one.is_none();
        let presence = if is_asked { Presence::new(&shards, plan.n_nodes) } else { None };
        let (traits, method) = (Arc::new(traits), Method::Auto);
        let can_pull = can_pull(&shards, &plan);
        Ok(Self {
            shards,
            plan,
            isa,
            method,
            traits,
            endpoints,
            coins,
            layers,
            presence,
            one_by_one,
            can_pull,
        })
    }

    /// Which arcs are live.
    pub(crate) fn job_model(&self) -> JobModel<'_> {
        let Self { plan, endpoints, .. } = self;
        JobModel { model: &plan.model, seed: plan.seed, endpoints }
    }

    /// Calls `body` with the rule that decides the arcs of `shard`, the partition's number
    /// `shard_idx`, over channel number `channel` of the job; 0 where it has none.
    ///
    /// # Errors
    /// [`ModelError`] when the shard lacks what the rule reads.
    pub(crate) fn with_rule<T>(
        &self,
        (shard_idx, shard): (usize, &AnyShard),
        channel: usize,
        body: impl FnOnce(&dyn LiveArcs) -> T,
    ) -> Result<T, ModelError> {
        match self.plan.dynamics.channels.get(channel) {
            Some(of) => {
                self.layers.with_rule((of, channel), self.plan.seed, (shard, shard_idx), body)
            }
            None => self.job_model().with_rule(shard, body),
        }
    }

    /// Whether its simulations can be run one after another.
    #[must_use]
    pub fn can_run_one_by_one(&self) -> bool {
        self.one_by_one.is_some()
    }

    /// Whether a frontier can be offered pair by pair: where arcs draw each for itself, and it is known
    /// which shards a source has arcs into.
    #[must_use]
    pub fn can_be_light(&self) -> bool {
        self.presence.is_some() && !matches!(self.coins, Coins::ByBlock(_))
    }

    /// Whether a round can go from the targets to the frontier: where arcs draw each for itself,
    /// their draw is known from the in-view, and the whole graph is here.
    #[must_use]
    pub fn can_pull(&self) -> bool {
        self.can_pull && !matches!(self.coins, Coins::ByBlock(_))
    }

    /// Runs `batch` one simulation after another; `None` where that is not possible, or not the
    /// method.
    ///
    /// # Errors
    /// [`EngineError::Interrupted`] when `is_interrupted` says so.
    pub fn run_one_by_one(
        &self,
        batch: &BatchPlan,
        parallelism: Parallelism,
        is_interrupted: &(impl Fn() -> bool + Sync),
    ) -> Option<Result<PartitionTally, EngineError>> {
        let one_by_one = match self.method {
            Method::Auto | Method::OneByOne => self.one_by_one.as_ref()?,
            Method::Forward | Method::Light | Method::Pull | Method::Backward => return None,
        };
        let Coins::ByBlock(coins) = &self.coins else { return None };
        let job = BlockJob { plan: &self.plan, coins, isa: self.isa };
        let tally = one_by_one.run(job, batch, parallelism, is_interrupted);
        Some(tally.ok_or(EngineError::Interrupted))
    }

    /// Whether a round with `n_nodes` in the frontier is pulled. A pool shares it by shards.
    fn is_pulled(&self, n_nodes: usize, parallelism: Parallelism) -> bool {
        let is_large = n_nodes.saturating_mul(NODES_PER_PULLED) >= self.plan.n_nodes as usize;
        let is_shared = parallelism == Parallelism::Sequential
            || self.shards.len() >= 2 * rayon::current_num_threads();
        match self.method {
            Method::Auto => self.can_pull() && is_large && is_shared,
            Method::Pull => self.can_pull(),
            _ => false,
        }
    }

    /// The cleared state of a batch with W words.
    #[must_use]
    pub fn new_states<const W: usize>(&self) -> Vec<ShardState<W>> {
        self.shards.iter().map(|shard| ShardState::new(shard.nodes())).collect()
    }
}

/// A frontier with one of so many nodes, or more, is pulled.
const NODES_PER_PULLED: usize = 8;

/// Whether `shards` are the whole graph of `plan`, with in-views that tell each arc's draw.
fn can_pull(shards: &[AnyShard], plan: &JobPlan) -> bool {
    let is_told = match &plan.model {
        LiveArcModel::IndependentCascade(probability) => *probability != ArcProbability::Column,
        LiveArcModel::LinearThreshold(_) => false,
    };
    let n_own: usize = shards.iter().map(|shard| shard.nodes().n_nodes()).sum();
    let has_in_view = |shard: &AnyShard| {
        shard.nodes().is_empty() || shard.in_sources(0, &mut Vec::new()).is_some()
    };
    is_told && n_own == plan.n_nodes as usize && shards.iter().all(has_in_view)
}
