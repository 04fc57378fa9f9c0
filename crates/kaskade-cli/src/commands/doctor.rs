//! `kaskade doctor`: what stands in the way of a run, and what to do about it.

mod cluster;
mod folders;
mod host;

use std::fmt::Write as _;

use serde::Serialize;

use crate::args::doctor::DoctorArgs;
use crate::console::Console;
use crate::error::CliError;

/// Looks at the machine and at everything that is named; prints what it found.
///
/// # Errors
/// [`CliError::Unwell`] when something will not work.
pub(super) fn doctor(args: &DoctorArgs, console: &Console) -> Result<(), CliError> {
    let mut checks = host::checks();
    if let Some(address) = args.listen {
        checks.push(host::port(address));
    }
    checks.extend(args.state.as_deref().map(folders::state).into_iter().flatten());
    checks.extend(args.cache.as_deref().map(folders::cache).into_iter().flatten());
    checks.extend(args.graphs.as_deref().map(folders::graphs).into_iter().flatten());
    checks.extend(cluster::locks(&args.security, &args.tokens));
    if let Some(url) = &args.coordinator {
        checks.push(cluster::coordinator(url, &args.security));
    }
    let n_failed = checks.iter().filter(|check| check.state == State::Failed).count();
    let report = Report { ok: n_failed == 0, checks };
    console.result(&report, || describe(&report.checks))?;
    if n_failed > 0 { Err(CliError::Unwell { n_failed }) } else { Ok(()) }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    state: State,
    /// What was found.
    found: String,
    /// What to do about it, unless all is well.
    advice: Option<String>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Warning,
    /// It will not work.
    Failed,
}

impl Check {
    fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, found: found.into(), advice: None }
    }

    fn warning(
        name: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { state: State::Warning, advice: Some(advice.into()), ..Self::ok(name, found) }
    }

    fn failed(
        name: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { state: State::Failed, ..Self::warning(name, found, advice) }
    }
}

fn describe(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { name, state, found, advice } in checks {
        let word = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
        };
        let written = writeln!(text, "{word:<7}  {name:<width$}  {found}");
        let advised = advice
            .as_ref()
            .map_or(Ok(()), |advice| writeln!(text, "{:>1$}{advice}", "-> ", width + 14));
        written.and(advised).expect("a string takes any text");
    }
    text
}
