//! The jobs that wait, and whose turn it is.
//!
//! Users take turns: the next job is the oldest of the user who was served longest ago. So
//! whoever hands in a thousand jobs at once holds up their own, and nobody else's for longer than
//! the job that runs.

use std::collections::{BTreeMap, VecDeque};

use kaskade_model::JobId;

/// Jobs in the order of their submission, with their owners; those without one are of one user.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<(JobId, Option<String>)>,
    /// When each user was served last, counted in jobs. As many as there ever were users.
    served: BTreeMap<Option<String>, u64>,
    n_served: u64,
}

impl Queue {
    pub(super) fn push(&mut self, job: JobId, owner: Option<String>) {
        self.waiting.push_back((job, owner));
    }

    /// Takes `job` out, which will not run.
    pub(super) fn remove(&mut self, job: &JobId) {
        self.waiting.retain(|(waiting, _)| waiting != job);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The next job.
    pub(super) fn pop(&mut self) -> Option<JobId> {
        let last_turn = |owner| self.served.get(owner).copied().unwrap_or(0);
        let turns = self.waiting.iter().enumerate();
        let (place, _) = turns.min_by_key(|(place, (_, owner))| (last_turn(owner), *place))?;
        let (job, owner) = self.waiting.remove(place)?;
        self.n_served += 1;
        self.served.insert(owner, self.n_served);
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(jobs: &[(&str, Option<&str>)]) -> Queue {
        let mut queue = Queue::default();
        for (job, owner) in jobs {
            queue.push(JobId::new(*job).unwrap(), owner.map(str::to_owned));
        }
        queue
    }

    fn order(mut queue: Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).map(|job| job.to_string()).collect()
    }

    #[test]
    fn users_take_turns_and_each_has_an_order() {
        let (ann, bob, zoe) = (Some("ann"), Some("bob"), Some("zoe"));
        let jobs = [("a1", ann), ("a2", ann), ("a3", ann), ("b1", bob), ("z1", zoe), ("b2", bob)];
        assert_eq!(order(queue(&jobs)), ["a1", "b1", "z1", "a2", "b2", "a3"]);
        let mut queue = queue(&jobs);
        queue.remove(&JobId::new("b1").unwrap());
        assert_eq!(queue.len(), 5);
        assert_eq!(order(queue), ["a1", "z1", "b2", "a2", "a3"]);
    }

    #[test]
    fn who_comes_back_at_once_does_not_come_first() {
        let (ann, bob) = (Some("ann"), Some("bob"));
        let mut queue = queue(&[("a1", ann), ("b1", bob), ("b2", bob)]);
        assert_eq!(queue.pop().unwrap().as_str(), "a1");
        queue.push(JobId::new("a2").unwrap(), ann.map(str::to_owned));
        assert_eq!(order(queue), ["b1", "a2", "b2"]);
    }

    #[test]
    fn without_users_the_first_comes_first() {
        assert_eq!(order(queue(&[("x", None), ("y", None), ("z", None)])), ["x", "y", "z"]);
        assert_eq!(Queue::default().pop(), None);
    }
}
