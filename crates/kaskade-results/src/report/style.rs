//! The looks of plots: one set of rules, and their colours on light and on dark ground.

/// Rules that name their colours as variables.
const RULES: &str = include_str!("plot.css");

/// Looks of lines, by class.
pub(super) const LINES: [&str; 8] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"];

type Colours = [(&'static str, &'static str); 12];

/// The first four are colours of Okabe and Ito, which people see apart whatever colours they see.
/// Lines differ by dashes too.
const LIGHT: Colours = [
    ("--paper", "#fff"),
    ("--ink", "#1b2430"),
    ("--soft", "#5b6675"),
    ("--rule", "#dfe4ea"),
    ("--c0", "#0072b2"),
    ("--c1", "#d55e00"),
    ("--c2", "#007a5a"),
    ("--c3", "#a4478a"),
    ("--c4", "#8a6a00"),
    ("--c5", "#1b2430"),
    ("--c6", "#5b4fc4"),
    ("--c7", "#80492a"),
];

/// Their lighter kin.
const DARK: Colours = [
    ("--paper", "#11161d"),
    ("--ink", "#e8edf3"),
    ("--soft", "#a3afbd"),
    ("--rule", "#2c3644"),
    ("--c0", "#56b4e9"),
    ("--c1", "#f0a04b"),
    ("--c2", "#3ccf9f"),
    ("--c3", "#e08fc3"),
    ("--c4", "#d9b44a"),
    ("--c5", "#e8edf3"),
    ("--c6", "#a79cff"),
    ("--c7", "#c98f6b"),
];

/// The style of pages and SVG files, whose reader has a light or a dark screen.
pub(super) fn for_screens() -> String {
    let variables = |colours: Colours| -> String {
        colours.iter().map(|(name, colour)| format!("{name}:{colour};")).collect()
    };
    format!(
        ".plot{{{}}}\n{RULES}@media (prefers-color-scheme:dark){{.plot{{{}}}}}\n",
        variables(LIGHT),
        variables(DARK)
    )
}

/// The style of pictures, which are light: with the colours in the places of their variables,
/// which browsers alone know.
pub(super) fn for_pictures() -> String {
    LIGHT.iter().fold(RULES.to_owned(), |rules, (name, colour)| {
        rules.replace(&format!("var({name})"), colour)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_need_no_browser() {
        let style = for_pictures();
        assert!(!style.contains("var(") && !style.contains('@'), "{style}");
        assert!(style.contains(".plot .label{fill:#1b2430}"), "{style}");
    }

    #[test]
    fn every_line_has_its_look() {
        for class in LINES {
            assert!(RULES.contains(&format!(".plot .line.{class}{{")), "{class}");
        }
    }

    #[test]
    fn every_colour_has_its_dark_kin() {
        let names = |colours: Colours| colours.map(|(name, _)| name);
        assert_eq!(names(LIGHT), names(DARK));
    }
}
