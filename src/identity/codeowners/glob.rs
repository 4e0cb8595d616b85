//! Patterns over paths of raw bytes, matched segment by segment without recursion.
//!
//! Both levels (segments of a path, bytes of a segment) need to remember the last star only, for
//! the earliest match of what stands between two stars leaves most to the rest. So a match takes
//! at most path × pattern steps; a budget over all patterns of a file bounds their sum.

use super::{Dialect, TooCostly};

/// A pattern of a CODEOWNERS file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of segments, none too.
    Any,
    /// One segment or more: all that lies below a folder.
    Below,
    One(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    AnyByte,
    /// `*`
    Star,
    /// `[a-c]`, `[!a-c]`: for each byte whether it is one of them. A table, for a long set must not
    /// cost more than one step.
    Set(Box<[bool; 256]>),
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    #[error("GitHub does not support `[ ]` in patterns")]
    Brackets,
    #[error("the pattern is empty")]
    Empty,
}

impl Pattern {
    /// Reads a pattern, its blanks still escaped by `\`.
    pub(super) fn parse(text: &[u8], dialect: Dialect) -> Result<Self, PatternError> {
        let (anchored, text) = match text.strip_prefix(b"/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (is_folder, text) = match text.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if text.is_empty() && !is_folder && !anchored {
            return Err(PatternError::Empty);
        }
        let words: Vec<&[u8]> =
            text.split(|&byte| byte == b'/').filter(|w| !w.is_empty()).collect();
        let mut segments = Vec::with_capacity(words.len() + 2);
        let anchored = anchored || (dialect == Dialect::Github && words.len() > 1);
        if !anchored {
            segments.push(Segment::Any);
        }
        for (at, word) in words.iter().enumerate() {
            segments.push(segment(word, at + 1 == words.len(), is_folder, dialect)?);
        }
        if is_folder || words.is_empty() {
            segments.push(Segment::Below);
        } else if dialect == Dialect::Github && words.last().is_some_and(|word| *word != b"*") {
            // A name may be a folder's; `docs/*` alone stays in its folder.
            segments.push(Segment::Any);
        }
        Ok(Self { segments })
    }

    /// Tells whether the pattern matches all of `path`, given by its segments. Takes its work out
    /// of `steps`.
    pub(super) fn matches(&self, path: &[&[u8]], steps: &mut u64) -> Result<bool, TooCostly> {
        let (mut at, mut text) = (0, 0);
        // Where to go on if what follows the last `**` does not match here.
        let mut retry = None;
        loop {
            spend(steps)?;
            let matched = match (self.segments.get(at), path.get(text)) {
                (None, None) => return Ok(true),
                (Some(Segment::Any), _) => {
                    retry = Some((at + 1, text + 1));
                    at += 1;
                    continue;
                }
                (Some(Segment::Below), Some(_)) => {
                    retry = Some((at + 1, text + 2));
                    true
                }
                (Some(Segment::One(tokens)), Some(name)) => name_matches(tokens, name, steps)?,
                _ => false,
            };
            if matched {
                (at, text) = (at + 1, text + 1);
                continue;
            }
            match retry {
                Some((next_at, next_text)) if next_text <= path.len() => {
                    (at, text) = (next_at, next_text);
                    retry = Some((next_at, next_text + 1));
                }
                _ => return Ok(false),
            }
        }
    }
}

fn spend(steps: &mut u64) -> Result<(), TooCostly> {
    *steps = steps.checked_sub(1).ok_or(TooCostly)?;
    Ok(())
}

/// Reads one segment. In GitLab's dialect (Ruby's `fnmatch`) `**` spans folders only where `/`
/// follows; at the end it is a `*`.
fn segment(
    word: &[u8],
    is_last: bool,
    is_folder: bool,
    dialect: Dialect,
) -> Result<Segment, PatternError> {
    let spans = dialect == Dialect::Github || !is_last || is_folder;
    if word == b"**" && spans {
        return Ok(if is_last && !is_folder { Segment::Below } else { Segment::Any });
    }
    let mut tokens = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((token, after)) = token(rest, dialect)? {
        if !(token == Token::Star && tokens.last() == Some(&Token::Star)) {
            tokens.push(token);
        }
        rest = after;
    }
    Ok(Segment::One(tokens))
}

fn token(text: &[u8], dialect: Dialect) -> Result<Option<(Token, &[u8])>, PatternError> {
    let token = match text {
        [] => return Ok(None),
        [b'*', rest @ ..] => (Token::Star, rest),
        [b'?', rest @ ..] => (Token::AnyByte, rest),
        [b'[', ..] if dialect == Dialect::Github => return Err(PatternError::Brackets),
        [b'[', rest @ ..] => set(rest).unwrap_or((Token::Byte(b'['), rest)),
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (Token::Byte(*byte), rest),
    };
    Ok(Some(token))
}

/// Reads a set after its `[`; one that never closes is a plain bracket.
fn set(text: &[u8]) -> Option<(Token, &[u8])> {
    let (negated, mut rest) = match text {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut table = Box::new([negated; 256]);
    let mut is_empty = true;
    loop {
        let (first, last, after) = match rest {
            [b']', after @ ..] if !is_empty => return Some((Token::Set(table), after)),
            [first, b'-', last, after @ ..] if *last != b']' => (*first, *last, after),
            [byte, after @ ..] => (*byte, *byte, after),
            [] => return None,
        };
        for byte in first..=last {
            if let Some(entry) = table.get_mut(usize::from(byte)) {
                *entry = !negated;
            }
        }
        (is_empty, rest) = (false, after);
    }
}

fn name_matches(tokens: &[Token], name: &[u8], steps: &mut u64) -> Result<bool, TooCostly> {
    let (mut at, mut text) = (0, 0);
    let mut retry = None;
    loop {
        spend(steps)?;
        let matched = match (tokens.get(at), name.get(text)) {
            (None, None) => return Ok(true),
            (Some(Token::Star), _) => {
                retry = Some((at + 1, text + 1));
                at += 1;
                continue;
            }
            (Some(token), Some(&byte)) => token.matches(byte),
            _ => false,
        };
        if matched {
            (at, text) = (at + 1, text + 1);
            continue;
        }
        match retry {
            Some((next_at, next_text)) if next_text <= name.len() => {
                (at, text) = (next_at, next_text);
                retry = Some((next_at, next_text + 1));
            }
            _ => return Ok(false),
        }
    }
}

impl Token {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Byte(want) => *want == byte,
            Self::AnyByte | Self::Star => true,
            Self::Set(table) => table.get(usize::from(byte)).copied().unwrap_or(false),
        }
    }
}
