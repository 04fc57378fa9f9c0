//! Who makes a call, for the service that serves it.

use std::sync::{Arc, OnceLock};

use crate::security::role::Role;
use crate::security::tokens::Holder;

/// Who makes a call: somebody known by a token, or anybody where none is asked for.
#[derive(Clone, Debug, Default)]
pub struct Caller(Arc<Call>);

#[derive(Debug, Default)]
struct Call {
    holder: Option<Holder>,
    job: OnceLock<String>,
    graph: OnceLock<String>,
}

impl Caller {
    pub(super) fn new(holder: Option<Holder>) -> Self {
        Self(Arc::new(Call { holder, ..Call::default() }))
    }

    /// Who makes `request`. Nobody in particular when it came by no gate.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// The user, where tokens are asked for.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.0.holder.as_ref().map(|holder| holder.user.as_str())
    }

    /// Whether the caller may do to other users' jobs what they may do themselves.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.0.holder.as_ref().is_none_or(|holder| holder.role == Role::Admin)
    }

    /// Notes for the audit log which job the call is about.
    pub fn note_job(&self, job: &str) {
        let _ = self.0.job.set(job.to_owned());
    }

    /// Notes for the audit log which graph the call is about.
    pub fn note_graph(&self, graph: &str) {
        let _ = self.0.graph.set(graph.to_owned());
    }

    pub(super) fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_ref()
    }

    pub(super) fn job(&self) -> Option<&str> {
        self.0.job.get().map(String::as_str)
    }

    pub(super) fn graph(&self) -> Option<&str> {
        self.0.graph.get().map(String::as_str)
    }
}
