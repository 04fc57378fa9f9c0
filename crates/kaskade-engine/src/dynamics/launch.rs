//! Who starts, in which round and in which simulations.

use kaskade_model::coin::{Purpose, Threshold, numbered_item};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask};
use kaskade_model::seeds::SeedPlan;
use kaskade_model::{NodeId, Round};

use super::draws::NodeDraws;
use super::machine::Seed;

/// The seeds of one round of a batch, and whether each of them starts.
#[derive(Debug)]
pub(super) struct Launch<const W: usize> {
    /// With the item that says whether it starts.
    seeds: Vec<(Seed<W>, u64)>,
    firing: Option<Threshold>,
}

impl<const W: usize> Launch<W> {
    /// Those of `round`.
    pub(super) fn of_round(plan: &JobPlan, batch: &BatchPlan, round: Round) -> Self {
        let firing = plan.dynamics.firing.map(|probability| {
            let checked = "the dynamics of a plan are checked before it runs";
            Threshold::from_probability(probability).expect(checked)
        });
        let mut launch = Self { seeds: Vec::new(), firing };
        if round == Round(0) {
            launch.add(plan, batch, 0, 0, &plan.seeds);
        }
        for (number, push) in (1..).zip(&plan.dynamics.pushes) {
            if push.round == round.0 {
                launch.add(plan, batch, number, push.side, &push.seeds);
            }
        }
        launch
    }

    /// The seeds that start, by their draws.
    pub(super) fn starting(&self, draws: &impl NodeDraws<W>) -> impl Iterator<Item = Seed<W>> {
        self.seeds.iter().map(|(seed, firing_item)| match self.firing {
            Some(firing) => Seed { lanes: draws.live(*firing_item, firing, &seed.lanes), ..*seed },
            None => *seed,
        })
    }

    /// Adds the seeds of push `number`.
    fn add(&mut self, plan: &JobPlan, batch: &BatchPlan, number: u32, side: u8, seeds: &SeedPlan) {
        let mut add = |node: NodeId, lanes: LaneMask<W>| {
            let item =
                |purpose| numbered_item(u64::from(number) << 32 | u64::from(node.0), purpose);
            let seed = Seed { node, side, tie_item: item(Purpose::Tie), lanes };
            self.seeds.push((seed, item(Purpose::Firing)));
        };
        match seeds {
            SeedPlan::Fixed(nodes) => {
                nodes.iter().for_each(|node| add(NodeId(node), batch.lanes()));
            }
            each @ SeedPlan::RandomEach(_) => {
                for place in 0..batch.n_lanes {
                    let lane = (batch.first_lane() + place) as usize;
                    let mut lanes = [0; W];
                    lanes[lane / LANES_PER_WORD] = 1 << (lane % LANES_PER_WORD);
                    let simulation = batch.first_simulation + u64::from(place);
                    for node in each.of_simulation(plan.seed, simulation, plan.n_nodes, number) {
                        add(node, lanes);
                    }
                }
            }
        }
    }
}
