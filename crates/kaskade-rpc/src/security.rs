//! Who may connect, and what they may call.
//!
//! In reading order: [`role`] is the one table of what each role may call, [`tokens`] say who
//! somebody is, [`tls`] keeps what is said between the two ends, [`secret`] reads the files
//! of both, and [`gate`] stands before every service of a server and asks. What passed it is
//! written down by [`audit`].

pub mod audit;
mod error;
pub mod gate;
pub mod role;
pub mod secret;
pub(crate) mod throttle;
pub mod tls;
pub mod tokens;

pub use error::SecurityError;
pub use gate::{Caller, Gate};
pub use role::Role;

use tls::{ClientTls, ServerTls};
use tokens::{Token, Tokens};

/// What a server has to keep others out. With nothing of it, only loopback is listened on.
#[derive(Clone, Debug, Default)]
pub struct ServerSecurity {
    /// Its certificate, and whose certificates it asks for.
    pub tls: Option<ServerTls>,
    /// Who may call what; without it, everybody everything.
    pub tokens: Option<Tokens>,
}

/// What a client, or a worker towards others, shows and asks for.
#[derive(Clone, Debug, Default)]
pub struct ClientSecurity {
    /// Whose certificates it trusts, and its own.
    pub tls: Option<ClientTls>,
    /// Its token.
    pub token: Option<Token>,
}
