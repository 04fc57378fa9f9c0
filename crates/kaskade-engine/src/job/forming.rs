//! Groups come and go, between batches: workers that join, leave, or are needed elsewhere.

use std::collections::BTreeSet;

use kaskade_model::message::Attempt;
use kaskade_model::spec::Placement;
use kaskade_model::{Epoch, WorkerId};

use super::footprint::MemoryShape;
use super::group::{BATCHES_IN_FLIGHT, Group};
use super::placement::{decide, groups};
use super::{JobAction, JobMachine, JobSetup, WorkerInfo};

fn shape_of(setup: &JobSetup) -> MemoryShape<'_> {
    let coins = Some(setup.plan.coins);
    let dynamics = Some(&setup.plan.dynamics);
    let (node_bytes, chooses) = (setup.plan.node_bytes(), setup.plan.model.chooses_in_arcs());
    let shape = MemoryShape::in_cluster(&setup.shards, setup.plan.lane_words);
    MemoryShape { coins, dynamics, node_bytes, chooses, ..shape }
}

impl JobMachine {
    /// Forms the groups that can be formed of the workers that are free. Without a present
    /// group the placement is decided anew, because the workers may be others by now.
    pub(super) fn form_groups(&mut self, now_ms: u64, actions: &mut Vec<JobAction>) {
        let free = self.free_workers();
        if free.is_empty() {
            self.shortage = None;
            return;
        }
        let shape = shape_of(&self.setup);
        if self.groups.is_empty() {
            let ids: Vec<WorkerId> = free.iter().map(|info| info.worker).collect();
            if self.shortage.as_ref().is_some_and(|(short, _)| *short == ids) {
                return;
            }
            match decide(shape, self.setup.placement, &free) {
                Ok(decision) => {
                    self.shortage = None;
                    self.decision = Some(decision);
                }
                Err(_) if self.awaits_more_workers(free.len()) => {
                    self.shortage = None;
                    return;
                }
                Err(shortage) => {
                    self.shortage = Some((ids, shortage));
                    return;
                }
            }
        }
        let placement = match (self.setup.placement, self.placement()) {
            // Nobody asked for so many replicas: workers that join make more.
            (Placement::Auto, Placement::Hybrid { parts, .. }) => {
                Placement::Hybrid { replicas: u32::MAX, parts }
            }
            (_, placement) => placement,
        };
        for members in groups(shape, placement, &free, self.groups.len()) {
            let group = (0..).find(|slot| !self.groups.contains_key(slot)).unwrap_or(u32::MAX);
            let epoch = self.next_epoch;
            self.next_epoch = Epoch(epoch.0 + 1);
            let attempt = Attempt { job: self.setup.job.clone(), group, epoch };
            actions.push(JobAction::CommitEpoch(epoch));
            let formed = Group::new(attempt, members, now_ms);
            actions.extend(formed.prepare(&self.setup));
            self.groups.insert(group, formed);
        }
        if let Some(Placement::Hybrid { replicas, .. }) =
            self.decision.as_mut().map(|decision| &mut decision.placement)
        {
            *replicas = (*replicas).max(self.groups.len() as u32);
        }
    }

    /// Whether fewer workers are free than the smallest group takes that was asked for.
    fn awaits_more_workers(&self, n_free: usize) -> bool {
        matches!(self.setup.placement, Placement::Hybrid { parts, .. } if n_free < parts as usize)
    }

    /// Where workers that joined could widen the one group that shares each round, lets it end
    /// with the batches in hand, if enough are left to make up for that.
    pub(super) fn make_room_for_joined(&mut self) {
        let is_shared = self.placement() == Placement::Partition;
        let Some(group) = self.groups.values_mut().next().filter(|_| is_shared) else { return };
        let n_members = group.members().len();
        if !group.is_prepared() || self.pending.len() < 2 * BATCHES_IN_FLIGHT as u64 {
            return;
        }
        let is_suitable = |info: &&WorkerInfo| {
            !self.leaving.contains(&info.worker) && !self.unfit.contains_key(&info.worker)
        };
        let suitable: Vec<WorkerInfo> =
            self.workers.values().filter(is_suitable).cloned().collect();
        if suitable.len().min(self.setup.shards.len()) <= n_members {
            return;
        }
        let shape = shape_of(&self.setup);
        let wider = groups(shape, Placement::Partition, &suitable, 0);
        if wider.first().is_some_and(|members| members.len() > n_members) {
            group.drain();
        }
    }

    /// Lets groups go that have done the last that they were to do; their workers are free.
    pub(super) fn dismiss_drained(&mut self, now_ms: u64, actions: &mut Vec<JobAction>) {
        let drained = |(&index, group): (&u32, &Group)| group.is_drained().then_some(index);
        let drained: Vec<u32> = self.groups.iter().filter_map(drained).collect();
        for group in drained.into_iter().filter_map(|index| self.groups.remove(&index)) {
            actions.extend(group.release(|worker| self.workers.contains_key(worker)));
            self.plan_at_ms = now_ms;
            self.idle_since_ms = now_ms;
        }
    }

    fn free_workers(&self) -> Vec<WorkerInfo> {
        let busy: BTreeSet<WorkerId> =
            self.groups.values().flat_map(|g| g.members()).map(|m| m.worker).collect();
        let is_free = |info: &&WorkerInfo| {
            let worker = info.worker;
            !busy.contains(&worker)
                && !self.unfit.contains_key(&worker)
                && !self.leaving.contains(&worker)
        };
        self.workers.values().filter(is_free).cloned().collect()
    }
}
