//! The only module that prints: data on stdout, everything else on stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use clap::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde::Serialize;

use crate::args::global::GlobalArgs;
use crate::error::CliError;
use crate::toml_error::TomlError;

/// Where a command speaks to its caller.
#[derive(Debug)]
pub(crate) struct Console {
    /// Whether stdout gets one JSON object instead of text.
    json: bool,
    /// Whether stderr gets errors only.
    quiet: bool,
    bars: MultiProgress,
}

/// What a bar counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    /// Bytes, with binary units.
    Bytes,
    /// Things of this name.
    Things(&'static str),
}

impl Console {
    /// The console that `global` asks for.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        // Drawn on a terminal only.
        let target =
            if global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bars = MultiProgress::with_draw_target(target);
        // The first console is the process's: what is logged or fails later keeps to it.
        let _ = STDERR.set(Stderr { bars: bars.clone(), color: global.color });
        Self { json: global.json, quiet: global.quiet, bars }
    }

    /// Whether stdout gets one JSON object instead of text.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result of the command: `text`, or `object` with `--json`.
    ///
    /// # Errors
    /// [`CliError::OutputClosed`] or [`CliError::WriteFile`].
    pub(crate) fn result(
        &self,
        object: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json { self.data(&json(object)) } else { self.data(&printable(&text())) }
    }

    /// Prints `text` on stdout as it is.
    ///
    /// # Errors
    /// [`CliError::OutputClosed`] or [`CliError::WriteFile`].
    pub(crate) fn data(&self, text: &str) -> Result<(), CliError> {
        self.bars.suspend(|| write_out(text.as_bytes()))
    }

    /// Says `line` on stderr, unless that is to be quiet.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            self.bars.suspend(|| write_err(&format!("{}\n", printable(line))));
        }
    }

    /// A bar that counts to `total`, on a terminal only; without a total, a spinner. It
    /// vanishes with [`ProgressBar::finish_and_clear`].
    pub(crate) fn bar(
        &self,
        label: impl Into<Cow<'static, str>>,
        total: Option<u64>,
        counted: Counted,
    ) -> ProgressBar {
        let (figures, rate) = match counted {
            Counted::Bytes => ("{bytes}/{total_bytes}".to_owned(), "{bytes_per_sec}".to_owned()),
            Counted::Things(name) => {
                (format!("{{human_pos}}/{{human_len}} {name}"), "{per_sec}".to_owned())
            }
        };
        let template = match total {
            Some(_) => format!("{{prefix:>12}} [{{bar:30}}] {figures}  {rate}  ETA {{eta}}"),
            None => format!("{{prefix:>12}} {{spinner}} {{human_pos}}  {rate}"),
        };
        let style = ProgressStyle::with_template(&template)
            .expect("the template has no unknown or unbalanced key")
            .progress_chars("=> ");
        let bar = self.bars.add(ProgressBar::new(total.unwrap_or(0)));
        bar.set_style(style);
        bar.set_prefix(label);
        bar
    }
}

/// What holds for lines on stderr that no command writes.
static STDERR: OnceLock<Stderr> = OnceLock::new();

#[derive(Debug)]
struct Stderr {
    /// Lines must not cut through these.
    bars: MultiProgress,
    color: ColorChoice,
}

/// `text` without what a terminal would obey: names and sentences in it come from files and
/// from other machines.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if letter.is_control() && letter != '\n' {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
        shown
    })
}

/// Whether stderr takes colours.
pub(crate) fn stderr_has_color(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && io::stderr().is_terminal()
        }
    }
}

/// Prints `line` as an error.
pub(crate) fn print_error(line: &str) {
    write_err(&format!("error: {line}\n"));
}

/// Prints a flaw in a file: on a terminal with the place shown, otherwise on one line.
pub(crate) fn print_flaw(flaw: &TomlError) {
    if !io::stderr().is_terminal() {
        return print_error(&flaw.to_string());
    }
    let color = STDERR.get().map_or(ColorChoice::Auto, |stderr| stderr.color);
    let is_colored = stderr_has_color(color);
    let theme =
        if is_colored { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    match GraphicalReportHandler::new_themed(theme).render_report(&mut text, flaw) {
        Ok(()) => write_err(&text),
        Err(_) => print_error(&flaw.to_string()),
    }
}

/// Prints help on stdout or a usage error on stderr, as the parser has them.
pub(crate) fn print_usage(error: &clap::Error) {
    // Nobody is left to tell when stdout or stderr is closed.
    let _ = error.print();
}

/// A place for log lines that leaves bars whole.
pub(crate) fn log_writer() -> LogWriter {
    LogWriter
}

/// Writes to stderr above the bars.
#[derive(Debug)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match STDERR.get() {
            Some(stderr) => stderr.bars.suspend(|| io::stderr().write(bytes)),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// `object` on several lines, with a newline at its end.
fn json(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(object)
        .expect("what commands print has text keys and finite numbers");
    text.push('\n');
    text
}

fn write_out(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|source| match source.kind() {
        io::ErrorKind::BrokenPipe => CliError::OutputClosed,
        _ => CliError::WriteFile { path: "stdout".into(), source },
    })
}

fn write_err(text: &str) {
    // Nobody is left to tell when stderr is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}
