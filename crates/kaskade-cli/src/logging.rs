//! The only subscriber: what the libraries report, on stderr.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::args::global::{GlobalArgs, LogFormat};
use crate::console;

/// Starts logging as `global` asks, from `least` up for events of kaskade itself; other
/// libraries report warnings and errors. `-v` lowers `least` by a level.
pub(crate) fn start(global: &GlobalArgs, least: Level) {
    let level = if global.quiet { Level::ERROR } else { lowered(least, global.verbose) };
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_target("kaskade", level);
    let lines = fmt::layer().with_writer(console::log_writer);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match global.log_format {
        LogFormat::Text => lines.with_ansi(console::stderr_has_color(global.color)).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
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
