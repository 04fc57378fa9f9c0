//! A small SVG writer: a frame with two axes, and marks in it.

use std::fmt::Write as _;

use super::axis::Axis;
use super::style;
use crate::error::ResultsError;
use crate::picture;

/// The drawing's size; a page scales it.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 468.0;
const TOP: f64 = 46.0;
/// The line of the legend, between the vertical axis's label and the frame.
const LEGEND: f64 = 31.0;
/// An entry of the legend without its letters, between two of them, and a letter.
const ENTRY_WIDTH: f64 = 30.0;
const ENTRY_GAP: f64 = 8.0;
const LETTER_WIDTH: f64 = 6.6;
/// From one line of the legend to the next.
const LEGEND_LINE: f64 = 16.0;
const BOTTOM: f64 = 256.0;

/// Where values of the horizontal axis are drawn.
pub(super) const ACROSS: [f64; 2] = [LEFT, RIGHT];
/// Where values of the vertical axis are drawn.
pub(super) const UP: [f64; 2] = [BOTTOM, TOP];
/// The same below a legend of two lines.
pub(super) const UP_LOWER: [f64; 2] = [BOTTOM, TOP + LEGEND_LINE];

/// A plot with all that stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// A word for files and anchors.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What it says, in sentences, for who does not see it.
    pub description: String,
    /// The names of the columns of its numbers.
    pub header: Vec<String>,
    /// Its numbers.
    pub rows: Vec<Vec<String>>,
    body: String,
}

impl Plot {
    /// The drawing as a part of a page that has the style.
    #[must_use]
    pub fn inline(&self) -> String {
        self.svg("")
    }

    /// The drawing as a file of its own.
    #[must_use]
    pub fn file(&self) -> String {
        self.svg(&format!("<style>{}</style>", style::for_screens()))
    }

    /// The drawing as a PNG file, at twice its size, dark on white.
    ///
    /// # Errors
    /// [`ResultsError::Render`] if the renderer refuses.
    pub fn png(&self) -> Result<Vec<u8>, ResultsError> {
        picture::png(&self.svg(&format!("<style>{}</style>", style::for_pictures())))
    }

    fn svg(&self, style: &str) -> String {
        let Self { name, title, description, body, .. } = self;
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {WIDTH} \
             {HEIGHT}\" role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">\
             <title id=\"{name}-title\">{title}</title><desc id=\"{name}-desc\">{description}\
             </desc>{style}{body}</svg>"
        )
    }
}

/// A drawing in the making.
pub(super) struct Canvas {
    x: Axis,
    y: Axis,
    body: String,
    /// Where the next entry of the legend stands.
    legend_at: [f64; 2],
}

impl Canvas {
    /// The frame: axes, grid, labels.
    pub(super) fn new(x: Axis, y: Axis, x_label: &str, y_label: &str) -> Self {
        let mut canvas = Self { x, y, body: String::new(), legend_at: [LEFT, LEGEND] };
        for (value, label) in y.ticks() {
            let at = y.place(value);
            canvas.add(format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                LEFT - 6.0,
                at + 4.0
            ));
        }
        for (value, label) in x.ticks() {
            let at = x.place(value);
            canvas.add(format_args!(
                "<line class=\"tick\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{BOTTOM}\" y2=\"{}\"/>\
                 <text class=\"middle\" x=\"{at:.1}\" y=\"{}\">{label}</text>",
                BOTTOM + 4.0,
                BOTTOM + 17.0
            ));
        }
        canvas.add(format_args!(
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{BOTTOM}\" y2=\"{BOTTOM}\"/>\
             <text class=\"middle label\" x=\"{}\" y=\"{}\">{}</text>\
             <text class=\"label\" x=\"4\" y=\"14\">{}</text>",
            (LEFT + RIGHT) / 2.0,
            HEIGHT - 8.0,
            escape(x_label),
            escape(y_label)
        ));
        canvas
    }

    /// A line through `points`.
    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let path = self.path(points);
        self.add(format_args!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    /// The area between two lines.
    pub(super) fn band(&mut self, class: &str, low: &[(f64, f64)], high: &[(f64, f64)]) {
        let around = low.iter().chain(high.iter().rev()).copied();
        let path = self.path(around);
        self.add(format_args!("<path class=\"band {class}\" d=\"{path}Z\"/>"));
    }

    /// A level that the eye is to compare with.
    pub(super) fn level(&mut self, value: f64) {
        let at = self.y.place(value);
        self.add(format_args!(
            "<line class=\"level\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        ));
    }

    /// A place that the eye is to compare with.
    pub(super) fn upright(&mut self, value: f64) {
        let at = self.x.place(value);
        self.add(format_args!(
            "<line class=\"level\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>"
        ));
    }

    /// Points that a line goes through.
    pub(super) fn dots(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        for (x, y) in points {
            let (x, y) = (self.x.place(x), self.y.place(y));
            self.add(format_args!(
                "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>"
            ));
        }
    }

    /// Names below the horizontal axis, one for each of its units from 0 on, as many as fit.
    pub(super) fn names_across(&mut self, names: &[String]) {
        for (place, name) in fitting(names, RIGHT - LEFT) {
            let at = self.x.place(place as f64 + 0.5);
            let y = BOTTOM + 17.0;
            let name = escape(&cut(name, 16));
            self.add(format_args!("<text class=\"middle\" x=\"{at:.1}\" y=\"{y}\">{name}</text>"));
        }
    }

    /// Names beside the vertical axis, one for each of its units from 0 on, as many as fit.
    pub(super) fn names_up(&mut self, names: &[String]) {
        let stride = names.len().div_ceil(12).max(1);
        for (place, name) in names.iter().enumerate().step_by(stride) {
            let at = self.y.place(place as f64 + 0.5) + 4.0;
            let x = LEFT - 6.0;
            let name = escape(&cut(name, 8));
            self.add(format_args!("<text class=\"end\" x=\"{x}\" y=\"{at:.1}\">{name}</text>"));
        }
    }

    /// A cell of a heat map, one unit wide and high, as strong as `share` of the strongest; with a
    /// text in it where that fits.
    pub(super) fn cell(&mut self, [column, row]: [usize; 2], share: f64, text: &str) {
        // Edges as they are written, so that neighbours meet.
        let edge = |axis: &Axis, unit: usize| (10.0 * axis.place(unit as f64)).round() / 10.0;
        let (left, right) = (edge(&self.x, column), edge(&self.x, column + 1));
        let (bottom, top) = (edge(&self.y, row), edge(&self.y, row + 1));
        let (width, height) = (right - left, bottom - top);
        let opacity = 0.06 + 0.94 * share;
        self.add(format_args!(
            "<rect class=\"cell\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" fill-opacity=\"{opacity:.3}\"/>"
        ));
        if 6.8 * text.chars().count() as f64 + 4.0 <= width && height >= 14.0 {
            let class = if opacity > 0.7 { "middle on" } else { "middle label" };
            self.add(format_args!(
                "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                (left + right) / 2.0,
                (top + bottom) / 2.0 + 4.0,
                escape(text)
            ));
        }
    }

    /// The strengths of a heat map, from the text `low` to the text `high`.
    pub(super) fn strengths(&mut self, low: &str, high: &str) {
        let (mut at, y) = (LEFT, LEGEND + 4.0);
        self.add(format_args!("<text x=\"{at:.1}\" y=\"{y}\">{}</text>", escape(low)));
        at += 8.0 + 6.8 * low.chars().count() as f64;
        for step in 0..5 {
            let opacity = 0.06 + 0.94 * f64::from(step) / 4.0;
            self.add(format_args!(
                "<rect class=\"cell\" x=\"{at:.1}\" y=\"{:.1}\" width=\"16\" height=\"12\" \
                 fill-opacity=\"{opacity:.3}\"/>",
                LEGEND - 6.0
            ));
            at += 16.0;
        }
        at += 8.0;
        self.add(format_args!("<text x=\"{at:.1}\" y=\"{y}\">{}</text>", escape(high)));
    }

    /// An interval with its middle, at height `y`, and a name above it.
    pub(super) fn whisker(&mut self, class: &str, y: f64, [low, mid, high]: [f64; 3], name: &str) {
        let at = self.y.place(y);
        let [low, mid, high] = [low, mid, high].map(|value| self.x.place(value));
        self.add(format_args!(
            "<line class=\"line {class}\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{at:.1}\" \
             y2=\"{at:.1}\"/><circle class=\"dot {class}\" cx=\"{mid:.1}\" cy=\"{at:.1}\" r=\"5\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT + 4.0,
            at - 10.0,
            escape(name)
        ));
    }

    /// A legend of lines by class, on two lines where it needs them: names are cut so that all fit.
    pub(super) fn full_legend(&mut self, entries: &[(&str, &str)]) {
        let on_a_line = entries.len().div_ceil(2).max(1) as f64;
        let n_letters = ((RIGHT - LEFT) / on_a_line - ENTRY_WIDTH - ENTRY_GAP) / LETTER_WIDTH;
        for (class, name) in entries {
            self.legend(class, &cut(name, n_letters as usize));
        }
    }

    /// An entry of the legend: the lines of `class`.
    pub(super) fn legend(&mut self, class: &str, name: &str) {
        self.entry(name, |[from, at]| {
            let to = from + 20.0;
            format!(
                "<line class=\"line {class}\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{at}\" y2=\"{at}\"/>"
            )
        });
    }

    /// An entry of the legend: the bands of `class`.
    pub(super) fn band_legend(&mut self, class: &str, name: &str) {
        self.entry(name, |[from, at]| {
            let top = at - 5.0;
            format!(
                "<rect class=\"band {class}\" x=\"{from:.1}\" y=\"{top}\" width=\"20\" \
                 height=\"10\"/>"
            )
        });
    }

    /// What does not fit above the frame is left to the numbers beside the plot.
    fn entry(&mut self, name: &str, mark: impl FnOnce([f64; 2]) -> String) {
        let name: String = name.chars().take(28).collect();
        let width = ENTRY_WIDTH + LETTER_WIDTH * name.chars().count() as f64;
        let [mut from, mut at] = self.legend_at;
        if from + width > RIGHT {
            [from, at] = [LEFT, at + LEGEND_LINE];
        }
        if at > self.y.top() - (TOP - LEGEND) {
            return;
        }
        let mark = mark([from, at]);
        self.add(format_args!(
            "{mark}<text x=\"{:.1}\" y=\"{}\">{}</text>",
            from + 25.0,
            at + 4.0,
            escape(&name)
        ));
        self.legend_at = [from + width + ENTRY_GAP, at];
    }

    /// The finished plot.
    pub(super) fn finish(
        self,
        name: impl Into<String>,
        title: &str,
        description: String,
        header: &[&str],
        rows: Vec<Vec<String>>,
    ) -> Plot {
        Plot {
            name: name.into(),
            title: title.to_owned(),
            description,
            header: header.iter().map(|&column| column.to_owned()).collect(),
            rows,
            body: self.body,
        }
    }

    fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (x, y) in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.x.place(x), self.y.place(y));
        }
        path
    }

    fn add(&mut self, mark: std::fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        let _ = self.body.write_fmt(mark);
    }
}

/// As many of `names`, each with its place, as fit side by side into `width`.
fn fitting(names: &[String], width: f64) -> impl Iterator<Item = (usize, &String)> {
    let longest = names.iter().map(|name| name.chars().count().min(16)).max().unwrap_or(0);
    let n_fitting = (width / (12.0 + 6.8 * longest as f64)).max(1.0) as usize;
    names.iter().enumerate().step_by(names.len().div_ceil(n_fitting).max(1))
}

/// `text`, or as much of it as makes `n_letters` with a sign that there is more.
fn cut(text: &str, n_letters: usize) -> String {
    if text.chars().count() <= n_letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(n_letters - 1).collect();
    kept + "…"
}

/// `text` as the text of a page: names come from people and files.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What XML has no place for.
            '\u{fffe}' | '\u{ffff}' => escaped.extend(letter.escape_default()),
            letter if letter.is_control() && letter != '\n' => {
                escaped.extend(letter.escape_default())
            }
            letter => escaped.push(letter),
        }
        escaped
    })
}
