//! The rows of a job, laid out by column: the only thing that statistics are taken from.

use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::Spec;
use kaskade_model::tally::{JobTally, SimulationRow};

use crate::cascades::Cascades;
use crate::digest::RowHasher;
use crate::error::{ResultsError, RowProblem};
use crate::measured::{MeasureCollector, MeasuredColumn};
use crate::reach::Reach;
use crate::summary::Summary;

/// The most simulations in one result. With spreads of at most 2³² nodes, n · Σ spread²
/// stays below 2¹²⁸, so that the deviation comes from exact integers.
pub const MAX_SAMPLE: u64 = kaskade_model::spec::MAX_JOB_SIMULATIONS;

/// The finished simulations of a job, by column. Takes 36 bytes a simulation and 8 bytes
/// for each of its rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Global numbers, ascending.
    pub(crate) simulations: Vec<u64>,
    /// Nodes ever active, by simulation.
    pub(crate) spreads: Vec<u64>,
    /// The index of the last round with an activation, by simulation.
    pub(crate) rounds: Vec<u32>,
    /// Fingerprints, by simulation.
    pub(crate) fingerprints: Vec<u64>,
    /// The same spreads, ascending.
    pub(crate) sorted_spreads: Vec<u64>,
    /// For each round, the activations in those simulations that last that long, in the
    /// order of `simulations`.
    pub(crate) new_by_round: Vec<Vec<u64>>,
    /// What else was measured, in the order of the job's measures.
    pub(crate) measures: Vec<MeasuredColumn>,
    /// Who passed it to whom in the traced simulations.
    pub(crate) cascades: Option<Cascades>,
    /// How often each node was reached.
    pub(crate) reach: Option<Reach>,
    pub(crate) digest: String,
    pub(crate) measures_digest: Option<String>,
}

impl Sample {
    /// Collects `rows` of a job on a graph of `n_nodes` nodes, ascending by simulation, in
    /// one pass. O(rows · rounds + rows · log rows).
    ///
    /// # Errors
    /// [`ResultsError::NoSimulations`] without a row, [`ResultsError::TooManySimulations`]
    /// above [`MAX_SAMPLE`], [`ResultsError::InconsistentRow`] for a row that no cascade on
    /// the graph can have.
    pub fn collect(
        rows: impl IntoIterator<Item = SimulationRow>,
        n_nodes: u32,
    ) -> Result<Self, ResultsError> {
        let mut sample = Self {
            simulations: Vec::new(),
            spreads: Vec::new(),
            rounds: Vec::new(),
            fingerprints: Vec::new(),
            sorted_spreads: Vec::new(),
            new_by_round: Vec::new(),
            measures: Vec::new(),
            cascades: None,
            reach: None,
            digest: String::new(),
            measures_digest: None,
        };
        let (mut hasher, mut measures) = (RowHasher::default(), MeasureCollector::default());
        for row in rows {
            let problem =
                |problem| ResultsError::InconsistentRow { simulation: row.simulation, problem };
            sample.check(&row, n_nodes).map_err(problem)?;
            if sample.n_simulations() == MAX_SAMPLE {
                return Err(ResultsError::TooManySimulations { limit: MAX_SAMPLE });
            }
            hasher.add(&row);
            measures.add(&row);
            sample.push(&row);
        }
        if sample.simulations.is_empty() {
            return Err(ResultsError::NoSimulations);
        }
        sample.sorted_spreads = sample.spreads.clone();
        sample.sorted_spreads.sort_unstable();
        sample.digest = hasher.finish();
        (sample.measures, sample.measures_digest) = measures.finish();
        Ok(sample)
    }

    /// The same with what `tally`, whose rows were collected, has kept of single simulations and of
    /// `nodes` because `spec` asks for it.
    #[must_use]
    pub fn with_kept(mut self, tally: &JobTally, spec: &Spec, nodes: &dyn NodeDirectory) -> Self {
        let recording = spec.recording();
        if recording.trace_simulations > 0 {
            // A stop rule may leave some out whose batch was run.
            let last = self.simulations.last().copied().unwrap_or(0);
            let trace = tally.trace().take_while(|(simulation, _)| *simulation <= last);
            self.cascades = Some(Cascades::collect(trace, |node| nodes.original(node)));
        }
        if recording.nodes {
            let segment = spec.audience.segment.as_deref();
            let n_simulations = self.n_simulations();
            self.reach = Some(Reach::collect(tally.reached(), n_simulations, nodes, segment));
        }
        self
    }

    /// By simulation, the measure `name` of `summary`, which is this sample's: its sum over the
    /// rounds, or its peak where it rises and falls.
    #[must_use]
    pub fn measured(&self, summary: &Summary, name: &str) -> Option<&[u64]> {
        let mut all = summary.measures.iter().zip(&self.measures);
        let (measure, column) = all.find(|(measure, _)| measure.name == name)?;
        Some(column.by_simulation(measure.is_stock))
    }

    /// Who passed it to whom, if simulations were traced.
    #[must_use]
    pub fn cascades(&self) -> Option<&Cascades> {
        self.cascades.as_ref()
    }

    /// The number of simulations, at least 1.
    #[must_use]
    pub fn n_simulations(&self) -> u64 {
        self.simulations.len() as u64
    }

    /// The spreads of all simulations, ascending.
    #[must_use]
    pub fn sorted_spreads(&self) -> &[u64] {
        &self.sorted_spreads
    }

    /// Digest v1 of the rows ([`crate::digest`]), 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The digest of what else was measured, 64 hexadecimal digits; none where nothing was.
    #[must_use]
    pub fn measures_digest(&self) -> Option<&str> {
        self.measures_digest.as_deref()
    }

    fn check(&self, row: &SimulationRow, n_nodes: u32) -> Result<(), RowProblem> {
        if self.simulations.last().is_some_and(|&last| last >= row.simulation) {
            return Err(RowProblem::OutOfOrder);
        }
        if row.new_per_round.is_empty() || u32::try_from(row.new_per_round.len()).is_err() {
            return Err(RowProblem::Rounds);
        }
        let spread = row.new_per_round.iter().try_fold(0_u64, |sum, &new| sum.checked_add(new));
        if spread.is_none_or(|spread| spread > u64::from(n_nodes)) {
            return Err(RowProblem::SpreadExceedsNodes { n_nodes });
        }
        Ok(())
    }

    fn push(&mut self, row: &SimulationRow) {
        self.simulations.push(row.simulation);
        self.spreads.push(row.spread());
        self.rounds.push(row.rounds());
        self.fingerprints.push(row.fingerprint);
        if self.new_by_round.len() < row.new_per_round.len() {
            self.new_by_round.resize_with(row.new_per_round.len(), Vec::new);
        }
        for (new_in_round, &new) in self.new_by_round.iter_mut().zip(&row.new_per_round) {
            new_in_round.push(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(simulation: u64, new_per_round: &[u64]) -> SimulationRow {
        SimulationRow {
            simulation,
            new_per_round: new_per_round.to_vec(),
            fingerprint: 9,
            series: Vec::new(),
        }
    }

    #[test]
    fn columns_hold_what_the_rows_say() {
        let rows = [row(3, &[1, 4, 2]), row(4, &[1]), row(6, &[1, 1])];
        let sample = Sample::collect(rows, 100).unwrap();
        assert_eq!(sample.simulations, [3, 4, 6]);
        assert_eq!(sample.spreads, [7, 1, 2]);
        assert_eq!(sample.sorted_spreads, [1, 2, 7]);
        assert_eq!(sample.rounds, [2, 0, 1]);
        assert_eq!(sample.new_by_round, [vec![1, 1, 1], vec![4, 1], vec![2]]);
    }

    #[test]
    fn impossible_rows_are_named() {
        let problem = |rows: &[SimulationRow]| match Sample::collect(rows.to_vec(), 10) {
            Err(ResultsError::InconsistentRow { simulation, problem }) => (simulation, problem),
            other => panic!("{other:?}"),
        };
        let too_many = RowProblem::SpreadExceedsNodes { n_nodes: 10 };
        assert_eq!(problem(&[row(0, &[1]), row(0, &[1])]), (0, RowProblem::OutOfOrder));
        assert_eq!(problem(&[row(5, &[1]), row(4, &[1])]), (4, RowProblem::OutOfOrder));
        assert_eq!(problem(&[row(1, &[])]), (1, RowProblem::Rounds));
        assert_eq!(problem(&[row(1, &[5, 6])]), (1, too_many));
        assert_eq!(problem(&[row(2, &[u64::MAX, 1])]), (2, too_many));
        assert!(matches!(Sample::collect([], 10), Err(ResultsError::NoSimulations)));
    }
}
