//! Seeds from a file: an id a line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use kaskade_model::spec::OriginalId;
use kaskade_rpc::limits::DOCUMENT_BYTES;

use crate::error::CliError;

/// How large a seed file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeedFileLimit {
    /// As large as memory holds.
    None,
    /// What a request to a coordinator carries.
    Request,
}

/// The ids in the file at `path`: a trimmed line is an id, spaces and commas within it too.
/// Passed over are blank lines and comments: what follows a `#` that begins a line or stands
/// after a space. (An id that such a rule would cut can stand in a spec's `ids`.)
///
/// # Errors
/// [`CliError`] names the line that is no text, or the limit.
pub(super) fn read(path: &Path, limit: SeedFileLimit) -> Result<Vec<OriginalId>, CliError> {
    let unread = || CliError::read_file(path);
    let bytes = fs::metadata(path).map_err(unread())?.len();
    if limit == SeedFileLimit::Request && bytes > DOCUMENT_BYTES as u64 {
        let what = path.display().to_string();
        return Err(CliError::TooLarge { what, bytes, limit: DOCUMENT_BYTES });
    }
    let mut ids = Vec::new();
    let file = BufReader::new(File::open(path).map_err(unread())?);
    for (line, bytes) in (1..).zip(file.split(b'\n')) {
        let bytes = bytes.map_err(unread())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| CliError::SeedLine {
            path: path.to_owned(),
            line,
            text: String::from_utf8_lossy(&bytes).chars().take(40).collect(),
        })?;
        // A byte order mark stands before the first line, if at all.
        let text = if line == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let id = without_comment(text).trim();
        if !id.is_empty() {
            ids.push(OriginalId::from(id));
        }
    }
    Ok(ids)
}

/// `line` up to a `#` that begins it or follows a space.
fn without_comment(line: &str) -> &str {
    let begins_comment =
        |&(at, _): &(usize, &str)| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').find(begins_comment);
    comment.map_or(line, |(at, _)| &line[..at])
}
