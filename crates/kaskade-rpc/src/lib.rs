//! The only place where wire and domain meet: generated code, conversions, error codes,
//! channels, versions. How rounds work is not known here; `docs/protocol.md` tells the
//! order of messages.
//!
//! In reading order: [`limits`] says how large and how long anything may be, [`version`]
//! who may talk to whom, [`error`] what goes wrong and how it crosses the wire. [`pb`] is
//! the generated code, and `convert` turns it into the vocabulary of `kaskade-model` and
//! back: everything received is checked there, once. [`file`](mod@file) moves files in pieces.
//! [`jobs`], [`graphs`], [`control`] and [`exchange`] are the four services, each with its
//! client, its server and the messages that only it has; [`health`] and [`reflection`] stand
//! beside them on every server. [`security`] says who may call what; [`address`], [`channel`] and
//! [`server`] open connections with every limit set. [`metrics`] are what a server tells of itself
//! over HTTP, and [`machine`] is where it reads what it takes.

pub mod limits;
pub mod version;

pub mod error;
mod status;

mod codec;
pub mod pb;

mod convert;
pub mod file;

pub mod control;
pub mod exchange;
pub mod fail_point;
pub mod graphs;
pub mod health;
pub mod jobs;
pub mod reflection;

pub mod security;

pub mod address;
pub mod channel;
pub mod server;

pub mod machine;
pub mod metrics;

pub use error::{ConvertError, ErrorCode, RpcError};
pub use version::PROTOCOL_VERSION;
