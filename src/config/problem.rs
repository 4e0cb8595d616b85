//! What is wrong with a configuration file, said so that it can be mended without reading code.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line.
    pub what: String,
    /// What the place accepts; empty where anything that parses is accepted.
    pub accepted: String,
    /// What to do.
    pub remedy: String,
    source_line: String,
    width: usize,
}

impl Problem {
    /// Places a problem at the bytes `span` of `text`; spans outside of it are moved to its end.
    pub(super) fn at(text: &str, span: Range<usize>, complaint: Complaint) -> Self {
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end.max(start));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(line_start..).unwrap_or_default();
        let source_line = line.lines().next().unwrap_or_default();
        let marked = text.get(start..end).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: text.get(line_start..start).unwrap_or_default().chars().count() + 1,
            what: complaint.what,
            accepted: complaint.accepted,
            remedy: complaint.remedy,
            source_line: printable(source_line),
            width: marked.chars().count().max(1),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        let (line, column) = (self.line, self.column);
        let gutter = line.to_string().len();
        // Tabs stay tabs, so that the caret stands below its place whatever their width.
        let indent: String = (self.source_line.chars().take(column - 1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{file}:{line}:{column}: {}", self.what)?;
        writeln!(f, "  {line} | {}", self.source_line)?;
        writeln!(f, "  {:gutter$} | {indent}{}", "", "^".repeat(self.width))?;
        if !self.accepted.is_empty() {
            writeln!(f, "  accepted: {}", self.accepted)?;
        }
        write!(f, "  remedy: {}", self.remedy)
    }
}

/// The words of a [`Problem`], before it has a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaint {
    pub(super) what: String,
    pub(super) accepted: String,
    pub(super) remedy: String,
}

/// Why a configuration could not be used: all problems of the file at once, in its order.
#[derive(Debug, thiserror::Error)]
pub enum ConfigErrors {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is longer than [`super::FILE_BYTES_MAX`], or it is no UTF-8.
    #[error("`{}` is no configuration: {reason}", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        reason: &'static str,
    },
    /// The file was read, and says things that are not accepted.
    #[error("{}", ProblemList { file, problems, left_out: *left_out })]
    Refused {
        /// The file.
        file: PathBuf,
        /// What is wrong, in the order of the file; never empty.
        problems: Vec<Problem>,
        /// How many more there are: a file with a hundred is some other file.
        left_out: usize,
    },
}

impl ConfigErrors {
    /// Returns what is wrong inside of the file; nothing where it could not even be read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Refused { problems, .. } => problems,
            Self::Read { .. } | Self::NotText { .. } => &[],
        }
    }
}

struct ProblemList<'a> {
    file: &'a PathBuf,
    problems: &'a [Problem],
    left_out: usize,
}

impl fmt::Display for ProblemList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display().to_string();
        for (place, problem) in self.problems.iter().enumerate() {
            if place > 0 {
                f.write_str("\n\n")?;
            }
            problem.write(f, &file)?;
        }
        if self.left_out > 0 {
            write!(f, "\n\n{file}: and {} more", self.left_out)?;
        }
        Ok(())
    }
}

fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A file's line goes to a terminal: nothing in it may steer that.
fn printable(line: &str) -> String {
    let show = |c: char| {
        if c.is_control() && c != '\t' { '?' } else { c }
    };
    line.chars().map(show).collect()
}
