//! Real processes that keep others out: certificates, tokens, quotas, and what strangers try.

mod abuse;
mod calls;
mod load;
mod locks;
mod observe;
mod server;
mod wire;

use std::path::Path;
use std::process::{Command, Output};

/// The program under test.
fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kaskade"))
}

/// Whether everything is asked for, not the share of a usual test run.
fn is_full() -> bool {
    std::env::var_os("KASKADE_FULL").is_some_and(|full| full == *"1")
}

/// Runs the program; how it ended.
fn kaskade(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(arguments).output().expect("the program starts")
}

/// Runs the program, which succeeds; what it printed.
fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = kaskade(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs the program, which refuses with `code`; what it said.
fn refusal(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = kaskade(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}
