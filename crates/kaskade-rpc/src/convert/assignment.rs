//! Who holds which shards of which graph.

use kaskade_model::ids::{ShardId, WorkerId};
use kaskade_model::message::{Assignment, Member};

use super::{digest, graph_name, required};
use crate::address;
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "Assignment";

impl From<Assignment> for pb::Assignment {
    fn from(assignment: Assignment) -> Self {
        Self {
            attempt: Some(assignment.attempt.into()),
            graph: assignment.graph,
            graph_digest: assignment.graph_digest,
            shard_table_digest: assignment.shard_table_digest,
            plan: Some(assignment.plan.into()),
            members: assignment.members.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::Assignment> for Assignment {
    type Error = ConvertError;

    fn try_from(assignment: pb::Assignment) -> Result<Self, ConvertError> {
        let members = assignment.members.into_iter().map(TryInto::try_into);
        let members: Vec<Member> = members.collect::<Result<_, _>>()?;
        check_members(&members)?;
        Ok(Self {
            attempt: required(assignment.attempt, MESSAGE, "attempt")?.try_into()?,
            graph: graph_name(assignment.graph)?,
            graph_digest: digest(assignment.graph_digest, MESSAGE, "graph_digest")?,
            shard_table_digest: digest(
                assignment.shard_table_digest,
                MESSAGE,
                "shard_table_digest",
            )?,
            plan: required(assignment.plan, MESSAGE, "plan")?.try_into()?,
            members,
        })
    }
}

/// Every worker once, every shard once.
fn check_members(members: &[Member]) -> Result<(), ConvertError> {
    let invalid = |reason: String| Err(ConvertError::new(MESSAGE, "members", reason));
    if members.is_empty() {
        return invalid("is empty".into());
    }
    let mut workers: Vec<_> = members.iter().map(|member| member.worker).collect();
    workers.sort_unstable();
    if let Some(pair) = workers.windows(2).find(|pair| pair[0] == pair[1]) {
        return invalid(format!("has worker {} twice", pair[0]));
    }
    let mut shards: Vec<_> = members.iter().flat_map(|member| &member.shards).collect();
    shards.sort_unstable();
    match (0..).map(ShardId).zip(shards).find(|(expected, shard)| expected != *shard) {
        Some((expected, _)) => invalid(format!("does not hold shard {expected} exactly once")),
        None => Ok(()),
    }
}

impl From<Member> for pb::Member {
    fn from(member: Member) -> Self {
        Self {
            worker_id: member.worker.0,
            address: member.address,
            shards: member.shards.into_iter().map(|shard| shard.0).collect(),
        }
    }
}

impl TryFrom<pb::Member> for Member {
    type Error = ConvertError;

    fn try_from(member: pb::Member) -> Result<Self, ConvertError> {
        let invalid = |field, reason: &str| Err(ConvertError::new("Member", field, reason));
        if let Err(error) = address::check(&member.address) {
            return invalid("address", &format!("is wrong: {error}"));
        }
        if member.shards.is_empty() {
            return invalid("shards", "is empty: a worker without a shard is left out");
        }
        if !member.shards.is_sorted_by(|a, b| a < b) {
            return invalid("shards", "is not ascending");
        }
        Ok(Self {
            worker: WorkerId(member.worker_id),
            address: member.address,
            shards: member.shards.into_iter().map(ShardId).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, assignment, assignments};

    proptest! {
        #[test]
        fn round_trips(assignment in assignments()) {
            assert_round_trip::<_, pb::Assignment>(assignment);
        }
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::Assignment>(
            assignment(),
            "0a0b0a056a6f622d3710021803120477696b691a02306622210a0408011a001101000000000000001a02100520e807280730ac023814400248022a1d08041215687474703a2f2f3132372e302e302e313a373430341a0200022a1c08051215687474703a2f2f3132372e302e302e313a373430351a010132023165",
        );
    }

    #[test]
    fn groups_that_do_not_hold_the_graph_once_are_refused() {
        let refuse = |change: fn(&mut pb::Assignment)| {
            let mut message = pb::Assignment::from(assignment());
            change(&mut message);
            Assignment::try_from(message).unwrap_err().to_string()
        };
        assert_eq!(
            refuse(|message| message.members[1].shards = vec![3]),
            "invalid Assignment: field members does not hold shard 1 exactly once"
        );
        assert!(refuse(|message| message.members[1].shards = vec![0, 1]).contains("shard 1"));
        assert!(refuse(|message| message.members[0].shards = vec![2, 0]).contains("ascending"));
        assert!(refuse(|message| message.members[0].shards.clear()).contains("left out"));
        assert!(refuse(|message| message.members[1].worker_id = 4).contains("worker 4 twice"));
        assert!(refuse(|message| message.members.clear()).contains("members is empty"));
        assert!(refuse(|message| message.members[0].address = "h:1".into()).contains("address"));
        assert!(refuse(|message| message.graph = "../x".into()).contains("../x"));
        assert!(refuse(|message| message.graph_digest = "XY".into()).contains("graph_digest"));
        assert!(refuse(|message| message.attempt = None).contains("attempt is missing"));
    }
}
