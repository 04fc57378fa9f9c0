//! Where things lie, for tests that read the repository itself or the data beside it.

use std::path::{Path, PathBuf};

/// The root of the repository that this crate was compiled in.
#[must_use]
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().nth(2).expect("the crate lies in <root>/crates").to_owned()
}

/// The folder of real graphs beside the repository; it may be absent.
#[must_use]
pub fn shared_data() -> PathBuf {
    root().join("../shared/data")
}
