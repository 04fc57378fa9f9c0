//! What a person types: the binary `kaskade` wires everything.
//!
//! ```text
//! argv, KASKADE_*, kaskade.toml ─▶ settings ─▶ args ─▶ commands ─▶ exit code
//!              SPEC.toml ─▶ spec_file ────────────────▲
//! ```
//! In reading order: [`settings`] lays configuration files under the flags, [`args`] is what
//! can be typed, [`spec_file`] reads specs, [`commands`] has a file per command and
//! [`error`] with [`exit`] says how each can end. Around them: [`console`] is the only
//! module that prints, [`logging`] the only subscriber, [`interrupt`] catches Ctrl-C,
//! [`clock`] tells the time, [`size`] reads sizes, [`unchecked`] guards work on
//! files that were not looked at.

mod args;
mod settings;
mod size;

mod spec_file;
mod toml_error;

mod commands;
mod error;
mod exit;

mod clock;
mod console;
mod interrupt;
mod logging;
mod shares;
mod unchecked;

use std::panic;
use std::process::ExitCode;

fn main() -> ExitCode {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // A panic on a damaged file becomes an error, which is told.
        if !kaskade_ingest::is_isolated() && !unchecked::is_going_on() {
            hook(panic);
        }
    }));
    exit::report(commands::dispatch())
}
