//! The only subscribers: what the libraries report, on stderr, in a trace file and in metrics.

mod phases;
mod trace_file;

use kaskade_worker::PhaseTimes;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::args::global::{GlobalArgs, LogFormat};
use crate::console;

use phases::PhaseClock;
use trace_file::Closing;
pub(crate) use trace_file::TraceFile;

/// Who watches beside those who read the log. Without them no span of a round is made.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// Gets every span.
    pub(crate) trace: Option<TraceFile>,
    /// Gets the time of the parts of rounds.
    pub(crate) phases: Option<PhaseTimes>,
}

/// Starts logging as `global` asks, from `least` up for events of kaskade itself; other
/// libraries report warnings and errors. `-v` lowers `least` by a level. The trace file, if there
/// is one, is whole once what this gives is dropped.
#[must_use]
pub(crate) fn start(global: &GlobalArgs, least: Level, watchers: Watchers) -> Option<Closing> {
    let level = if global.quiet { Level::ERROR } else { lowered(least, global.verbose) };
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_target("kaskade", level);
    // It warns of every letter of a name that the font of pictures lacks, in every plot.
    let filter = filter.with_target("usvg", Level::ERROR);
    let lines = fmt::layer().with_writer(console::log_writer);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match global.log_format {
        LogFormat::Text => lines.with_ansi(console::stderr_has_color(global.color)).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let closing = watchers.trace.as_ref().map(TraceFile::closing);
    let trace = watchers.trace.map(|trace| trace.with_filter(own_spans()));
    let phases = watchers.phases.map(|phases| PhaseClock(phases).with_filter(own_spans()));
    tracing_subscriber::registry().with(layer.with_filter(filter)).with(trace).with(phases).init();
    closing
}

/// The spans of kaskade, those of rounds and their parts included.
fn own_spans() -> FilterFn {
    let is_own: fn(&Metadata<'_>) -> bool =
        |metadata| metadata.is_span() && metadata.target().starts_with("kaskade");
    FilterFn::new(is_own).with_max_level_hint(LevelFilter::DEBUG)
}

/// `level` lowered by `steps`.
fn lowered(level: Level, steps: u8) -> Level {
    const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    let place = LEVELS.iter().position(|known| *known == level).unwrap_or(0);
    LEVELS[(place + usize::from(steps)).min(LEVELS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_lowers_the_level() {
        assert_eq!(lowered(Level::WARN, 0), Level::WARN);
        assert_eq!(lowered(Level::WARN, 2), Level::DEBUG);
        assert_eq!(lowered(Level::INFO, 9), Level::TRACE);
    }
}
