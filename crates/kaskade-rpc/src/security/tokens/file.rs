//! A table of tokens that may change while a server runs: what is revoked, ends.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Holder, Refusal, TokenTable};
use crate::security::{SecurityError, secret};

/// How often the file is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The tokens in a file, read again when it has changed.
#[derive(Clone, Debug)]
pub struct TokenFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// `None` when the file could not be read: nobody is let in by what may have been revoked.
    table: Option<TokenTable>,
    seen: Option<Version>,
    looked: Instant,
}

/// What tells that a file is another one, or another text.
type Version = (u64, u64, i64, i64);

impl TokenFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`SecurityError`] when it is open to others, or is no table of tokens.
    pub fn open(path: &Path) -> Result<Self, SecurityError> {
        let seen = version(path);
        let table = Some(read(path)?);
        let held = Mutex::new(Held { table, seen, looked: Instant::now() });
        Ok(Self(Arc::new(Inner { path: path.to_owned(), held })))
    }

    pub(super) fn holder(&self, presented: &str, seconds: u64) -> Result<Holder, Refusal> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.looked.elapsed() >= LOOK_INTERVAL {
            self.look(&mut held);
        }
        held.table.as_ref().ok_or(Refusal::NoTable)?.holder(presented, seconds)
    }

    fn look(&self, held: &mut Held) {
        held.looked = Instant::now();
        let now = version(&self.0.path);
        if now == held.seen && held.table.is_some() {
            return;
        }
        let had_table = held.table.is_some();
        held.seen = now;
        held.table = match read(&self.0.path) {
            Ok(table) => {
                tracing::info!(n_tokens = table.rows.len(), "tokens read again");
                Some(table)
            }
            Err(error) => {
                if had_table {
                    tracing::error!(%error, "nobody is let in until the tokens can be read");
                }
                None
            }
        };
    }
}

fn read(path: &Path) -> Result<TokenTable, SecurityError> {
    TokenTable::parse(path, &secret::read(path)?)
}

fn version(path: &Path) -> Option<Version> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::Role;
    use crate::security::tokens::{Token, TokenRow};

    /// As after the next look.
    fn holder(file: &TokenFile, token: &Token) -> Result<Holder, Refusal> {
        file.look(&mut file.0.held.lock().unwrap());
        file.holder(token.expose(), 1)
    }

    #[test]
    fn what_is_revoked_ends_and_what_cannot_be_read_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let (ann, bob) = (Token::new([1; 32]), Token::new([2; 32]));
        let row = |token| TokenRow::new(token, "u", Role::Viewer, 9).unwrap();
        let table = |rows| TokenTable { rows }.to_text();
        secret::create(&path, &table(vec![row(&ann), row(&bob)])).unwrap();
        let file = TokenFile::open(&path).unwrap();
        assert!(holder(&file, &ann).is_ok() && holder(&file, &bob).is_ok());

        std::fs::remove_file(&path).unwrap();
        assert_eq!(holder(&file, &ann), Err(Refusal::NoTable));
        secret::create(&path, &table(vec![row(&bob)])).unwrap();
        assert_eq!(holder(&file, &ann), Err(Refusal::Unknown));
        assert!(holder(&file, &bob).is_ok());
    }
}
