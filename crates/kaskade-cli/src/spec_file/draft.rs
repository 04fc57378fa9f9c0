//! A spec in the making: what the file says, and the flags over it.

use std::collections::BTreeSet;
use std::path::Path;

use kaskade_model::dynamics::Audience;
use kaskade_model::spec::{
    ChannelSpec, DEFAULT_MAX_SIMULATIONS, GraphSource, LaunchSpec, ModelSpec, PushSpec, RivalSpec,
    RunSpec, SPEC_VERSION, SeedSpec, Spec,
};

use super::document::Document;
use super::{Graph, Runner};
use crate::args::job::SpecArgs;
use crate::error::CliError;

/// A spec in the making.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    document: Option<&'a Document>,
    version: u32,
    graph: GraphSource,
    model: ModelSpec,
    seeds: Option<SeedSpec>,
    audience: Audience,
    launch: LaunchSpec,
    push: Vec<PushSpec>,
    channel: Vec<ChannelSpec>,
    rival: Vec<RivalSpec>,
    run: RunSpec,
    /// The dotted keys that flags have set.
    of_flags: Vec<&'static str>,
}

impl<'a> Draft<'a> {
    /// What `document` says, or the defaults.
    pub(super) fn new(document: Option<&'a Document>) -> Self {
        let of_flags = Vec::new();
        let Some(contents) = document.map(|document| document.contents.clone()) else {
            return Self {
                document,
                version: SPEC_VERSION,
                graph: GraphSource::default(),
                model: ModelSpec::default(),
                seeds: None,
                audience: Audience::default(),
                launch: LaunchSpec::default(),
                push: Vec::new(),
                channel: Vec::new(),
                rival: Vec::new(),
                run: RunSpec::default(),
                of_flags,
            };
        };
        Self {
            document,
            version: contents.version,
            graph: contents.graph,
            model: contents.model,
            seeds: contents.seeds,
            audience: contents.audience,
            launch: contents.launch,
            push: contents.push,
            channel: contents.channel,
            rival: contents.rival,
            run: contents.run,
            of_flags,
        }
    }

    /// Lays the flags of `args` over the draft: `typed` ones over everything, others (from
    /// environment and configuration) where the document is silent.
    pub(super) fn apply_flags(
        &mut self,
        args: &SpecArgs,
        typed: &BTreeSet<String>,
        runner: Runner,
    ) {
        let SpecArgs { model, probability, seeds, simulations, first_simulation, .. } = args;
        let SpecArgs { seed, until, interval, max_rounds, coins, placement, graph, .. } = args;
        if let Some(graph) = graph.clone() {
            self.graph = match runner {
                Runner::Process => GraphSource { path: Some(graph), ..GraphSource::default() },
                Runner::Cluster => GraphSource { name: Some(graph), ..GraphSource::default() },
            };
            self.of_flags.push("graph");
        }
        let document = self.document;
        let of_flags = &mut self.of_flags;
        let mut stands = |flag: &str, key: &'static str| {
            let stands = typed.contains(flag) || !document.is_some_and(|file| file.has(key));
            if stands {
                of_flags.push(key);
            }
            stands
        };
        if let Some(kind) = *model
            && stands("model", "model.kind")
        {
            self.model.kind = kind;
        }
        if let Some(probability) = probability
            && stands("probability", "model.probability")
        {
            self.model.probability = Some(probability.clone());
        }
        let (model, channel, launch) = (&mut self.model, &mut self.channel, &mut self.launch);
        args.dynamics.apply(model, channel, launch, &mut stands);
        if let Some(seeds) = seeds
            && stands("seeds", "seeds")
        {
            self.seeds = Some(seeds.clone());
        }
        if let Some(simulations) = *simulations
            && stands("simulations", "run.simulations")
        {
            self.run.simulations = simulations;
        }
        if let Some(first) = *first_simulation
            && stands("first_simulation", "run.first_simulation")
        {
            self.run.first_simulation = first;
        }
        if let Some(seed) = *seed
            && stands("seed", "run.seed")
        {
            self.run.seed = seed;
        }
        if until.is_some() && stands("until", "run.until") {
            self.run.until = *until;
        }
        if let Some(interval) = *interval
            && stands("interval", "run.interval")
        {
            self.run.interval = interval;
        }
        if max_rounds.is_some() && stands("max_rounds", "run.max_rounds") {
            self.run.max_rounds = *max_rounds;
        }
        if let Some(trace_simulations) = args.trace_simulations
            && stands("trace_simulations", "run.trace_simulations")
        {
            self.run.trace_simulations = trace_simulations;
        }
        if args.nodes && stands("nodes", "run.nodes") {
            self.run.nodes = true;
        }
        if let Some(coins) = *coins
            && stands("coins", "run.coins")
        {
            self.run.coins = coins;
        }
        if let Some(placement) = *placement
            && stands("placement", "run.placement")
        {
            self.run.placement = placement;
        }
        let says_how_many = simulations.is_some()
            || document.is_some_and(|document| document.has("run.simulations"));
        if self.run.until.is_some() && !says_how_many {
            self.run.simulations = DEFAULT_MAX_SIMULATIONS;
        }
    }

    /// Where the spec's relative paths start.
    pub(super) fn folder(&self) -> &'a Path {
        self.document.map_or(Path::new(""), Document::folder)
    }

    /// Whether a flag has set the dotted `key`.
    pub(super) fn is_flag(&self, key: &str) -> bool {
        self.of_flags.contains(&key)
    }

    /// Refuses flags that would give one value to a key that is to vary.
    ///
    /// # Errors
    /// [`CliError::Usage`] names both.
    pub(super) fn refuse_flags_above(&self, swept: &[&str]) -> Result<(), CliError> {
        let is_above = |flag: &str, key: &str| {
            key.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        for flag in &self.of_flags {
            if let Some(key) = swept.iter().find(|key| is_above(flag, key)) {
                let text = format!("a flag sets {flag} and [sweep] varies {key}: leave out one");
                return Err(CliError::Usage(text));
            }
        }
        Ok(())
    }

    /// Where the spec wants its result.
    pub(super) fn out(&self) -> Option<&str> {
        self.run.out.as_deref()
    }

    /// The graph, if it is one that `runner` can reach.
    ///
    /// # Errors
    /// [`CliError`] when there is none, more than one, or one of the other runner.
    pub(super) fn graph(&self, runner: Runner) -> Result<Graph, CliError> {
        let GraphSource { path, name, generate } = &self.graph;
        match (path, name, generate, runner) {
            (None, None, None, Runner::Process) => Err(self.flaw(
                "graph",
                "no graph: name a directory with --graph DIR, or in the spec with `path` or \
                 `generate` under [graph]",
            )),
            (None, None, None, Runner::Cluster) => Err(self.flaw(
                "graph",
                "no graph: name one that the coordinator knows with --graph NAME, or in the spec \
                 with `name` under [graph]",
            )),
            (Some(path), None, None, Runner::Process) => Ok(Graph::Directory(path.into())),
            (None, None, Some(generate), Runner::Process) => Ok(Graph::Generate(generate.clone())),
            (None, Some(_), None, Runner::Cluster) => Ok(Graph::Registered),
            (None, Some(_), None, Runner::Process) => Err(self.flaw(
                "graph.name",
                "graph.name is a graph of a coordinator: give the job to it with `kaskade \
                 submit`, or name a directory with `path`",
            )),
            (Some(_), None, None, Runner::Cluster) => Err(self.flaw(
                "graph.path",
                "graph.path is a directory of this machine: run the job with `kaskade run`, or \
                 register the graph with `kaskade graph push` and give its `name`",
            )),
            (None, None, Some(_), Runner::Cluster) => Err(self.flaw(
                "graph.generate",
                "graph.generate makes a graph on this machine: run the job with `kaskade run`, \
                 or register a graph with `kaskade graph push` and give its `name`",
            )),
            _ => Err(self
                .flaw("graph", "[graph] must have exactly one of `path`, `name` and `generate`")),
        }
    }

    /// The seeds.
    ///
    /// # Errors
    /// [`CliError`] when there are none.
    pub(super) fn seeds(&self) -> Result<&SeedSpec, CliError> {
        self.seeds.as_ref().ok_or_else(|| {
            self.flaw(
                "seeds",
                "no seeds: choose them with --seeds, for example top-degree:50, or in the spec \
                 with `top_degree = 50` under [seeds]",
            )
        })
    }

    /// The spec with `seeds` in place of its own first ones.
    pub(super) fn spec(&self, seeds: SeedSpec) -> Spec {
        Spec {
            version: self.version,
            graph: self.graph.clone(),
            model: self.model.clone(),
            seeds,
            audience: self.audience.clone(),
            launch: self.launch.clone(),
            push: self.push.clone(),
            channel: self.channel.clone(),
            rival: self.rival.clone(),
            run: self.run.clone(),
        }
    }

    /// `spec`, which is of this draft, resolved.
    ///
    /// # Errors
    /// [`CliError`] says where the flaw was typed.
    pub(super) fn resolve(&self, spec: Spec) -> Result<Spec, CliError> {
        spec.resolve().map_err(|error| {
            let is_flag = self.is_flag(&error.key) || self.document.is_none();
            match self.document.filter(|_| !is_flag) {
                Some(document) => document.flaw(&error.key, error.to_string()).into(),
                None => CliError::of_flag(&error),
            }
        })
    }

    /// A flaw in the value of `key`, or its absence.
    fn flaw(&self, key: &str, message: &'static str) -> CliError {
        match self.document {
            Some(document) => document.flaw(key, message.to_owned()).into(),
            None => CliError::Incomplete(message),
        }
    }
}
