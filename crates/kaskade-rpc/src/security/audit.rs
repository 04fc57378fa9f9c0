//! The audit log: who did what, a line of JSON an action, and nothing is ever changed in it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::throttle::Throttle;

/// Lines that may wait for the disk; then calls wait too.
const LINES_AHEAD: usize = 1024;

/// The length from which on a new file is begun.
const FILE_BYTES: u64 = 64 << 20;

/// Earlier files that are kept, `audit.jsonl.1` the latest; older ones are removed, so that callers
/// cannot fill the disk that jobs are noted on.
const EARLIER_FILES: usize = 7;

/// A handle to the log; its thread ends with the last of them.
#[derive(Clone, Debug)]
pub struct AuditLog(mpsc::Sender<Waiting>);

#[derive(Debug)]
struct Waiting {
    line: Vec<u8>,
    written: oneshot::Sender<()>,
}

/// An action of somebody who is known.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Action<'a> {
    /// When it was answered, in seconds since 1970.
    pub(crate) time: f64,
    /// Who.
    pub(crate) user: &'a str,
    /// As what.
    pub(crate) role: &'a str,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<SocketAddr>,
    /// What was called: `Jobs/Submit`.
    pub(crate) rpc: &'a str,
    /// On which job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<&'a str>,
    /// On which graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) graph: Option<&'a str>,
    /// `ok`, or the error's kind. A stream is `ok` once it has begun.
    pub(crate) outcome: &'a str,
}

impl AuditLog {
    /// Opens the log at `path` to append to it, or makes it; only its owner may read it.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_in_pieces(path, FILE_BYTES)
    }

    fn open_in_pieces(path: &Path, file_bytes: u64) -> io::Result<Self> {
        let pieces = Pieces { path: path.to_owned(), file: append_to(path)?, file_bytes };
        let (lines, waiting) = mpsc::channel(LINES_AHEAD);
        std::thread::Builder::new()
            .name("kaskade-audit-log".to_owned())
            .spawn(move || write_all(pieces, waiting))?;
        Ok(Self(lines))
    }

    /// Writes `action`; returns when the system has it, so that nobody hears of an action that
    /// is not in the log.
    pub(crate) async fn write(&self, action: &Action<'_>) {
        let mut line = serde_json::to_vec(action).expect("texts and numbers are JSON");
        line.push(b'\n');
        let (written, done) = oneshot::channel();
        // A thread that is gone has said why.
        if self.0.send(Waiting { line, written }).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// The log's files, of which the first is written.
struct Pieces {
    path: PathBuf,
    file: File,
    file_bytes: u64,
}

impl Pieces {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.len() >= self.file_bytes {
            self.begin_another()?;
        }
        // One call a line: with other writers it is whole or not there.
        self.file.write_all(line)
    }

    fn begin_another(&mut self) -> io::Result<()> {
        let earlier = |number: usize| {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".{number}"));
            PathBuf::from(path)
        };
        for number in (1..EARLIER_FILES).rev() {
            match std::fs::rename(earlier(number), earlier(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, earlier(1))?;
        self.file = append_to(&self.path)?;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn write_all(mut pieces: Pieces, mut waiting: mpsc::Receiver<Waiting>) {
    let failures = Throttle::default();
    while let Some(Waiting { line, written }) = waiting.blocking_recv() {
        if let Err(error) = pieces.write(&line)
            && let Some(held_back) = failures.pass()
        {
            tracing::error!(%error, held_back, "could not write the audit log");
        }
        let _ = written.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_log_is_bounded_and_its_files_are_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::open_in_pieces(&folder.path().join("audit.jsonl"), 1000).unwrap();
        for number in 0..1000 {
            let job = number.to_string();
            let action = Action {
                time: 1.5,
                user: "ann",
                role: "submitter",
                from: None,
                rpc: "Jobs/Submit",
                job: Some(&job),
                graph: None,
                outcome: "ok",
            };
            log.write(&action).await;
        }
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), 1 + EARLIER_FILES, "{files:?}");
        let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
        let texts: Vec<String> = texts.collect();
        assert!(texts.iter().all(|text| text.len() < 1200 && text.ends_with("}\n")));
        // The latest stand in the file that has no number, or just before it.
        assert!(texts[..2].concat().contains("\"job\":\"999\""), "{texts:?}");
    }

    #[tokio::test]
    async fn actions_are_lines_that_are_appended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for job in ["a", "b\n\u{1b}[31m"] {
            let action = Action {
                time: 1.5,
                user: "ann",
                role: "submitter",
                from: None,
                rpc: "Jobs/Submit",
                job: Some(job),
                graph: None,
                outcome: "ok",
            };
            AuditLog::open(&path).unwrap().write(&action).await;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let first = r#"{"time":1.5,"user":"ann","role":"submitter","rpc":"Jobs/Submit","job":"a","outcome":"ok"}"#;
        assert_eq!(text.lines().next(), Some(first));
        assert_eq!(text.lines().count(), 2, "a line is a line, whatever stands in it: {text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
