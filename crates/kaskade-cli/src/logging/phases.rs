//! The time of spans, for metrics.

use std::time::Instant;

use kaskade_worker::PhaseTimes;
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Adds the time from the beginning of a span to its end to that of its kind.
#[derive(Debug)]
pub(super) struct PhaseClock(pub(super) PhaseTimes);

struct Begun(Instant);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for PhaseClock {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Begun(Instant::now()));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(Begun(begun)) = span.extensions_mut().remove() {
            self.0.add(span.name(), begun.elapsed());
        }
    }
}
