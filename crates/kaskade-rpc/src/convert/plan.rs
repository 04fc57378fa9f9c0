//! What is simulated, and how it is cut into batches.

use kaskade_model::coin::Family;
use kaskade_model::ids::BatchId;
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, MAX_LANE_WORDS};
use kaskade_model::recording::{MAX_TRACE_SIMULATIONS, Recording};

use super::dynamics::dynamics;
use super::seeds::seed_plan;
use super::{required, simulations};
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "JobPlan";

/// The most simulations that advance together.
const MAX_LANES: u32 = (MAX_LANE_WORDS * LANES_PER_WORD) as u32;

impl From<JobPlan> for pb::JobPlan {
    fn from(plan: JobPlan) -> Self {
        Self {
            model: Some(plan.model.into()),
            seed: plan.seed,
            seeds: Some(plan.seeds.into()),
            n_nodes: plan.n_nodes,
            first_simulation: plan.first_simulation,
            n_simulations: plan.n_simulations,
            max_rounds: plan.max_rounds,
            lane_words: plan.lane_words as u32,
            coins: match plan.coins {
                Family::Arc => pb::CoinFamily::Arc,
                Family::Octet => pb::CoinFamily::Octet,
                Family::Block => pb::CoinFamily::Block,
            }
            .into(),
            dynamics: (!plan.dynamics.is_plain()).then(|| plan.dynamics.into()),
            trace_simulations: plan.recording.trace_simulations,
            counts_nodes: plan.recording.nodes,
        }
    }
}

impl TryFrom<pb::JobPlan> for JobPlan {
    type Error = ConvertError;

    fn try_from(plan: pb::JobPlan) -> Result<Self, ConvertError> {
        let invalid = |field, reason: String| Err(ConvertError::new(MESSAGE, field, reason));
        if plan.n_nodes == 0 {
            return invalid("n_nodes", "is 0, must be at least 1".into());
        }
        let lane_words = plan.lane_words as usize;
        if !(1..=MAX_LANE_WORDS).contains(&lane_words) {
            return invalid(
                "lane_words",
                format!("is {lane_words}, must be 1 to {MAX_LANE_WORDS}"),
            );
        }
        simulations(plan.first_simulation, plan.n_simulations, MESSAGE, "n_simulations")?;
        let first_lane = plan.first_simulation % LANES_PER_WORD as u64;
        let n_batches =
            (first_lane + plan.n_simulations).div_ceil((lane_words * LANES_PER_WORD) as u64);
        if u32::try_from(n_batches).is_err() {
            return invalid("n_simulations", format!("makes {n_batches} batches, over 2^32 - 1"));
        }
        let coins = match plan.coins() {
            pb::CoinFamily::Arc => Family::Arc,
            pb::CoinFamily::Octet => Family::Octet,
            pb::CoinFamily::Block => Family::Block,
            pb::CoinFamily::Unspecified => {
                return invalid("coins", format!("is {}, no known family", plan.coins));
            }
        };
        let trace_simulations = plan.trace_simulations;
        if trace_simulations > MAX_TRACE_SIMULATIONS {
            let most = MAX_TRACE_SIMULATIONS;
            return invalid("trace_simulations", format!("is {trace_simulations}, over {most}"));
        }
        Ok(Self {
            recording: Recording { trace_simulations, nodes: plan.counts_nodes },
            model: required(plan.model, MESSAGE, "model")?.try_into()?,
            dynamics: dynamics(plan.dynamics, plan.n_nodes)?,
            coins,
            seed: plan.seed,
            seeds: seed_plan(required(plan.seeds, MESSAGE, "seeds")?, plan.n_nodes)?,
            n_nodes: plan.n_nodes,
            first_simulation: plan.first_simulation,
            n_simulations: plan.n_simulations,
            max_rounds: plan.max_rounds,
            lane_words,
        })
    }
}

impl From<BatchPlan> for pb::BatchPlan {
    fn from(plan: BatchPlan) -> Self {
        Self { batch: plan.batch.0, first_simulation: plan.first_simulation, n_lanes: plan.n_lanes }
    }
}

impl TryFrom<pb::BatchPlan> for BatchPlan {
    type Error = ConvertError;

    fn try_from(plan: pb::BatchPlan) -> Result<Self, ConvertError> {
        let first_simulation = plan.first_simulation;
        let n_lanes = lanes(first_simulation, plan.n_lanes, "BatchPlan")?;
        Ok(Self { batch: BatchId(plan.batch), first_simulation, n_lanes })
    }
}

/// The number of simulations in a batch that starts with simulation `first`.
pub(super) fn lanes(first: u64, n_lanes: u32, message: &'static str) -> Result<u32, ConvertError> {
    simulations(first, n_lanes.into(), message, "n_lanes")?;
    let most = MAX_LANES - (first % LANES_PER_WORD as u64) as u32;
    if n_lanes > most {
        let reason = format!("is {n_lanes}, must be 1 to {most} from simulation {first} on");
        return Err(ConvertError::new(message, "n_lanes", reason));
    }
    Ok(n_lanes)
}

#[cfg(test)]
mod tests {
    use kaskade_model::spec::MAX_SIMULATIONS;
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{
        assert_golden, assert_round_trip, batch_plan, batch_plans, job_plan, job_plans,
    };

    proptest! {
        #[test]
        fn round_trip(plan in job_plans(), batch in batch_plans()) {
            assert_round_trip::<_, pb::JobPlan>(plan);
            assert_round_trip::<_, pb::BatchPlan>(batch);
        }
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::JobPlan>(
            job_plan(),
            "0a0408011a001101000000000000001a02100520e807280730ac02381440024802",
        );
        assert_golden::<pb::BatchPlan>(batch_plan(), "0809108709188001");
    }

    #[test]
    fn plans_out_of_range_are_refused() {
        let refuse = |change: fn(&mut pb::JobPlan)| {
            let mut plan = pb::JobPlan::from(job_plan());
            change(&mut plan);
            JobPlan::try_from(plan).unwrap_err().to_string()
        };
        assert_eq!(
            refuse(|plan| plan.lane_words = 9),
            "invalid JobPlan: field lane_words is 9, must be 1 to 8"
        );
        assert!(refuse(|plan| plan.lane_words = 0).contains("lane_words is 0"));
        assert!(refuse(|plan| plan.n_nodes = 0).contains("n_nodes is 0"));
        assert!(refuse(|plan| plan.n_simulations = 0).contains("n_simulations is 0"));
        assert!(refuse(|plan| plan.n_simulations = MAX_SIMULATIONS).contains("below 2^63"));
        assert!(refuse(|plan| plan.n_simulations = 1 << 50).contains("over 2^32 - 1"));
        assert!(refuse(|plan| plan.coins = 0).contains("coins is 0"));
        assert!(refuse(|plan| plan.trace_simulations = 10_001).contains("is 10001, over 10000"));
        assert!(refuse(|plan| plan.coins = 9).contains("coins is 9"));
        assert!(refuse(|plan| plan.model = None).contains("field model is missing"));
        assert!(refuse(|plan| plan.seeds = None).contains("field seeds is missing"));
    }

    #[test]
    fn batches_out_of_range_are_refused() {
        for (first_simulation, n_lanes) in
            [(0, 0), (0, 513), (1, 512), (127, 450), (MAX_SIMULATIONS, 1), (u64::MAX, 2)]
        {
            let plan = pb::BatchPlan { batch: 0, first_simulation, n_lanes };
            assert!(BatchPlan::try_from(plan).is_err(), "{first_simulation} {n_lanes}");
        }
    }
}
