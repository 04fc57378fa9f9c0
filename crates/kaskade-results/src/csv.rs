//! CSV as RFC 4180 has it, but for lines that end in a newline alone.

/// Adds a row of `fields` to `text`; one with a comma, a quote or a break is quoted.
pub(crate) fn push_row(text: &mut String, fields: impl IntoIterator<Item = String>) {
    for (place, field) in fields.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&field);
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_would_break_a_row_are_quoted() {
        let mut text = String::new();
        push_row(&mut text, ["a", "b,c", "say \"no\"", "two\nlines", ""].map(str::to_owned));
        assert_eq!(text, "a,\"b,c\",\"say \"\"no\"\"\",\"two\nlines\",\n");
    }
}
