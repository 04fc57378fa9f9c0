//! The manifest as a file: JSON whose last key is the digest of all bytes before it, so
//! that no changed byte passes, not even a space.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use serde::Deserialize;

use super::Manifest;
use crate::error::StoreError;
use crate::{FORMAT_VERSION, durable, names};

/// More than 4096 shards take, and little enough to read at once.
const MAX_BYTES: u64 = 16 << 20;

/// What stands before and after the digest at the end of the file.
const SEAL_BEFORE: &str = ",\n  \"manifest_digest\": \"";
const SEAL_AFTER: &str = "\"\n}\n";

const DIGEST_HEX_BYTES: usize = 2 * blake3::OUT_LEN;

pub(super) fn read(dir: &Path) -> Result<Manifest, StoreError> {
    let path = dir.join(names::MANIFEST);
    let mut contents = Vec::new();
    match File::open(&path) {
        Ok(file) => file
            .take(MAX_BYTES + 1)
            .read_to_end(&mut contents)
            .map_err(|source| StoreError::io("read", &path, source))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // Tells a missing directory from one that is none, or was never finished.
            fs::metadata(dir).map_err(|source| StoreError::io("open", dir, source))?;
            return Err(StoreError::NoManifest { path: dir.to_owned() });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(StoreError::NoManifest { path: dir.to_owned() });
        }
        Err(error) => return Err(StoreError::io("open", &path, error)),
    };
    parse(&path, &contents)
}

pub(super) fn parse(path: &Path, contents: &[u8]) -> Result<Manifest, StoreError> {
    if contents.len() as u64 > MAX_BYTES {
        let expected = format!("at most {MAX_BYTES} bytes");
        return Err(StoreError::malformed(path, "length", expected, "more"));
    }
    let syntax = |source| StoreError::ManifestSyntax { path: path.to_owned(), source };
    let Version { format_version } = serde_json::from_slice(contents).map_err(syntax)?;
    if format_version != u64::from(FORMAT_VERSION) {
        return Err(StoreError::UnsupportedVersion {
            path: path.to_owned(),
            found: format_version,
            supported: FORMAT_VERSION,
        });
    }
    check_seal(path, contents)?;
    let manifest: Manifest = serde_json::from_slice(contents).map_err(syntax)?;
    manifest.validate(path)?;
    Ok(manifest)
}

pub(super) fn write(manifest: &Manifest, dir: &Path) -> Result<(), StoreError> {
    let json = serde_json::to_string_pretty(manifest).expect("a manifest has plain keys");
    let open = json.strip_suffix("\n}").expect("pretty JSON of a struct ends in a brace");
    let digest = blake3::hash(open.as_bytes()).to_hex();
    durable::write_file(&dir.join(names::MANIFEST), |file| {
        write!(file, "{open}{SEAL_BEFORE}{digest}{SEAL_AFTER}")
    })
}

/// The key that every version has.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

/// Compares the digest at the end of the file with that of all bytes before it.
fn check_seal(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    let seal_bytes = SEAL_BEFORE.len() + DIGEST_HEX_BYTES + SEAL_AFTER.len();
    let (open, seal) = contents.split_at(contents.len().saturating_sub(seal_bytes));
    let stated = seal
        .strip_prefix(SEAL_BEFORE.as_bytes())
        .and_then(|rest| rest.strip_suffix(SEAL_AFTER.as_bytes()))
        .ok_or_else(|| {
            StoreError::malformed(path, "last line", "manifest_digest", "something else")
        })?;
    let found = blake3::hash(open).to_hex();
    if stated != found.as_bytes() {
        return Err(StoreError::Digest {
            path: path.to_owned(),
            what: "manifest_digest",
            expected: String::from_utf8_lossy(stated).into_owned(),
            found: found.to_string(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::tiny;
    use crate::{StoreErrorKind, Views};

    /// A manifest's JSON with another value for a key, sealed anew.
    fn resealed(contents: &[u8], key: &str, value: serde_json::Value) -> Vec<u8> {
        let mut json: serde_json::Value = serde_json::from_slice(contents).unwrap();
        let keys = json.as_object_mut().unwrap();
        keys.remove("manifest_digest");
        keys.insert(key.to_owned(), value);
        let json = serde_json::to_string_pretty(&json).unwrap();
        let open = json.strip_suffix("\n}").unwrap();
        let digest = blake3::hash(open.as_bytes()).to_hex();
        format!("{open}{SEAL_BEFORE}{digest}{SEAL_AFTER}").into_bytes()
    }

    #[test]
    fn manifests_that_contradict_themselves_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tiny.kg");
        let manifest = tiny().write(&dir, 2, Views::Both).unwrap();
        let path = dir.join(names::MANIFEST);
        let contents = fs::read(&path).unwrap();
        let parse = |key, value| parse(&path, &resealed(&contents, key, value));

        let with_a_new_key = parse("colour", "blue".into());
        assert_eq!(with_a_new_key.unwrap(), manifest, "keys of a later version are passed over");
        let kind = |key, value| parse(key, value).unwrap_err().kind();
        for version in [1, 2, 4] {
            assert_eq!(kind("format_version", version.into()), StoreErrorKind::UnsupportedVersion);
        }
        assert_eq!(kind("format_version", "one".into()), StoreErrorKind::Corrupt);
        let zeros = "0".repeat(32);
        for (key, value) in [
            ("n_nodes", 70.into()),
            ("n_nodes", (1u64 << 40).into()),
            ("n_arcs", 7.into()),
            ("order", "in-degree".into()),
            ("order", "random".into()),
            ("views", "none".into()),
            ("layout", "folded".into()),
            ("columns", serde_json::json!([])),
            ("columns", serde_json::json!(["a", "b"])),
            ("digest", "0".repeat(64).into()),
            ("arc_sum", zeros.clone().into()),
            ("arc_sum", "ä".into()),
            ("column_digest", zeros.into()),
            ("column_digest", serde_json::Value::Null),
            ("shards", serde_json::json!([])),
            ("shards", serde_json::to_value(&manifest.shards[..1]).unwrap()),
            ("shards", serde_json::json!([manifest.shards[1], manifest.shards[0]])),
        ] {
            assert_eq!(kind(key, value.clone()), StoreErrorKind::Corrupt, "{key}: {value}");
        }
    }

    #[test]
    fn a_manifest_is_refused_by_its_length() {
        let path = Path::new("manifest.json");
        let error = parse(path, &vec![b' '; MAX_BYTES as usize + 1]).unwrap_err();
        assert!(matches!(error, StoreError::Malformed { section: "length", .. }), "{error}");
        assert!(parse(path, b"").unwrap_err().is_corrupt());
        assert!(parse(path, b"{\"format_version\": 3}").unwrap_err().is_corrupt());
    }
}
