//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    group_thousands(&value.to_string())
}

/// `1 node`, `2 nodes`: a count with its noun.
pub(crate) fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// A number rounded to as many decimals as its size leaves room for.
pub(crate) fn figure(value: f64) -> String {
    figure_with(value, decimals_for(value))
}

/// A number with `decimals` decimals and thousands separators.
pub(crate) fn figure_with(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    format!("{sign}{}{fraction}", group_thousands(whole))
}

/// The decimals of [`figure`] for numbers up to `largest`.
pub(crate) fn decimals_for(largest: f64) -> usize {
    match largest.abs() {
        0.0 => 2,
        ..0.1 => 4,
        ..1e3 => 2,
        ..1e6 => 1,
        _ => 0,
    }
}

/// A number of bytes, with a binary unit.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if value < 1024 {
        return counted(value, "byte");
    }
    let mut scaled = value as f64 / 1024.0;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", figure_with(scaled, 1), UNITS[unit])
}

/// A bar of `share` (0 to 1) of `width` columns, to an eighth of a column.
pub(crate) fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

fn group_thousands(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "node"), "1 node");
        assert_eq!(counted(1234, "node"), "1,234 nodes");
    }

    #[test]
    fn decimals_follow_the_size() {
        assert_eq!(figure(0.0), "0.00");
        assert_eq!(figure(0.00126), "0.0013");
        assert_eq!(figure(12.345), "12.35");
        assert_eq!(figure(-1234.56), "-1,234.6");
        assert_eq!(figure(1_234_567.8), "1,234,568");
        assert_eq!(figure(999.999), "1,000.00");
    }

    #[test]
    fn bytes_have_binary_units() {
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1023), "1,023 bytes");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(5 << 30), "5.0 GiB");
        assert_eq!(bytes(u64::MAX), "16,384.0 PiB");
    }

    #[test]
    fn bars_are_drawn_to_an_eighth() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(0.5, 3), "█▌");
        assert_eq!(bar(1.0 / 32.0, 4), "▏");
        assert_eq!(bar(f64::NAN, 4), "");
    }
}
