use kaskade_model::dynamics::{Course, Immunity};
use kaskade_model::job::JobPlan;

use super::{Chance, Outcome, Process, product, starters};
use crate::ArcList;
use crate::textbook::Diffusion;

/// Kermack and McKendrick's chain: given the states before a round, all nodes move independently.
pub(super) struct Epidemic<'a> {
    graph: &'a ArcList,
    plan: &'a JobPlan,
    course: Course,
    /// The probability of each arc in each round.
    contact: Vec<f64>,
}

/// A node, and whether it ever had it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    stage: Stage,
    was_infected: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Susceptible,
    Exposed,
    Infectious,
    Immune,
}

impl<'a> Epidemic<'a> {
    pub(super) fn new(graph: &'a ArcList, plan: &'a JobPlan, course: Course) -> Self {
        let Diffusion::IndependentCascade(contact) = Diffusion::of(graph, &plan.model) else {
            panic!("epidemics have independent arcs");
        };
        Self { graph, plan, course, contact }
    }

    /// The probabilities of what a node that is susceptible catches: nothing, the infection over an
    /// arc, or the infection as a seed.
    fn catches(&self, round: u32, node: u32, before: &[Node]) -> [f64; 3] {
        let own = starters(self.plan, round).into_iter().filter(|&(seed, ..)| seed == node);
        let no_seed: f64 = own.map(|(_, _, chance)| 1.0 - chance).product();
        let arcs = self.graph.arcs().iter().zip(&self.contact);
        let tried = arcs.filter(|(arc, _)| {
            arc.target == node && before[arc.source as usize].stage == Stage::Infectious
        });
        let escapes: f64 = tried.map(|(_, contact)| 1.0 - contact).product();
        [no_seed * escapes, no_seed * (1.0 - escapes), 1.0 - no_seed]
    }

    fn moves(&self, round: u32, node: u32, before: &[Node]) -> Vec<Chance<Node>> {
        let Node { stage, was_infected } = before[node as usize];
        let to = |stage| Node { stage, was_infected };
        let either = |chance: f64, then| vec![(chance, to(then)), (1.0 - chance, to(stage))];
        match (stage, self.course.immunity) {
            (Stage::Susceptible, _) => {
                let infected = |stage| Node { stage, was_infected: true };
                let over_arc = match self.course.incubation {
                    Some(_) => Stage::Exposed,
                    None => Stage::Infectious,
                };
                let [nothing, by_arc, as_seed] = self.catches(round, node, before);
                vec![
                    (nothing, to(Stage::Susceptible)),
                    (by_arc, infected(over_arc)),
                    (as_seed, infected(Stage::Infectious)),
                ]
            }
            (Stage::Exposed, _) => either(self.course.incubation.unwrap_or(1.0), Stage::Infectious),
            (Stage::Infectious, Immunity::None) => either(self.course.recovery, Stage::Susceptible),
            (Stage::Infectious, _) => either(self.course.recovery, Stage::Immune),
            (Stage::Immune, Immunity::Waning(waning)) => either(waning, Stage::Susceptible),
            (Stage::Immune, _) => vec![(1.0, to(Stage::Immune))],
        }
    }
}

impl Process for Epidemic<'_> {
    type State = Vec<Node>;

    fn start(&self) -> Vec<Chance<Vec<Node>>> {
        let healthy = Node { stage: Stage::Susceptible, was_infected: false };
        vec![(1.0, vec![healthy; self.plan.n_nodes as usize])]
    }

    fn step(&self, round: u32, before: &Vec<Node>) -> Vec<Chance<Outcome<Vec<Node>>>> {
        let ways = product((0..self.plan.n_nodes).map(|node| self.moves(round, node, before)));
        let counted = |after: &[Node]| {
            let number = |is_counted: &dyn Fn(&Node, &Node) -> bool| {
                before.iter().zip(after).filter(|(before, after)| is_counted(before, after)).count()
                    as f64
            };
            let is_ill = |node: &Node| matches!(node.stage, Stage::Exposed | Stage::Infectious);
            let new = number(&|before, after| !before.was_infected && after.was_infected);
            let infections =
                number(&|before, after| before.stage == Stage::Susceptible && is_ill(after));
            let exposed = number(&|_, after| after.stage == Stage::Exposed);
            let infectious = number(&|_, after| after.stage == Stage::Infectious);
            match self.course.incubation {
                Some(_) => vec![new, infections, exposed, infectious],
                None => vec![new, infections, infectious],
            }
        };
        let ways = ways.into_iter();
        ways.map(|(chance, state)| (chance, Outcome { counted: counted(&state), state })).collect()
    }

    fn is_over(&self, state: &Vec<Node>) -> bool {
        let is_well = |node: &Node| matches!(node.stage, Stage::Susceptible | Stage::Immune);
        state.iter().all(is_well)
    }

    fn spread(&self, state: &Vec<Node>) -> usize {
        state.iter().filter(|node| node.was_infected).count()
    }
}
