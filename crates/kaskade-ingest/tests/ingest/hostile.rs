//! Bytes that nobody wrote: every format ends, with arcs or an error, and never panics.

use kaskade_ingest::spec::{ColumnChoice, Format, IdKind};
use proptest::prelude::*;

use crate::common::gzip;
use crate::formats::read;

/// Beginnings that get past the first check of a format.
const BEGINNINGS: [&[u8]; 9] = [
    b"",
    b"from,to\n",
    b"% sym\n",
    b"%%MatrixMarket matrix coordinate real symmetric\n9 9 3\n",
    b"5 4 11\n",
    b"PAR1",
    b"\0\x03\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"\x1f\x8b\x08\0",
    b"\x28\xb5\x2f\xfd",
];

/// Bytes of which files of text are made, and a few that they are not.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(&b"0123456789 \t\n\r,\".%#abc-"[..]),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..200)
}

proptest! {
    #[test]
    fn any_bytes_end_in_every_format(
        beginning in prop::sample::select(&BEGINNINGS[..]),
        text in any_text(),
        bytes: Vec<u8>,
        format in prop::sample::select(&Format::ALL[..]),
        ids in prop::sample::select(&[IdKind::Auto, IdKind::Number, IdKind::String][..]),
        third in prop::sample::select(&["nothing", "probability", "class"][..]),
        n_skipped in prop::sample::select(&[0u64, 1000][..]),
    ) {
        for tail in [text, bytes] {
            let whole = [beginning, &tail].concat();
            for contents in [whole.clone(), gzip(&whole)] {
                let _ = read("input", &contents, |spec| {
                    spec.format = Some(format.0);
                    spec.ids = ids;
                    spec.skip_bad_lines = n_skipped;
                    let column = Some(ColumnChoice::Index(2));
                    match third {
                        "probability" => spec.column = column,
                        "class" => spec.channel_column = column,
                        _ => {}
                    }
                });
                let _ = read("input", &contents, |_| {});
            }
        }
    }
}
