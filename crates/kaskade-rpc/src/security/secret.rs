//! Files that nobody else may read: private keys and tokens.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::SecurityError;

/// Larger than any key or table of tokens that is one.
const MAX_BYTES: u64 = 16 << 20;

/// The text of the secret at `path`.
///
/// # Errors
/// [`SecurityError::ReadableByOthers`] when its group or others may read it. A file of the
/// system's administrator may be readable by the group under which the process runs: that
/// is how Kubernetes and systemd hand out secrets.
pub fn read(path: &Path) -> Result<String, SecurityError> {
    let failed = |source| SecurityError::Read { path: path.to_owned(), source };
    // Looked at through the open file: what is at the path may have changed since.
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    let is_handed_out = metadata.uid() == 0 && !rustix::process::geteuid().is_root();
    let too_open = if is_handed_out { 0o037 } else { 0o077 };
    if metadata.is_file() && mode & too_open != 0 {
        return Err(SecurityError::ReadableByOthers { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes the new file `path`, which only its owner may read.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when something is there, and whatever the system refuses.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Writes `path` anew, which only its owner may read: readers see the old text or the new.
///
/// # Errors
/// Whatever the system refuses; then the old text stays.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let aside = path.with_file_name(name);
    // What an earlier attempt left may be open to others.
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => create(&aside, text)?,
    }
    std::fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_their_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, "secret").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), "secret");
        assert_eq!(create(&path, "").unwrap_err().kind(), io::ErrorKind::AlreadyExists);

        replace(&path, "another").unwrap();
        assert_eq!(
            (read(&path).unwrap().as_str(), path.metadata().unwrap().mode() & 0o777),
            ("another", 0o600)
        );

        for mode in [0o644, 0o640, 0o604, 0o666] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("{mode:04o}")), "{error}");
            assert!(error.contains("`chmod 600 "), "{error}");
        }
        let missing = read(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, SecurityError::Read { .. }), "{missing}");
    }
}
