use proptest::prelude::*;

use super::*;
use crate::convert::testing::{assert_golden, assert_round_trip, chunks, graph_files};

proptest! {
    #[test]
    fn round_trips(file in graph_files(), chunk in chunks()) {
        assert_round_trip::<_, pb::GraphFile>(file);
        assert_round_trip::<_, pb::FileChunk>(chunk);
    }
}

fn piece(offset: u64, total_bytes: u64, data: &'static [u8]) -> FileChunk {
    FileChunk { offset, total_bytes, data: Bytes::from_static(data) }
}

#[test]
fn golden_bytes() {
    assert_golden::<pb::GraphFile>(GraphFile::Shard(ShardId(7)), "08031007");
    assert_golden::<pb::GraphFile>(GraphFile::Attributes, "0804");
    // The CRC-32C of "123456789" is 0xe3069283 in the literature.
    assert_golden::<pb::FileChunk>(
        piece(2, 20, b"123456789"),
        "080210141a093132333435363738392083a59a980e",
    );
}

#[test]
fn a_result_cannot_leave_its_folder() {
    for bad in ["", ".", "..", "../a", "a/b", "a\\b", ".hidden", "a\0", "ä", &"x".repeat(129)] {
        assert!(FileName::new(bad).is_err(), "{bad:?}");
    }
    for good in ["summary.json", "rounds.parquet", "A-1_b", &"x".repeat(128)] {
        assert_eq!(FileName::new(good).unwrap().as_str(), good);
    }
}

#[test]
fn damaged_and_overlong_chunks_are_refused() {
    let refuse = |change: fn(&mut pb::FileChunk)| {
        let mut message = pb::FileChunk::from(piece(2, 5, b"abc"));
        change(&mut message);
        FileChunk::try_from(message).unwrap_err().to_string()
    };
    assert!(refuse(|chunk| chunk.data = b"abd".as_slice().into()).contains("damaged on the way"));
    assert!(refuse(|chunk| chunk.total_bytes = 4).contains("3 bytes at 2 of a file of 4"));
    assert!(refuse(|chunk| chunk.offset = u64::MAX).contains("3 bytes at"));
    assert!(refuse(|chunk| chunk.data = Bytes::new()).contains("is empty at 2"));
    assert!(refuse(|chunk| chunk.data = vec![0; CHUNK_BYTES + 1].into()).contains("at most"));
    for file in [
        pb::GraphFile { kind: 0, shard: 0 },
        pb::GraphFile { kind: 2, shard: 1 },
        pb::GraphFile { kind: 4, shard: 1 },
    ] {
        assert!(GraphFile::try_from(file).is_err(), "{file:?}");
    }
}

#[test]
fn pieces_must_follow_each_other() {
    let mut progress = Progress::from_offset(2);
    assert!(!progress.is_complete());
    progress.accept(&piece(2, 9, b"abc")).unwrap();
    let gap = progress.accept(&piece(6, 9, b"efg")).unwrap_err();
    assert_eq!(gap.code, ErrorCode::DataLoss);
    assert!(progress.accept(&piece(5, 10, b"de")).is_err(), "another file");
    progress.accept(&piece(5, 9, b"defg")).unwrap();
    assert!(progress.is_complete());
    assert_eq!(progress.held_bytes(), 9);

    let mut empty = Progress::from_offset(0);
    empty.accept(&piece(0, 0, b"")).unwrap();
    assert!(empty.is_complete());
}
