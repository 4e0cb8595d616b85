//! Lines of a bounded width, paragraphs of which the least important go first when room is short.

use crate::wire::escape;

/// The widest line: 80 columns less the `remote: ` that git puts before it.
pub(super) const COLUMNS_MAX: usize = 72;

/// The longest text of a rule or a setting that is looked at, in columns.
const TEXT_COLUMNS_MAX: usize = 2_000;

/// What a paragraph is worth when room is short, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Good to know.
    Detail,
    /// Space between paragraphs.
    Blank,
    /// Helps to understand or to ask.
    Useful,
    /// Without it the page is of no use.
    Must,
}

/// A text in the making.
#[derive(Default)]
pub(super) struct Page {
    paragraphs: Vec<(Weight, Vec<String>)>,
}

impl Page {
    /// Adds lines that are made to measure.
    pub(super) fn lines(&mut self, weight: Weight, lines: Vec<String>) {
        self.paragraphs.push((weight, lines));
    }

    /// Adds one line that is made to measure.
    pub(super) fn line(&mut self, weight: Weight, line: String) {
        self.lines(weight, vec![line]);
    }

    /// Adds an empty line.
    pub(super) fn blank(&mut self) {
        self.line(Weight::Blank, String::new());
    }

    /// Adds `text` in at most `lines_max` lines, the first after `lead`, the others below
    /// where the first begins.
    pub(super) fn text(&mut self, weight: Weight, lead: &str, text: &str, lines_max: usize) {
        self.lines(weight, wrap(lead, text, lines_max));
    }

    /// Returns how many lines there are that cannot go.
    pub(super) fn lines_min(&self) -> usize {
        let must = self.paragraphs.iter().filter(|(weight, _)| *weight == Weight::Must);
        must.map(|(_, lines)| lines.len()).sum()
    }

    /// Returns the text; paragraphs below [`Weight::Must`] go, least first and last first, until
    /// it has at most `lines_max` lines.
    pub(super) fn fit(mut self, lines_max: usize) -> String {
        let mut lines: usize = self.paragraphs.iter().map(|(_, lines)| lines.len()).sum();
        while lines > lines_max {
            let places = self.paragraphs.iter().enumerate().rev();
            let Some((at, _)) = places.min_by_key(|(_, (weight, _))| *weight) else {
                break;
            };
            let (weight, gone) = self.paragraphs.remove(at);
            if weight == Weight::Must {
                self.paragraphs.insert(at, (weight, gone));
                break;
            }
            lines -= gone.len();
        }
        let lines = self.paragraphs.iter().flat_map(|(_, lines)| lines);
        lines.flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// Breaks `text` into at most `lines_max` lines of at most [`COLUMNS_MAX`] columns; a URL stands
/// alone on its line, whatever its length. What does not fit ends in `...`.
pub(super) fn wrap(lead: &str, text: &str, lines_max: usize) -> Vec<String> {
    let indent = " ".repeat(lead.len());
    let text = escape::line(text.as_bytes(), TEXT_COLUMNS_MAX);
    let mut lines = Vec::new();
    let mut line = lead.to_owned();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let long = COLUMNS_MAX - indent.len();
        let word = if is_url(word) { word.to_owned() } else { escape::line(word.as_bytes(), long) };
        if !takes(&line, &word) {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        }
        if !line.ends_with(' ') && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    shorten(lines, lines_max)
}

/// Tells whether `word` may stand on `line`, after a space.
fn takes(line: &str, word: &str) -> bool {
    let space = usize::from(!line.ends_with(' '));
    let fits = escape::columns(line) + space + escape::columns(word) <= COLUMNS_MAX;
    let ends_in_url = line.split(' ').next_back().is_some_and(is_url);
    line.trim().is_empty() || (fits && !ends_in_url && !is_url(word))
}

/// Tells whether a word is a URL, which people copy as a whole.
pub(super) fn is_url(word: &str) -> bool {
    word.starts_with("https://") || word.starts_with("http://")
}

fn shorten(mut lines: Vec<String>, lines_max: usize) -> Vec<String> {
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(last) = lines.last_mut().filter(|last| !is_url(last.trim())) {
            *last = format!("{}...", clip(last, COLUMNS_MAX - 3).trim_end_matches('.'));
        }
    }
    lines
}

/// Returns `text`, printable, cut at a word's end to at most `columns_max` columns.
pub(super) fn clip(text: &str, columns_max: usize) -> String {
    let text = escape::line(text.as_bytes(), TEXT_COLUMNS_MAX);
    if escape::columns(&text) <= columns_max {
        return text;
    }
    let room = columns_max.saturating_sub(3);
    let mut used = 0;
    let head: String = text
        .chars()
        .take_while(|c| {
            used += escape::columns(c.encode_utf8(&mut [0; 4]));
            used <= room
        })
        .collect();
    let end = head.rfind(' ').filter(|at| at * 2 > head.len()).unwrap_or(head.len());
    format!("{}...", head.get(..end).unwrap_or(&head).trim_end())
}
