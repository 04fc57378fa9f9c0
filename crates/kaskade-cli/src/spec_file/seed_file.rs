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

/// The ids in the file at `path`. Blank lines and what follows a `#` are passed over.
///
/// # Errors
/// [`CliError`] names the line that is no id, or the limit.
pub(super) fn read(path: &Path, limit: SeedFileLimit) -> Result<Vec<OriginalId>, CliError> {
    let unread = || CliError::read_file(path);
    let bytes = fs::metadata(path).map_err(unread())?.len();
    if limit == SeedFileLimit::Request && bytes > DOCUMENT_BYTES as u64 {
        let what = path.display().to_string();
        return Err(CliError::TooLarge { what, bytes, limit: DOCUMENT_BYTES });
    }
    let mut ids = Vec::new();
    for (line, text) in (1..).zip(BufReader::new(File::open(path).map_err(unread())?).lines()) {
        let text = text.map_err(unread())?;
        let text = text.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let id = text.parse().map_err(|_| CliError::SeedLine {
            path: path.to_owned(),
            line,
            text: text.chars().take(40).collect(),
        })?;
        ids.push(id);
    }
    Ok(ids)
}
