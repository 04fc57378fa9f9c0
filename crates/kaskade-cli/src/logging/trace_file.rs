//! A trace file: every span with its beginning and end, in the JSON of Chrome's tracing, which
//! ui.perfetto.dev shows.
//!
//! A batch goes from thread to thread, so spans are asynchronous events: those of one batch are a
//! track, nested as they were. Ids are functions of the job's: a job's trace has the same id in
//! the file of the coordinator and in those of all workers, and a worker's `job` names the
//! coordinator's as its parent, though nobody has told it. `jq -s add` makes one file of many.

use std::fmt::{self, Debug};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use kaskade_rpc::machine;
use serde_json::{Map, Value, json};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::error::CliError;

/// A trace that is being written; a layer of the subscriber.
#[derive(Clone, Debug)]
pub(crate) struct TraceFile(Arc<Trace>);

#[derive(Debug)]
struct Trace {
    path: PathBuf,
    out: Mutex<Option<BufWriter<File>>>,
    process: u32,
    /// The moment of `begun_micros`: between the two the clock of people may be set.
    begun: Instant,
    begun_micros: f64,
    next_span: AtomicU64,
}

/// Ends the file when it is dropped.
#[derive(Debug)]
pub(crate) struct Closing(Arc<Trace>);

/// What is kept of a span until it ends.
#[derive(Clone, Debug)]
struct Open {
    begun_micros: f64,
    /// Its own fields, and the job and batch that it belongs to.
    args: Map<String, Value>,
    span: String,
    track: String,
}

impl TraceFile {
    /// Begins a new file at `path`.
    ///
    /// # Errors
    /// [`CliError::WriteFile`], also where there is one already.
    pub(crate) fn create(path: &Path) -> Result<Self, CliError> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(CliError::write_file(path))?;
        let mut out = BufWriter::new(file);
        let process = std::process::id();
        let host = machine::host_name().unwrap_or_default();
        let name = json!({
            "ph": "M", "name": "process_name", "pid": process,
            "args": {"name": format!("kaskade {process} on {host}")},
        });
        write!(out, "[\n{name}").map_err(CliError::write_file(path))?;
        Ok(Self(Arc::new(Trace {
            path: path.to_owned(),
            out: Mutex::new(Some(out)),
            process,
            begun: Instant::now(),
            begun_micros: machine::unix_seconds() * 1e6,
            next_span: AtomicU64::new(1),
        })))
    }

    /// What ends the file.
    pub(super) fn closing(&self) -> Closing {
        Closing(Arc::clone(&self.0))
    }
}

impl Trace {
    fn now_micros(&self) -> f64 {
        self.begun_micros + self.begun.elapsed().as_secs_f64() * 1e6
    }

    /// Writes `events`; after a failure nothing more.
    fn write(&self, events: &[Value]) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &mut *out else { return };
        let written = events.iter().try_for_each(|event| write!(file, ",\n{event}"));
        if let Err(error) = written {
            *out = None;
            drop(out);
            tracing::error!(path = %self.path.display(), %error, "the trace ends here");
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut file) = out.take()
            && let Err(error) = file.write_all(b"\n]\n").and_then(|()| file.flush())
        {
            drop(out);
            tracing::error!(path = %self.0.path.display(), %error, "the trace is not whole");
        }
    }
}

/// The ids of the trace of `job` and of its first span, hexadecimal as W3C trace context has
/// them.
fn ids_of_job(job: &str) -> (String, String) {
    let mut hex = String::new();
    for seed in [0x6b61_736b_6164_6531, 0x6b61_736b_6164_6532, 0x6b61_736b_6164_6533_u64] {
        // FNV-1a and a finisher: ids that differ, for people, and no more.
        let hash = job.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hex += &format!("{:016x}", hash ^ (hash >> 29));
    }
    let root = hex.split_off(32);
    (hex, root)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TraceFile {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        let number = self.0.next_span.fetch_add(1, Relaxed);
        let mut open = Open {
            begun_micros: self.0.now_micros(),
            args: fields.0,
            span: format!("{:08x}{number:08x}", self.0.process),
            track: String::new(),
        };
        let parent = span.parent().and_then(|parent| parent.extensions().get::<Open>().cloned());
        match parent {
            Some(parent) => {
                for name in ["job_id", "batch_id", "worker_id", "trace_id"] {
                    if let (false, Some(value)) =
                        (open.args.contains_key(name), parent.args.get(name))
                    {
                        open.args.insert(name.to_owned(), value.clone());
                    }
                }
                open.args.insert("parent_id".to_owned(), parent.span.into());
                let begins_track = span.name() == "batch";
                open.track = if begins_track { open.span.clone() } else { parent.track };
            }
            None => {
                if let Some(job) = open.args.get("job_id").and_then(Value::as_str) {
                    let (trace, root) = ids_of_job(job);
                    if open.args.contains_key("worker_id") {
                        open.args.insert("parent_id".to_owned(), root.into());
                    } else {
                        open.span = root;
                    }
                    open.args.insert("trace_id".to_owned(), trace.into());
                }
                open.track = open.span.clone();
            }
        }
        open.args.insert("span_id".to_owned(), open.span.clone().into());
        span.extensions_mut().insert(open);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        let trace = &self.0;
        let event = |phase: &str, micros: f64, args: Value| {
            json!({
                "ph": phase, "cat": "kaskade", "name": span.name(), "pid": trace.process,
                "tid": trace.process, "id2": {"local": open.track}, "ts": micros, "args": args,
            })
        };
        let end = event("e", trace.now_micros(), json!({}));
        trace.write(&[event("b", open.begun_micros, Value::Object(open.args.clone())), end]);
    }
}

/// The fields of a span.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;

    fn read(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    #[test]
    fn spans_are_nested_and_know_their_job() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let trace = TraceFile::create(&path).unwrap();
        let closing = trace.closing();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(trace), || {
            let job = tracing::info_span!("job", job_id = "j", worker_id = 3_u64);
            let batch = tracing::info_span!(parent: &job, "batch", batch_id = 7_u64);
            tracing::debug_span!(parent: &batch, "round", round = 1_u64).in_scope(|| {
                drop(tracing::debug_span!("expand"));
            });
        });
        drop(closing);
        let events = read(&path);
        let begun = |name: &str| {
            let is_it = |event: &&Value| event["ph"] == "b" && event["name"] == name;
            events.iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {events:?}"))
        };
        let (job, batch, round) = (begun("job"), begun("batch"), begun("round"));
        assert_eq!(job["args"]["parent_id"], ids_of_job("j").1, "the coordinator's");
        assert_eq!(batch["args"]["parent_id"], job["args"]["span_id"]);
        assert_eq!(round["args"]["parent_id"], batch["args"]["span_id"]);
        let expand = &begun("expand")["args"];
        assert_eq!(expand["parent_id"], round["args"]["span_id"]);
        assert_eq!((&expand["job_id"], &expand["batch_id"]), (&json!("j"), &json!(7)));
        assert_eq!(expand["trace_id"], job["args"]["trace_id"]);
        assert_eq!(begun("expand")["id2"], batch["id2"], "a batch is a track");
        let ends = events.iter().filter(|event| event["ph"] == "e").count();
        assert_eq!(ends, 4);
        assert!(TraceFile::create(&path).is_err(), "nothing is overwritten");
    }

    #[test]
    fn ids_of_jobs_differ() {
        let (trace, root) = ids_of_job("a");
        assert_eq!((trace.len(), root.len()), (32, 16));
        assert_ne!(ids_of_job("b").0, trace);
        assert_ne!(&trace[..16], &trace[16..]);
    }
}
