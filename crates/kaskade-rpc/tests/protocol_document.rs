//! `docs/protocol.md` describes the files of `proto/` as they are.

use std::fs;
use std::path::Path;

#[test]
fn the_document_was_read_again_when_the_messages_changed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    for name in ["job", "control", "exchange"] {
        let path = format!("proto/kaskade/v1/{name}.proto");
        let checksum = format!("{:08x}", crc32c::crc32c(&fs::read(root.join(&path)).unwrap()));
        let row = document.lines().find(|line| line.contains(&path)).unwrap();
        assert!(
            row.ends_with(&format!("`{checksum}` |")),
            "{path} changed: see that docs/protocol.md still tells the truth and that the protocol \
             version was raised if a release had the old one, then write {checksum} there"
        );
    }
    let version = format!("protocol version {}.", kaskade_rpc::PROTOCOL_VERSION);
    assert!(document.contains(&version), "docs/protocol.md does not name {version}");
}
