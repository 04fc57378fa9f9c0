//! Lists of ascending numbers, coded by their gaps.
//!
//! The first number, then each less its predecessor and one, in bytes of 7 bits, the lowest
//! first; all but a number's last byte have their top bit set. Lists in a row need no mark
//! between them: whoever knows how many numbers come before finds a list by counting the
//! bytes without that bit.
//!
//! Whole bytes because a list is decoded whenever a round reads it. They take 1.5 to 1.6 bytes an
//! arc on R-MAT of scale 20 in 16 shards, 1.0 to 1.2 on wiki-Vote. On samples of both, lengths
//! apart from the numbers (stream VByte) take 8 to 22 % more, nibbles 8 to 22 % less, and Rice codes
//! from 4 % more to 34 % less, both of which are decoded bit by bit.

/// The bytes without the top bit set, a bit each.
const TOP_BITS: u64 = 0x8080_8080_8080_8080;

/// The most bytes that a number takes.
const MAX_BYTES: usize = 5;

/// Appends `values`, which strictly ascend, to `bytes`.
pub(super) fn encode(values: &[u32], bytes: &mut Vec<u8>) {
    let mut next = 0;
    for &value in values {
        encode_gap(value - next, bytes);
        next = value.wrapping_add(1);
    }
}

/// Appends the number `gap`.
#[inline]
pub(super) fn encode_gap(mut gap: u32, bytes: &mut Vec<u8>) {
    while gap >= 0x80 {
        bytes.push(gap as u8 | 0x80);
        gap >>= 7;
    }
    bytes.push(gap as u8);
}

/// The bytes that `gap` takes.
#[inline]
pub(super) fn gap_bytes(gap: u32) -> usize {
    (38 - (gap | 1).leading_zeros() as usize) / 7
}

/// Puts the `n_values` numbers of the list that `bytes` begin with into `values`. Bytes that
/// were not checked and are wrong give other numbers, or fewer.
#[inline]
pub(super) fn decode(bytes: &[u8], n_values: usize, values: &mut Vec<u32>) {
    values.clear();
    values.reserve(n_values.min(bytes.len()));
    let (mut next, mut at) = (0u32, 0);
    while values.len() < n_values {
        let Some(word) = bytes.get(at..at + 8) else { break };
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes are eight bytes"));
        if word & TOP_BITS == 0 && values.len() + 8 <= n_values {
            // Eight gaps below 128: most lists that are long.
            let eight: [u32; 8] = std::array::from_fn(|byte| {
                let value = next.wrapping_add(u32::from((word >> (8 * byte)) as u8));
                next = value.wrapping_add(1);
                value
            });
            values.extend_from_slice(&eight);
            at += 8;
            continue;
        }
        let n_bytes = (!word & TOP_BITS).trailing_zeros() as usize / 8 + 1;
        let gap = gap_of(word, n_bytes.min(MAX_BYTES));
        let value = next.wrapping_add(gap);
        values.push(value);
        next = value.wrapping_add(1);
        at += n_bytes;
    }
    // The last bytes of a section.
    while values.len() < n_values && at < bytes.len() {
        let mut word = [0; 8];
        let rest = &bytes[at..bytes.len().min(at + 8)];
        word[..rest.len()].copy_from_slice(rest);
        let word = u64::from_le_bytes(word);
        let n_bytes = ((!word & TOP_BITS).trailing_zeros() as usize / 8 + 1).min(MAX_BYTES);
        let value = next.wrapping_add(gap_of(word, n_bytes));
        values.push(value);
        next = value.wrapping_add(1);
        at += n_bytes;
    }
}

/// The number in the lowest `n_bytes` bytes of `word`, 1 to 5.
#[inline]
fn gap_of(word: u64, n_bytes: usize) -> u32 {
    let word = word & (u64::MAX >> (64 - 8 * n_bytes));
    let gap = word & 0x7f
        | word >> 1 & 0x3f80
        | word >> 2 & 0x1f_c000
        | word >> 3 & 0xfe0_0000
        | word >> 4 & 0xf000_0000;
    gap as u32
}

/// The place of the number after the first `n_values` of `bytes`; their end when they have
/// fewer. O(bytes / 8).
#[inline]
pub(super) fn skip(bytes: &[u8], n_values: usize) -> usize {
    let (mut n_left, mut at) = (n_values, 0);
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes are eight bytes"));
        let n_ended = (!word & TOP_BITS).count_ones() as usize;
        if n_ended >= n_left {
            break;
        }
        n_left -= n_ended;
        at += 8;
    }
    while n_left > 0 && at < bytes.len() {
        n_left -= usize::from(bytes[at] & 0x80 == 0);
        at += 1;
    }
    at
}

/// As [`decode`], but `None` unless `bytes` begin with `n_values` numbers below `limit`, each
/// in as few bytes as it can be; else the bytes that they take.
pub(super) fn decode_checked(
    bytes: &[u8],
    n_values: usize,
    limit: u32,
    values: &mut Vec<u32>,
) -> Option<usize> {
    values.clear();
    if n_values > bytes.len() {
        return None;
    }
    values.reserve(n_values);
    let (mut next, mut at) = (0u64, 0);
    for _ in 0..n_values {
        let (mut gap, mut n_bytes) = (0u64, 0);
        loop {
            let byte = *bytes.get(at + n_bytes)?;
            gap |= u64::from(byte & 0x7f) << (7 * n_bytes);
            n_bytes += 1;
            if byte & 0x80 == 0 {
                break;
            }
            if n_bytes == MAX_BYTES {
                return None;
            }
        }
        let value = next.checked_add(gap).filter(|&value| value < limit.into())?;
        if gap_bytes(u32::try_from(gap).ok()?) != n_bytes {
            return None;
        }
        values.push(u32::try_from(value).ok()?);
        next = value + 1;
        at += n_bytes;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ascending() -> impl Strategy<Value = Vec<u32>> {
        let gap = prop_oneof![0u32..3, 0u32..128, 100u32..20_000, any::<u32>()];
        prop::collection::vec(gap, 0..60).prop_map(|gaps| {
            let mut next = Some(0u32);
            let mut values = Vec::new();
            for gap in gaps {
                let Some(value) = next.and_then(|next| next.checked_add(gap)) else { break };
                values.push(value);
                next = value.checked_add(1);
            }
            values
        })
    }

    proptest! {
        #[test]
        fn lists_return(lists in prop::collection::vec(ascending(), 1..5)) {
            let mut bytes = Vec::new();
            lists.iter().for_each(|list| encode(list, &mut bytes));
            let (mut begin, mut n_before, mut values) = (0, 0, vec![7]);
            for list in &lists {
                prop_assert_eq!(skip(&bytes, n_before), begin);
                decode(&bytes[begin..], list.len(), &mut values);
                prop_assert_eq!(&values, list);
                let limit = list.last().map_or(0, |&last| last.saturating_add(1));
                let taken = decode_checked(&bytes[begin..], list.len(), u32::MAX, &mut values);
                if list.last() == Some(&u32::MAX) {
                    prop_assert_eq!(taken, None);
                    return Ok(());
                }
                prop_assert_eq!(&values, list);
                prop_assert_eq!(decode_checked(&bytes[begin..], list.len(), limit, &mut values), taken);
                if limit > 0 {
                    let below = decode_checked(&bytes[begin..], list.len(), limit - 1, &mut values);
                    prop_assert_eq!(below, None);
                }
                begin += taken.unwrap();
                n_before += list.len();
            }
            prop_assert_eq!(begin, bytes.len());
            prop_assert_eq!(decode_checked(&bytes, n_before + 1, u32::MAX, &mut values), None);
        }

        /// Whatever lies there, decoding ends, in bounds, and agrees with the checked one.
        #[test]
        fn any_bytes_are_decoded_without_a_panic(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x80u8..0x84, 0u8..4], 0..40),
            n_values in 0usize..50,
            limit: u32,
        ) {
            let (mut values, mut checked) = (Vec::new(), Vec::new());
            decode(&bytes, n_values, &mut values);
            prop_assert!(values.len() <= n_values);
            prop_assert!(skip(&bytes, n_values) <= bytes.len());
            if decode_checked(&bytes, n_values, limit, &mut checked).is_some() {
                prop_assert_eq!(&values, &checked);
                prop_assert!(checked.is_sorted_by(|a, b| a < b));
                prop_assert!(checked.iter().all(|&value| value < limit));
            }
        }
    }

    #[test]
    fn gaps_take_what_is_said() {
        for gap in [0, 1, 127, 128, 16_383, 16_384, (1 << 21) - 1, 1 << 21, (1 << 28) - 1, 1 << 28]
            .into_iter()
            .chain([u32::MAX])
        {
            let mut bytes = Vec::new();
            encode_gap(gap, &mut bytes);
            assert_eq!(bytes.len(), gap_bytes(gap), "gap {gap}");
        }
        // An overlong zero.
        assert_eq!(decode_checked(&[0x80, 0], 1, 9, &mut Vec::new()), None);
    }
}
