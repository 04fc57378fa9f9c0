//! The gate before every service: who calls, and may they.
//!
//! A layer around the whole server, so that no service can be added beside it. What it
//! refuses reaches no service, and no message of it is read.

mod allowance;
mod caller;

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower_layer::Layer;
use tower_service::Service;

use super::audit::{Action, AuditLog};
use super::role::{self, Role};
use super::throttle::Throttle;
use super::tls::CertificateUse;
use super::tokens::{Holder, Refusal, Tokens};
use crate::machine::unix_seconds;
use crate::server::Peer;

use allowance::Allowances;
pub use caller::Caller;

/// What stands before the services of a server.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tokens: Option<Tokens>,
    audit: Option<AuditLog>,
    refusals: Throttle,
    allowances: Allowances,
}

impl Gate {
    /// A gate that asks for `tokens`, if there are any, and notes in `audit` what those did
    /// who are known by one.
    #[must_use]
    pub fn new(tokens: Option<Tokens>, audit: Option<AuditLog>) -> Self {
        Self(Arc::new(Inner { tokens, audit, ..Inner::default() }))
    }

    /// Who calls.
    fn authenticate<B>(&self, request: &Request<B>) -> Result<Option<Holder>, Refusal> {
        let Some(tokens) = &self.0.tokens else { return Ok(None) };
        let header = request.headers().get(AUTHORIZATION).ok_or(Refusal::Missing)?;
        let token = header.to_str().ok().and_then(bearer).ok_or(Refusal::Missing)?;
        tokens.holder(token, unix_seconds() as u64).map(Some)
    }

    /// Whether `peer`, who sends `request`, is somebody, whatever their role; if not, it is noted.
    pub(crate) fn admit<B>(&self, request: &Request<B>, peer: &Peer) -> Result<(), Status> {
        match self.authenticate(request) {
            Ok(_) => peer.welcome(),
            Err(refusal) => return Err(self.refuse(request.uri().path(), Some(peer), refusal)),
        }
        Ok(())
    }

    fn refuse(&self, path: &str, peer: Option<&Peer>, refusal: Refusal) -> Status {
        if let Some(held_back) = self.0.refusals.pass() {
            let from = peer.map(|peer| peer.address.to_string());
            tracing::warn!(path, from, %refusal, held_back, "a call was refused");
        }
        Status::unauthenticated(refusal.to_string())
    }
}

/// The token of a header `Bearer TOKEN`.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether `holder` may call `path` on a connection with a certificate for `certificate`.
fn authorize(
    path: &str,
    holder: Option<&Holder>,
    certificate: Option<CertificateUse>,
) -> Result<(), Status> {
    let allowed = role::allowed(path);
    if let Some(Holder { user, role }) = holder
        && !allowed.contains(role)
    {
        let names: Vec<&str> = allowed.iter().map(|role| role.as_str()).collect();
        let call = call_name(path);
        let needed = match names.as_slice() {
            [] => format!("{call} is no call of kaskade"),
            names => format!("{call} takes {}", names.join(" or ")),
        };
        let text = format!("the token of {user} has the role {role}, {needed}");
        return Err(Status::permission_denied(text));
    }
    let is_for_workers = allowed == [Role::Worker];
    let refused = match certificate {
        Some(CertificateUse::Worker) => !is_for_workers,
        Some(CertificateUse::Client) => is_for_workers,
        None => false,
    };
    if refused {
        let whose = if is_for_workers { "client" } else { "worker" };
        let text =
            format!("the certificate is a {whose}'s, which may not call {}", call_name(path));
        return Err(Status::permission_denied(text));
    }
    Ok(())
}

/// `Jobs/Submit` of `/kaskade.v1.Jobs/Submit`.
fn call_name(path: &str) -> &str {
    path.trim_start_matches('/').trim_start_matches("kaskade.v1.")
}

impl<S> Layer<S> for Gate {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { gate: self.clone(), inner }
    }
}

/// A service behind a gate.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    gate: Gate,
    inner: S,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send + 'static>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let gate = self.gate.clone();
        // The one that said it is ready, not its copy.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let peer = request.extensions().get::<Peer>().cloned();
            let path = request.uri().path().to_owned();
            let is_open = role::is_open(&path);
            let holder = match gate.authenticate(&request) {
                Ok(holder) => {
                    if let Some(peer) = &peer {
                        peer.welcome();
                    }
                    holder
                }
                // A stranger, whose connection does not last.
                Err(_) if is_open => None,
                Err(refusal) => {
                    return Ok(gate.refuse(&path, peer.as_ref(), refusal).into_http());
                }
            };
            if is_open {
                return inner.call(request).await;
            }
            let certificate = peer.as_ref().and_then(|peer| peer.certificate);
            let caller = Caller::new(holder);
            let is_noted = gate.0.audit.is_some() && caller.holder().is_some();
            let answering = async move {
                let response = match authorize(&path, caller.holder(), certificate) {
                    Ok(()) => {
                        request.extensions_mut().insert(caller.clone());
                        if let Some(user) = caller.user() {
                            let measure = |body| gate.0.allowances.measure(user, &path, body);
                            request = request.map(measure);
                        }
                        inner.call(request).await?
                    }
                    Err(status) => status.into_http(),
                };
                if let (Some(audit), Some(holder)) = (&gate.0.audit, caller.holder()) {
                    let action = Action {
                        time: unix_seconds(),
                        user: &holder.user,
                        role: holder.role.as_str(),
                        from: peer.as_ref().map(|peer| peer.address),
                        rpc: call_name(&path),
                        job: caller.job(),
                        graph: caller.graph(),
                        outcome: outcome(&response),
                    };
                    audit.write(&action).await;
                }
                Ok(response)
            };
            if !is_noted {
                return answering.await;
            }
            // In a task of its own: a client that takes back its call in the middle would take
            // the line of the log with it, of a job that is there.
            match tokio::spawn(answering).await {
                Ok(response) => response,
                Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
                Err(_) => Ok(Status::unavailable("the server is ending").into_http()),
            }
        })
    }
}

/// How a call ended, or that its stream has begun.
fn outcome(response: &Response<Body>) -> &'static str {
    // An error stands in the headers; what succeeds has its status behind its messages.
    match Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code()) {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(role: Role) -> Holder {
        Holder { user: "ann".to_owned(), role }
    }

    #[test]
    fn every_call_is_open_to_its_roles_and_to_no_other() {
        for (path, roles) in role::RPCS {
            for role in Role::ALL {
                let decided = authorize(path, Some(&holder(role)), None);
                assert_eq!(decided.is_ok(), roles.contains(&role), "{path} as {role}");
            }
        }
        let unlisted = authorize("/kaskade.v1.Jobs/Drop", Some(&holder(Role::Admin)), None);
        assert_eq!(unlisted.unwrap_err().code(), Code::PermissionDenied);
        let denied = authorize("/kaskade.v1.Jobs/Submit", Some(&holder(Role::Viewer)), None);
        assert_eq!(
            denied.unwrap_err().message(),
            "the token of ann has the role viewer, Jobs/Submit takes submitter or admin"
        );
    }

    #[test]
    fn a_workers_certificate_is_good_for_a_workers_calls_alone() {
        for (path, roles) in role::RPCS {
            let is_for_workers = roles.contains(&Role::Worker);
            let as_worker = authorize(path, None, Some(CertificateUse::Worker));
            assert_eq!(as_worker.is_ok(), is_for_workers, "{path}");
            let as_client = authorize(path, None, Some(CertificateUse::Client));
            assert_eq!(as_client.is_ok(), !is_for_workers, "{path}");
        }
    }

    #[test]
    fn only_bearers_are_understood() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
