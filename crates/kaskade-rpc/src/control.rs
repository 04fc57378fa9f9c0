//! Service `Control`: a worker registers with the coordinator and works for it.

use kaskade_model::coin::COIN_VERSION;
use kaskade_model::ids::WorkerId;
use kaskade_model::message::{WorkerCommand, WorkerEvent};

use crate::address;
use crate::channel::Connection;
use crate::convert::{digest, graph_name, required};
use crate::error::ConvertError;
use crate::file::GraphFile;
use crate::limits::{self, CONTROL_MESSAGE_BYTES};
use crate::pb;
use crate::version::{self, PROTOCOL_VERSION};

pub use pb::control_server::Control;

/// What a worker calls.
pub type Client = pb::control_client::ControlClient<Connection>;

/// What a coordinator serves.
pub type Server<S> = pb::control_server::ControlServer<S>;

/// A client over `connection`, with the limits of this crate.
#[must_use]
pub fn client(connection: Connection) -> Client {
    Client::new(connection)
        .max_decoding_message_size(CONTROL_MESSAGE_BYTES)
        .max_encoding_message_size(limits::LEFT_TO_THE_SERVER)
}

/// A server of `service`, with the limits of this crate.
#[must_use]
pub fn server<S: Control>(service: S) -> Server<S> {
    Server::new(service)
        .max_decoding_message_size(CONTROL_MESSAGE_BYTES)
        .max_encoding_message_size(CONTROL_MESSAGE_BYTES)
}

/// What a worker says in its session.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerMessage {
    /// The first message, and only the first.
    Register(Registration),
    /// Something happened.
    Event(WorkerEvent),
    /// Nothing happened, and the worker is alive.
    Heartbeat {
        /// Resident memory of the process, in bytes.
        resident_bytes: u64,
    },
    /// It ends the batches in its hands, takes no others, and waits to be dismissed.
    Leaving,
}

/// A worker as it introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its kaskade version, for people.
    pub engine_version: String,
    /// Where its peers reach it, `http://host:port`.
    pub exchange_address: String,
    /// Memory for graph and state, in bytes, at least 1.
    pub memory_bytes: u64,
    /// Threads that compute, at least 1.
    pub n_threads: u32,
    /// The machine's name, for people.
    pub host_name: String,
    /// The process number on that machine.
    pub process_id: u32,
}

/// What the coordinator says in a worker's session.
#[derive(Clone, Debug, PartialEq)]
pub enum CoordinatorMessage {
    /// The first message, and only the first.
    Registered(Registered),
    /// Something to do.
    Command(WorkerCommand),
    /// The answer to a heartbeat.
    HeartbeatAck,
    /// The answer to [`WorkerMessage::Leaving`]: the worker has no part in any job.
    Dismissed,
}

/// What a worker is told when it is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The worker's number with this run of the coordinator.
    pub worker: WorkerId,
    /// A number that this run of the coordinator drew at its start, for logs. A worker releases
    /// every attempt when its session ends, whichever run answers next.
    pub coordinator_instance: u64,
    /// The time between two heartbeats, in milliseconds, at least 1.
    pub heartbeat_interval_ms: u32,
}

/// A worker's wish for a file that it lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// The registered name of the graph.
    pub graph: String,
    /// Its digest, lower-case hexadecimal.
    pub graph_digest: String,
    /// The file.
    pub file: GraphFile,
    /// From where to send it, in bytes.
    pub offset: u64,
}

impl From<WorkerMessage> for pb::WorkerMessage {
    fn from(message: WorkerMessage) -> Self {
        use pb::worker_message::Kind;
        let kind = match message {
            WorkerMessage::Register(registration) => Kind::Register(registration.into()),
            WorkerMessage::Event(event) => Kind::Event(event.into()),
            WorkerMessage::Heartbeat { resident_bytes } => {
                Kind::Heartbeat(pb::Heartbeat { resident_bytes })
            }
            WorkerMessage::Leaving => Kind::Leaving(pb::Leaving {}),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::WorkerMessage> for WorkerMessage {
    type Error = ConvertError;

    fn try_from(message: pb::WorkerMessage) -> Result<Self, ConvertError> {
        use pb::worker_message::Kind;
        Ok(match required(message.kind, "WorkerMessage", "kind")? {
            Kind::Register(register) => Self::Register(register.try_into()?),
            Kind::Event(event) => Self::Event(event.try_into()?),
            Kind::Heartbeat(beat) => Self::Heartbeat { resident_bytes: beat.resident_bytes },
            Kind::Leaving(pb::Leaving {}) => Self::Leaving,
        })
    }
}

impl From<Registration> for pb::Register {
    fn from(registration: Registration) -> Self {
        Self {
            protocol_version: PROTOCOL_VERSION,
            coin_version: COIN_VERSION,
            engine_version: registration.engine_version,
            exchange_address: registration.exchange_address,
            memory_bytes: registration.memory_bytes,
            n_threads: registration.n_threads,
            host_name: registration.host_name,
            process_id: registration.process_id,
        }
    }
}

impl TryFrom<pb::Register> for Registration {
    type Error = ConvertError;

    fn try_from(register: pb::Register) -> Result<Self, ConvertError> {
        let they = format!("worker {} (kaskade {})", register.host_name, register.engine_version);
        version::check_protocol("coordinator", they.as_str(), register.protocol_version)?;
        version::check_coins("coordinator", they, register.coin_version)?;
        let invalid = |field, reason: String| Err(ConvertError::new("Register", field, reason));
        if let Err(error) = address::check(&register.exchange_address) {
            return invalid("exchange_address", format!("is wrong: {error}"));
        }
        if register.memory_bytes == 0 {
            return invalid("memory_bytes", "is 0, must be at least 1".into());
        }
        if register.n_threads == 0 {
            return invalid("n_threads", "is 0, must be at least 1".into());
        }
        Ok(Self {
            engine_version: register.engine_version,
            exchange_address: register.exchange_address,
            memory_bytes: register.memory_bytes,
            n_threads: register.n_threads,
            host_name: register.host_name,
            process_id: register.process_id,
        })
    }
}

impl From<CoordinatorMessage> for pb::CoordinatorMessage {
    fn from(message: CoordinatorMessage) -> Self {
        use pb::coordinator_message::Kind;
        let kind = match message {
            CoordinatorMessage::Registered(registered) => Kind::Registered(registered.into()),
            CoordinatorMessage::Command(command) => Kind::Command(command.into()),
            CoordinatorMessage::HeartbeatAck => Kind::HeartbeatAck(pb::HeartbeatAck {}),
            CoordinatorMessage::Dismissed => Kind::Dismissed(pb::Dismissed {}),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::CoordinatorMessage> for CoordinatorMessage {
    type Error = ConvertError;

    fn try_from(message: pb::CoordinatorMessage) -> Result<Self, ConvertError> {
        use pb::coordinator_message::Kind;
        Ok(match required(message.kind, "CoordinatorMessage", "kind")? {
            Kind::Registered(registered) => Self::Registered(registered.try_into()?),
            Kind::Command(command) => Self::Command(command.try_into()?),
            Kind::HeartbeatAck(pb::HeartbeatAck {}) => Self::HeartbeatAck,
            Kind::Dismissed(pb::Dismissed {}) => Self::Dismissed,
        })
    }
}

impl From<Registered> for pb::Registered {
    fn from(registered: Registered) -> Self {
        Self {
            worker_id: registered.worker.0,
            coordinator_instance: registered.coordinator_instance,
            heartbeat_interval_ms: registered.heartbeat_interval_ms,
        }
    }
}

impl TryFrom<pb::Registered> for Registered {
    type Error = ConvertError;

    fn try_from(registered: pb::Registered) -> Result<Self, ConvertError> {
        if registered.heartbeat_interval_ms == 0 {
            let reason = "is 0, must be at least 1";
            return Err(ConvertError::new("Registered", "heartbeat_interval_ms", reason));
        }
        Ok(Self {
            worker: WorkerId(registered.worker_id),
            coordinator_instance: registered.coordinator_instance,
            heartbeat_interval_ms: registered.heartbeat_interval_ms,
        })
    }
}

impl From<FetchRequest> for pb::FetchRequest {
    fn from(request: FetchRequest) -> Self {
        Self {
            graph: request.graph,
            graph_digest: request.graph_digest,
            file: Some(request.file.into()),
            offset: request.offset,
        }
    }
}

impl TryFrom<pb::FetchRequest> for FetchRequest {
    type Error = ConvertError;

    fn try_from(request: pb::FetchRequest) -> Result<Self, ConvertError> {
        Ok(Self {
            graph: graph_name(request.graph)?,
            graph_digest: digest(request.graph_digest, "FetchRequest", "graph_digest")?,
            file: required(request.file, "FetchRequest", "file")?.try_into()?,
            offset: request.offset,
        })
    }
}

#[cfg(test)]
mod tests;
