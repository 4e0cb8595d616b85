//! What the pusher reads when the hook itself has to say it.
//!
//! Plain ASCII within 72 columns, each line whole: git puts `remote: ` before them and colours the
//! words `error`, `warning` and `hint` at a line's start. A verdict's text comes from the daemon.

use std::fmt::Display;

use crate::wire::{Nonce, RefUpdate};

/// The most columns of a line: 80, less `remote: `.
const COLUMNS: usize = 72;

/// What a push asks for, as far as its texts differ: who deletes has no commits to look through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something new is to come in.
    Content,
    /// Refs are to go, and nothing else.
    Deletion,
}

impl Asked {
    /// Tells it from the ref updates.
    pub(super) fn of(updates: &[RefUpdate]) -> Self {
        let deletes = !updates.is_empty() && updates.iter().all(|update| update.new.is_null());
        if deletes { Self::Deletion } else { Self::Content }
    }
}

/// A push that could not be scanned, and is refused.
pub(super) fn not_scanned(asked: Asked, reason: &dyn Display, nonce: Nonce) -> String {
    match asked {
        Asked::Content => content_not_scanned(reason, nonce),
        Asked::Deletion => deletion_not_checked(reason, nonce),
    }
}

fn content_not_scanned(reason: &dyn Display, nonce: Nonce) -> String {
    let body = wrap("  ", &format!("It was not scanned for credentials: {reason}."));
    format!(
        "error: push refused - it could not be scanned. Nothing was stored.\n\
         \n\
         {body}\
         \x20 Nothing is known to be wrong with your commits.\n\
         \n\
         hint: Push again in a few minutes. If it is refused again, send the\n\
         hint: administrators of this Git server this reference:\n\
         hint:   {nonce}\n"
    )
}

/// A deletion that waits for the daemon: exit 0 takes a verdict, whatever is asked for.
fn deletion_not_checked(reason: &dyn Display, nonce: Nonce) -> String {
    let body = wrap("  ", &format!("Each push needs an answer of the scanner: {reason}."));
    format!(
        "error: push refused - it could not be checked. Nothing was deleted.\n\
         \n\
         {body}\
         \x20 Nothing is wrong with the deletion, and there is nothing to mend.\n\
         \n\
         hint: Delete again in a few minutes. If it is refused again, send the\n\
         hint: administrators of this Git server this reference:\n\
         hint:   {nonce}\n"
    )
}

/// A push in which something was found that did not become a verdict on record.
pub(super) fn not_on_record(asked: Asked, reason: &dyn Display, nonce: Nonce) -> String {
    let body = wrap("  ", &format!("The scan found something, and then ended early: {reason}."));
    let (nothing_was, look) = match asked {
        Asked::Content => ("stored", "your commits"),
        Asked::Deletion => ("deleted", "the push options and ref names"),
    };
    format!(
        "error: push refused - its scan is not on record. Nothing was {nothing_was}.\n\
         \n\
         {body}\
         \x20 Look through {look} for credentials.\n\
         \n\
         hint: Push again in a few minutes to read what was found. If it is\n\
         hint: refused like this again, send the administrators of this Git\n\
         hint: server this reference:\n\
         hint:   {nonce}\n"
    )
}

/// A push that could not be scanned, and is let in.
pub(super) fn accepted_unscanned(reason: &dyn Display, nonce: Nonce) -> String {
    let body = wrap("  ", &format!("The scan did not happen: {reason}."));
    format!(
        "warning: push accepted, but NOT scanned for credentials.\n\
         {body}\
         \x20 This is on record, and the security team will see it.\n\
         \x20 Reference: {nonce}\n"
    )
}

/// A push that policy would let in unscanned, had it been possible to record that.
pub(super) fn not_recorded(asked: Asked, reason: &dyn Display, nonce: Nonce) -> String {
    not_scanned(asked, &format!("{reason}, and that could not be recorded"), nonce)
}

/// Input that makes no sense.
pub(super) fn not_understood(reason: &dyn Display) -> String {
    let body = wrap("  ", &format!("The hook cannot tell what is pushed: {reason}."));
    format!(
        "error: push refused - it could not be scanned. Nothing was stored.\n\
         \n\
         {body}\
         \n\
         hint: Push fewer refs at a time, or ask the administrators of this\n\
         hint: Git server.\n"
    )
}

/// Settings that cannot be followed.
pub(super) fn not_set_up(problems: &[impl Display]) -> String {
    let body: String = problems.iter().map(|problem| wrap("  ", &format!("{problem}."))).collect();
    format!(
        "error: push refused - the hook's settings are wrong. Nothing was stored.\n\
         \n\
         {body}\
         \x20 Nothing is known to be wrong with your commits.\n\
         \n\
         hint: Send this to the administrators of this Git server.\n"
    )
}

/// A chained hook that does not start.
pub(super) fn not_chained(reason: &dyn Display) -> String {
    let body = wrap("  ", &format!("The hook chained after pushwarden does not run: {reason}."));
    format!(
        "error: push refused - the next hook failed. Nothing was stored.\n\
         \n\
         {body}\
         \n\
         hint: Ask the administrators of this Git server.\n"
    )
}

/// Breaks text into lines of at most [`COLUMNS`]; a longer word stands alone.
fn wrap(indent: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        if line.len() > indent.len() && line.len() + 1 + word.len() > COLUMNS {
            lines.push_str(&line);
            lines.push('\n');
            indent.clone_into(&mut line);
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Oid;

    const NONCE: Nonce = Nonce([0x5e; 16]);

    #[test]
    fn refusals_say_what_happened_and_what_to_do() {
        insta::assert_snapshot!(not_scanned(Asked::Content, &"the scanner does not answer", NONCE), @r"
        error: push refused - it could not be scanned. Nothing was stored.

          It was not scanned for credentials: the scanner does not answer.
          Nothing is known to be wrong with your commits.

        hint: Push again in a few minutes. If it is refused again, send the
        hint: administrators of this Git server this reference:
        hint:   5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
        ");
        let gave_up = &"the scanner gave up (store)";
        insta::assert_snapshot!(not_on_record(Asked::Content, gave_up, NONCE), @r"
        error: push refused - its scan is not on record. Nothing was stored.

          The scan found something, and then ended early: the scanner gave up
          (store).
          Look through your commits for credentials.

        hint: Push again in a few minutes to read what was found. If it is
        hint: refused like this again, send the administrators of this Git
        hint: server this reference:
        hint:   5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
        ");
        insta::assert_snapshot!(not_set_up(&["others can write f; run `chmod go-w f`"]), @r"
        error: push refused - the hook's settings are wrong. Nothing was stored.

          others can write f; run `chmod go-w f`.
          Nothing is known to be wrong with your commits.

        hint: Send this to the administrators of this Git server.
        ");
        insta::assert_snapshot!(not_understood(&"ref update 3 has no valid ref name"), @r"
        error: push refused - it could not be scanned. Nothing was stored.

          The hook cannot tell what is pushed: ref update 3 has no valid ref
          name.

        hint: Push fewer refs at a time, or ask the administrators of this
        hint: Git server.
        ");
    }

    #[test]
    fn a_refused_deletion_is_told_of_no_commits() {
        let away = &"the scanner does not answer";
        insta::assert_snapshot!(not_scanned(Asked::Deletion, away, NONCE), @r"
        error: push refused - it could not be checked. Nothing was deleted.

          Each push needs an answer of the scanner: the scanner does not answer.
          Nothing is wrong with the deletion, and there is nothing to mend.

        hint: Delete again in a few minutes. If it is refused again, send the
        hint: administrators of this Git server this reference:
        hint:   5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
        ");
        let gave_up = not_on_record(Asked::Deletion, &"the scanner gave up (store)", NONCE);
        assert!(gave_up.contains("Nothing was deleted.\n"), "{gave_up}");
        assert!(!gave_up.contains("commits"), "{gave_up}");
    }

    #[test]
    fn only_a_push_of_deletions_alone_is_one() {
        let oid = |byte| Oid::from_bytes(&[byte; 20]).expect("20 bytes");
        let update = |new| RefUpdate { old: oid(1), new: oid(new), name: b"refs/heads/x".to_vec() };
        assert_eq!(Asked::of(&[update(0), update(0)]), Asked::Deletion);
        assert_eq!(Asked::of(&[update(0), update(2)]), Asked::Content);
        assert_eq!(Asked::of(&[]), Asked::Content);
    }

    #[test]
    fn an_unscanned_push_is_let_in_loudly() {
        insta::assert_snapshot!(accepted_unscanned(&"the scan took too long", NONCE), @r"
        warning: push accepted, but NOT scanned for credentials.
          The scan did not happen: the scan took too long.
          This is on record, and the security team will see it.
          Reference: 5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
        ");
    }

    #[test]
    fn every_line_is_short_ascii() {
        let long = "one reason after another ".repeat(20);
        let either = [Asked::Content, Asked::Deletion].into_iter().flat_map(|asked| {
            [
                not_scanned(asked, &long, NONCE),
                not_on_record(asked, &long, NONCE),
                not_recorded(asked, &long, NONCE),
            ]
        });
        let alike = [
            accepted_unscanned(&long, NONCE),
            not_understood(&long),
            not_chained(&long),
            not_set_up(&[&long, &long]),
        ];
        for text in either.chain(alike) {
            assert!(text.is_ascii());
            assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        }
    }
}
