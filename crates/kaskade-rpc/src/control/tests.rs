use kaskade_model::ids::ShardId;
use proptest::prelude::*;

use super::*;
use crate::convert::testing::{
    assert_golden, assert_round_trip, attempt, attempts, commands, events, graph_files,
};

fn registration() -> Registration {
    Registration {
        engine_version: "0.1.0".into(),
        exchange_address: "http://127.0.0.1:7401".into(),
        memory_bytes: 1 << 30,
        n_threads: 4,
        host_name: "node-3".into(),
        process_id: 4711,
    }
}

fn registered() -> Registered {
    Registered { worker: WorkerId(4), coordinator_instance: 77, heartbeat_interval_ms: 1000 }
}

fn fetch_request() -> FetchRequest {
    FetchRequest {
        graph: "wiki".into(),
        graph_digest: "0f".into(),
        file: GraphFile::Shard(ShardId(2)),
        offset: 300,
    }
}

proptest! {
    #[test]
    fn worker_messages_round_trip(
        memory_bytes in 1u64..,
        n_threads in 1u32..,
        event in events(),
        resident_bytes in any::<u64>(),
    ) {
        let registration = Registration { memory_bytes, n_threads, ..registration() };
        for message in [
            WorkerMessage::Register(registration),
            WorkerMessage::Event(event),
            WorkerMessage::Heartbeat { resident_bytes },
            WorkerMessage::Leaving,
        ] {
            assert_round_trip::<_, pb::WorkerMessage>(message);
        }
    }

    #[test]
    fn coordinator_messages_round_trip(
        worker in any::<u64>(),
        coordinator_instance in any::<u64>(),
        heartbeat_interval_ms in 1u32..,
        command in commands(),
    ) {
        let worker = WorkerId(worker);
        for message in [
            CoordinatorMessage::Registered(
                Registered { worker, coordinator_instance, heartbeat_interval_ms },
            ),
            CoordinatorMessage::Command(command),
            CoordinatorMessage::HeartbeatAck,
            CoordinatorMessage::Dismissed,
        ] {
            assert_round_trip::<_, pb::CoordinatorMessage>(message);
        }
    }

    #[test]
    fn fetches_round_trip(file in graph_files(), offset in any::<u64>()) {
        assert_round_trip::<_, pb::FetchRequest>(FetchRequest { file, offset, ..fetch_request() });
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        use prost::Message;
        if let Ok(message) = pb::WorkerMessage::decode(&bytes[..]) {
            let _ = WorkerMessage::try_from(message);
        }
        if let Ok(message) = pb::CoordinatorMessage::decode(&bytes[..]) {
            let _ = CoordinatorMessage::try_from(message);
        }
    }

    #[test]
    fn a_changed_byte_is_a_message_or_an_error(
        attempt in attempts(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        use prost::Message;
        let event = WorkerEvent::Prepared { attempt };
        let mut bytes = pb::WorkerMessage::from(WorkerMessage::Event(event)).encode_to_vec();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(message) = pb::WorkerMessage::decode(&bytes[..]) {
            let _ = WorkerMessage::try_from(message);
        }
    }
}

#[test]
fn golden_bytes() {
    assert_golden::<pb::WorkerMessage>(
        WorkerMessage::Register(registration()),
        "0a35080210011a05302e312e302215687474703a2f2f3132372e302e302e313a3734303128808080800430043a066e6f64652d3340e724",
    );
    assert_golden::<pb::WorkerMessage>(
        WorkerMessage::Event(WorkerEvent::Prepared { attempt: attempt() }),
        "120f0a0d0a0b0a056a6f622d3710021803",
    );
    assert_golden::<pb::WorkerMessage>(
        WorkerMessage::Heartbeat { resident_bytes: 300 },
        "1a0308ac02",
    );
    assert_golden::<pb::WorkerMessage>(WorkerMessage::Leaving, "2200");
    let coordinator = assert_golden::<pb::CoordinatorMessage>;
    coordinator(CoordinatorMessage::Registered(registered()), "0a070804104d18e807");
    coordinator(
        CoordinatorMessage::Command(WorkerCommand::Release { attempt: attempt() }),
        "120f1a0d0a0b0a056a6f622d3710021803",
    );
    coordinator(CoordinatorMessage::HeartbeatAck, "1a00");
    coordinator(CoordinatorMessage::Dismissed, "2200");
    assert_golden::<pb::FetchRequest>(fetch_request(), "0a0477696b69120230661a040803100220ac02");
}

#[test]
fn workers_of_another_version_are_refused_by_name() {
    let refuse = |change: fn(&mut pb::Register)| {
        let mut register = pb::Register::from(registration());
        change(&mut register);
        Registration::try_from(register).unwrap_err()
    };
    let protocol = refuse(|register| register.protocol_version = 9);
    assert!(matches!(protocol, ConvertError::Version(_)));
    let start = "worker node-3 (kaskade 0.1.0) has protocol version 9, this coordinator";
    assert!(protocol.to_string().starts_with(start), "{protocol}");
    let coin = refuse(|register| register.coin_version = 9);
    assert!(coin.to_string().contains("has coin version 9"), "{coin}");

    assert!(refuse(|register| register.memory_bytes = 0).to_string().contains("memory_bytes"));
    assert!(refuse(|register| register.n_threads = 0).to_string().contains("n_threads"));
    assert!(refuse(|register| register.exchange_address.clear()).to_string().contains("address"));
}

#[test]
fn a_heartbeat_interval_of_nothing_is_refused() {
    let message = pb::Registered { heartbeat_interval_ms: 0, ..registered().into() };
    assert!(Registered::try_from(message).is_err());
}
