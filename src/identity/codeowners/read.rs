//! From bytes to sections: line by line, each line bounded, bad lines skipped by name.

use std::collections::HashMap;
use std::sync::Arc;

use super::glob::Pattern;
use super::{Codeowners, Dialect, Entry, Problem, Section};
use crate::wire::escape;

/// The widest section name that is shown, in columns.
const SECTION_COLUMNS_MAX: usize = 60;

/// Reads the `bytes` of the file at `path`.
pub(super) fn read(path: &str, bytes: &[u8]) -> Codeowners {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (kept, lost) = bytes.split_at(bytes.len().min(Codeowners::FILE_BYTES_MAX));
    let dialect = dialect(path, kept);
    let mut reader = Reader {
        dialect,
        sections: vec![Section::default()],
        by_name: HashMap::new(),
        current: Some(0),
        defaults: Arc::default(),
        entries: 0,
        problems: Vec::new(),
    };
    let mut lines = 0;
    for (at, line) in kept.split(|&byte| byte == b'\n').enumerate() {
        lines = at + 1;
        if let Err(message) = reader.line(lines, line.trim_ascii()) {
            reader.refuse(lines, message);
        }
    }
    if !lost.is_empty() {
        reader.refuse(lines, "the file is too long; what follows is not read".to_owned());
    }
    Codeowners {
        file: escape::line(path.as_bytes(), 120),
        dialect,
        sections: reader.sections,
        problems: reader.problems,
    }
}

fn dialect(path: &str, bytes: &[u8]) -> Dialect {
    let has_sections = || {
        let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        lines.any(|line| header(line).is_some())
    };
    let in_gitlab = path.starts_with(".gitlab/");
    let in_github = path.starts_with(".github/");
    if in_gitlab || (!in_github && has_sections()) { Dialect::Gitlab } else { Dialect::Github }
}

struct Reader {
    dialect: Dialect,
    sections: Vec<Section>,
    /// Where in `sections` a lower-case name is, for repeated headers meet in one section.
    by_name: HashMap<Vec<u8>, usize>,
    /// The section that entries go to; `None` below a header that was refused.
    current: Option<usize>,
    /// The owners of entries that name none.
    defaults: Arc<[String]>,
    entries: usize,
    problems: Vec<Problem>,
}

impl Reader {
    fn refuse(&mut self, line: usize, message: String) {
        if self.problems.len() < Codeowners::PROBLEMS_MAX {
            self.problems.push(Problem { line, message });
        }
    }

    fn line(&mut self, number: usize, line: &[u8]) -> Result<(), String> {
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        if line.len() > Codeowners::LINE_BYTES_MAX {
            return Err(format!("the line is over {} bytes", Codeowners::LINE_BYTES_MAX));
        }
        match header(line) {
            Some(header) if self.dialect == Dialect::Gitlab => self.section(&header),
            _ => self.entry(number, line),
        }
    }

    fn section(&mut self, header: &Header<'_>) -> Result<(), String> {
        let key = header.name.to_ascii_lowercase();
        (self.current, self.defaults) = (self.by_name.get(&key).copied(), Arc::default());
        if self.current.is_none() {
            if self.sections.len() > Codeowners::SECTIONS_MAX {
                return Err(format!("the file has over {} sections", Codeowners::SECTIONS_MAX));
            }
            self.current = Some(self.sections.len());
            self.by_name.insert(key, self.sections.len());
            self.sections.push(Section {
                name: Some(escape::line(header.name, SECTION_COLUMNS_MAX)),
                optional: header.optional,
                entries: Vec::new(),
            });
        }
        self.defaults = self.owners(header.owners)?.into();
        Ok(())
    }

    fn entry(&mut self, line: usize, text: &[u8]) -> Result<(), String> {
        let (excludes, text) = match (text.strip_prefix(b"!"), self.dialect) {
            (Some(_), Dialect::Github) => return Err("GitHub does not support `!`".to_owned()),
            (Some(rest), Dialect::Gitlab) => (true, rest),
            (None, _) => (false, text),
        };
        let (pattern, rest) = split_pattern(text);
        let pattern = Pattern::parse(pattern, self.dialect).map_err(|error| error.to_string())?;
        let owners = match self.owners(rest)? {
            none if none.is_empty() => Arc::clone(&self.defaults),
            owners => owners.into(),
        };
        if self.entries == Codeowners::ENTRIES_MAX {
            return Err(format!("the file has over {} entries", Codeowners::ENTRIES_MAX));
        }
        self.entries += 1;
        if let Some(section) = self.current.and_then(|at| self.sections.get_mut(at)) {
            section.entries.push(Entry { line, pattern, excludes, owners });
        }
        Ok(())
    }

    /// Reads owners. What is no owner refuses the line at GitHub and is passed over at GitLab.
    fn owners(&self, text: &[u8]) -> Result<Vec<String>, String> {
        let mut owners = Vec::new();
        for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            if self.dialect == Dialect::Github && word.starts_with(b"#") {
                break;
            }
            match owner(word) {
                Some(_) if owners.len() == Codeowners::OWNERS_MAX => {
                    return Err(format!("the line has over {} owners", Codeowners::OWNERS_MAX));
                }
                Some(owner) => owners.push(owner),
                None if self.dialect == Dialect::Gitlab => {}
                None => return Err(format!("`{}` is no owner", escape::line(word, 40))),
            }
        }
        Ok(owners)
    }
}

/// Reads `@user`, `@group/team`, `@@role` or a mail address.
fn owner(word: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(word).ok()?;
    let is_named = match text.split_once('@')? {
        ("", name) => !name.trim_start_matches('@').is_empty(),
        (_, domain) => !domain.is_empty(),
    };
    let is_plain = escape::line(word, Codeowners::OWNER_BYTES_MAX) == text;
    (is_named && is_plain && word.len() <= Codeowners::OWNER_BYTES_MAX).then(|| text.to_owned())
}

/// Splits at the first blank that no `\` stands before.
fn split_pattern(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let ends = byte.is_ascii_whitespace() && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// `^[Name][2] @default-owner`
struct Header<'a> {
    name: &'a [u8],
    optional: bool,
    owners: &'a [u8],
}

/// Reads a section's header; the number of approvals is for reviews and of no use here.
fn header(line: &[u8]) -> Option<Header<'_>> {
    let (optional, line) = match line.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (name, rest) = bracketed(line)?;
    let rest = match bracketed(rest) {
        Some((digits, rest)) if digits.iter().all(u8::is_ascii_digit) => rest,
        _ => rest,
    };
    let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
    let name = name.trim_ascii();
    (ends && !name.is_empty()).then_some(Header { name, optional, owners: rest })
}

fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"[")?;
    let end = text.iter().position(|&byte| byte == b']')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}
