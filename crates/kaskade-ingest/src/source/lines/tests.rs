use proptest::prelude::*;

use super::*;
use crate::arcs::ChannelSet;

fn read<V: InputValue>(text: &[u8], column: Option<usize>) -> Vec<LineResult<V::Field<'_>>> {
    let mut lines = Lines::new(text, column);
    std::iter::from_fn(|| lines.next_line::<V>().map(|(_, result)| result)).collect()
}

fn one(line: &str) -> LineResult<()> {
    let results = read::<()>(line.as_bytes(), None);
    assert_eq!(results.len(), 1, "{line:?}");
    results[0]
}

#[test]
fn separators_and_line_ends_mix() {
    for line in [
        "3 14",
        "3\t14",
        "3,14",
        " 3 , 14 ",
        "\t3\t,14\t\n",
        "3 14\r\n",
        "3 14\r",
        "3,14,\n",
        "3 14 0.5 junk\r\n",
        "003 14",
        "3   14,,",
        "3 14\t\t\r\n",
    ] {
        assert_eq!(one(line), Ok(Some((3, 14, ()))), "{line:?}");
    }
}

#[test]
fn blank_lines_and_comments_are_no_arcs() {
    for line in ["\n", "\r\n", "  \t\r\n", " ", "# 1 2", "% 1 2\n", "  # x", "\r"] {
        assert_eq!(one(line), Ok(None), "{line:?}");
    }
    let long = format!("#{}", "x".repeat(2 * MAX_LINE_BYTES));
    assert_eq!(one(&long), Ok(None), "a comment may be long");
}

#[test]
fn bad_lines_have_reasons() {
    for (line, reason) in [
        ("1", BadLine::MissingTarget),
        ("1 \r\n", BadLine::MissingTarget),
        ("1,\n", BadLine::MissingTarget),
        ("1,,2", BadLine::EmptyField),
        (",1,2", BadLine::EmptyField),
        ("1 , , 2", BadLine::EmptyField),
        ("1.5 2", BadLine::NotAnId),
        ("1 2.0", BadLine::NotAnId),
        ("1e5 2", BadLine::NotAnId),
        ("-1 2", BadLine::NotAnId),
        ("+1 2", BadLine::NotAnId),
        ("\"1\" 2", BadLine::NotAnId),
        ("alice bob", BadLine::NotAnId),
        ("1;2", BadLine::NotAnId),
        ("1 \0", BadLine::NotAnId),
        ("18446744073709551616 1", BadLine::IdTooLarge),
        ("1 99999999999999999999999", BadLine::IdTooLarge),
        ("1\r2 3", BadLine::StrayCarriageReturn),
        ("1 2\r3 4\n", BadLine::StrayCarriageReturn),
        ("1 2 x\r3 4\n", BadLine::StrayCarriageReturn),
    ] {
        assert_eq!(one(line), Err(reason), "{line:?}");
    }
    let long = format!("1 {}2", " ".repeat(MAX_LINE_BYTES));
    assert_eq!(one(&long), Err(BadLine::TooLong));
}

#[test]
fn the_largest_id_fits() {
    assert_eq!(one("18446744073709551615 0"), Ok(Some((u64::MAX, 0, ()))));
    assert_eq!(one("0 0000000000000000000000000000001"), Ok(Some((0, 1, ()))));
}

#[test]
fn a_bad_line_does_not_swallow_the_next() {
    let results = read::<()>(b"1 2\nx\n\n1\r\n3 4\r\n5 6 7\r8\n9 9", None);
    assert_eq!(
        results,
        [
            Ok(Some((1, 2, ()))),
            Err(BadLine::NotAnId),
            Ok(None),
            Err(BadLine::MissingTarget),
            Ok(Some((3, 4, ()))),
            Err(BadLine::StrayCarriageReturn),
            Ok(Some((9, 9, ()))),
        ]
    );
}

fn value(line: &str, column: usize) -> LineResult<f64> {
    read::<f64>(line.as_bytes(), Some(column)).remove(0)
}

#[test]
fn the_column_counts_all_fields() {
    assert_eq!(value("1 2 0.25", 2), Ok(Some((1, 2, 0.25))));
    assert_eq!(value("1,2,x,1e-3,9\r\n", 3), Ok(Some((1, 2, 1e-3))));
    assert_eq!(value("1\t2\t1", 2), Ok(Some((1, 2, 1.0))));
    assert!(value("1 2 -0.0", 2).unwrap().unwrap().2.is_sign_positive());
    for line in ["1 2", "1 2 \r\n", "1 2,\n"] {
        assert_eq!(value(line, 2), Err(BadLine::MissingColumn), "{line:?}");
    }
    assert_eq!(value("1 2 0.5", 3), Err(BadLine::MissingColumn));
    assert_eq!(value("1,2,,0.5", 2), Err(BadLine::EmptyField));
    assert_eq!(value("1,2,,0.5", 3), Err(BadLine::EmptyField));
}

#[test]
fn the_column_must_be_a_probability() {
    for text in ["nan", "inf", "-0.1", "1.0001", "1e-11", "x", "0.5.", "\u{bd}", "0.5\0"] {
        let line = format!("1 2 {text} ");
        assert_eq!(value(&line, 2), Err(BadLine::NotAProbability), "{text:?}");
    }
}

#[test]
fn a_class_is_a_word_of_its_line() {
    let class = |line: &'static str| read::<ChannelSet>(line.as_bytes(), Some(2)).remove(0);
    assert_eq!(class("1 2 mail"), Ok(Some((1, 2, Some("mail")))));
    assert_eq!(class("1,2,sms,2024\r\n"), Ok(Some((1, 2, Some("sms")))));
    assert_eq!(class("1 2 7"), Ok(Some((1, 2, Some("7")))));
    assert_eq!(class("1 2 a/b"), Err(BadLine::NotAChannel));
    assert_eq!(class("1 2"), Err(BadLine::MissingColumn));
    assert_eq!(class("1,2,,x"), Err(BadLine::EmptyField));
    assert_eq!(class("1 2 mail\rx"), Err(BadLine::NotAChannel), "a stray carriage return");
}

#[test]
fn quotes_are_safe_and_short() {
    assert_eq!(quote(b"1 \x1b[2J\r\n2 3"), "1 \\x1b[2J");
    assert_eq!(quote(&[b'7'; 100]).chars().count(), 81);
}

#[test]
fn plain_lines_are_read_at_one_go_and_others_are_not() {
    let padded = |line: &str| format!("{line}\n123456789\t123456789\n").into_bytes();
    for (line, expected) in [
        ("3\t14", Some((3, 14, 5))),
        ("3145728\t1234567\r", Some((3_145_728, 1_234_567, 17))),
        ("12345678,0", Some((12_345_678, 0, 11))),
        ("123456789012345 000000000000001", Some((123_456_789_012_345, 1, 32))),
        ("99999999 99999999", Some((99_999_999, 99_999_999, 18))),
        ("1234567890123456 1", None),
        ("18446744073709551615 0", None),
        ("3  14", None),
        ("3\t14 ", None),
        ("3", None),
        ("3\t", None),
        ("3\tx", None),
        ("-3\t4", None),
        ("3:4", None),
        ("3/4", None),
        ("\u{b3}\t4", None),
        ("3\t4\u{b3}", None),
        ("3\r4", None),
        ("", None),
        ("#1 2", None),
    ] {
        assert_eq!(plain_arc(&padded(line), 0), expected, "{line:?}");
    }
    assert_eq!(plain_arc(b"3 14\n", 0), None, "too near the end");
}

proptest! {
    #[test]
    fn the_fast_way_agrees_with_the_slow_one(
        lines in prop::collection::vec("[0-9]{1,18}[\t ,:]{1,2}[0-9]{1,18}[ \r.]{0,1}|.{0,9}", 0..20)
    ) {
        let text = lines.join("\n");
        let fast = read::<()>(text.as_bytes(), None);
        let mut slow_lines = Lines::new(text.as_bytes(), None);
        let slow: Vec<LineResult<()>> = std::iter::from_fn(|| {
            slow_lines.next_with(Lines::read_arc::<()>).map(|(_, result)| result)
        })
        .collect();
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn any_bytes_are_read_to_the_end(bytes: Vec<u8>, column in prop::option::of(2usize..5)) {
        let n_ends = memchr::memchr_iter(b'\n', &bytes).count();
        let n_lines = n_ends + usize::from(!bytes.is_empty() && bytes.last() != Some(&b'\n'));
        prop_assert_eq!(read::<f64>(&bytes, column).len(), n_lines);
    }

    #[test]
    fn well_formed_bytes_agree_with_a_plain_reading(
        line in "[0-9]{1,21}[ \t,]{1,3}[0-9]{1,21}[ \t,]{0,2}(0\\.[0-9]{1,3})?(\r)?"
    ) {
        let fields: Vec<&str> = line
            .trim_end_matches('\r')
            .split(',')
            .flat_map(|part| {
                let words: Vec<&str> = part.split_whitespace().collect();
                if words.is_empty() { vec![""] } else { words }
            })
            .collect();
        let plain = fields[0].parse::<u64>().ok().zip(fields[1].parse::<u64>().ok());
        let read = read::<()>(line.as_bytes(), None).remove(0).ok().flatten();
        prop_assert_eq!(read.map(|(from, to, ())| (from, to)), plain);
    }
}
