//! The way to a coordinator: certificates, tokens, and itself.

use kaskade_rpc::channel::{Remote, connect};
use kaskade_rpc::security::tls;
use kaskade_rpc::{health, machine};

use super::Check;
use crate::args::client::ClientArgs;
use crate::args::security::{ClientSecurityArgs, TokensArgs};
use crate::commands::connection::{self, block_on};
use crate::commands::list;
use crate::error::CliError;

/// How long before its end a certificate is told of.
const SOON_SECONDS: f64 = 14.0 * 86_400.0;

/// The files of certificates and tokens that were named.
pub(super) fn locks(security: &ClientSecurityArgs, tokens: &TokensArgs) -> Vec<Check> {
    let mut checks = Vec::new();
    if security.files().next().is_some() {
        checks.push(match security.load() {
            Ok(_) => Check::ok("own secrets", "can be read, by nobody else"),
            Err(error) => Check::failed("own secrets", error.to_string(), "see docs/security.md"),
        });
    }
    if tokens.tokens.is_some() {
        checks.push(match tokens.load() {
            Ok(_) => Check::ok("token table", "can be read, by nobody else"),
            Err(error) => Check::failed("token table", error.to_string(), "see docs/security.md"),
        });
    }
    if let (Some(own), Some(authority)) = (&security.tls.tls_cert, &security.tls.tls_ca) {
        let at = |seconds: f64| tls::check_certificate(own, authority, seconds as u64);
        let now = machine::unix_seconds();
        let name = "certificate";
        let advice = "make another with `kaskade cert issue`";
        checks.push(match (at(now), at(now + SOON_SECONDS)) {
            (Err(error), _) => Check::failed(name, error.to_string(), advice),
            (Ok(()), Err(_)) => Check::warning(name, "ends within two weeks", advice),
            (Ok(()), Ok(())) => Check::ok(name, "of this authority, and of today"),
        });
    }
    checks
}

/// The coordinator at `url`.
pub(super) fn coordinator(url: &str, security: &ClientSecurityArgs) -> Check {
    let name = "coordinator";
    match block_on(ask(url, security)) {
        Ok((false, _)) => {
            let found = format!("{url} answers that it takes no jobs now");
            Check::failed(name, found, "is it stopping, or its disk slow? see its log")
        }
        Ok((true, 0)) => {
            Check::warning(name, format!("{url} has no workers"), "start some: `kaskade worker`")
        }
        Ok((true, n_workers)) => Check::ok(name, format!("{url} has {n_workers} workers")),
        Err(error) => Check::failed(name, error.to_string(), "see docs/cluster.md"),
    }
}

/// Whether it takes jobs, and how many workers it has.
async fn ask(url: &str, security: &ClientSecurityArgs) -> Result<(bool, usize), CliError> {
    let shown = security.load()?;
    let is_serving = health::check(connect(url, Remote::Coordinator, &shown).await?, health::JOBS);
    let is_serving = is_serving.await?;
    let client = ClientArgs { coordinator: url.to_owned(), security: security.clone() };
    let workers = list::workers(&mut connection::jobs(&client).await?).await?;
    Ok((is_serving, workers.len()))
}
