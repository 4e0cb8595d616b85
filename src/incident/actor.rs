//! Who does something, and why: what every audited act carries.

use std::fmt;

/// Who acts. Displays as `daemon`, `admin:root`, `pusher:alice` or `git-account`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// pushwarden itself, by policy.
    Daemon,
    /// Someone on the admin socket, by the name of the account that the kernel vouches for.
    Admin(String),
    /// Who pushed, by the name that the server software gave.
    Pusher(String),
    /// A claim of the git account out of the spool: nobody in particular.
    GitAccount,
}

impl Actor {
    /// Returns the bare name, where the actor is a person or an account.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Admin(name) | Self::Pusher(name) => Some(name),
            Self::Daemon | Self::GitAccount => None,
        }
    }

    /// Refuses those who may not dismiss, close, grant or settle: who pushes, and the git account.
    pub fn entitled(&self) -> Result<(), NotEntitled> {
        match self {
            Self::Daemon | Self::Admin(_) => Ok(()),
            Self::Pusher(_) | Self::GitAccount => Err(NotEntitled { by: self.to_string() }),
        }
    }
}

/// Why somebody may not do this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{by}` may not decide this; ask an administrator")]
pub struct NotEntitled {
    by: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon => f.write_str("daemon"),
            Self::Admin(name) => write!(f, "admin:{name}"),
            Self::Pusher(name) => write!(f, "pusher:{name}"),
            Self::GitAccount => f.write_str("git-account"),
        }
    }
}

impl serde::Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why somebody did something, in words: never empty, no control characters, surrounding blanks
/// taken off, at most [`Reason::BYTES_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Reason(String);

/// Why a text is not a [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// There is nothing in it.
    #[error("a reason is needed; the next reader must understand why")]
    Empty,
    /// It is too long.
    #[error("the reason is longer than {} bytes; link to the long version", Reason::BYTES_MAX)]
    TooLong,
    /// It would move the cursor of whoever reads it.
    #[error("the reason holds control characters; write it on one line of plain text")]
    Control,
}

impl Reason {
    /// The longest reason, in bytes: a paragraph. Bounds what one act adds to the audit log.
    pub const BYTES_MAX: usize = 1_000;

    /// Reads a reason.
    pub fn parse(text: &str) -> Result<Self, ReasonError> {
        let text = text.trim();
        if text.is_empty() {
            Err(ReasonError::Empty)
        } else if text.len() > Self::BYTES_MAX {
            Err(ReasonError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(ReasonError::Control)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// Returns the words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_shows_where_its_name_comes_from() {
        #[track_caller]
        fn check(actor: &Actor, want: &str) {
            assert_eq!(actor.to_string(), want);
        }
        check(&Actor::Daemon, "daemon");
        check(&Actor::Admin("root".to_owned()), "admin:root");
        check(&Actor::Pusher("alice".to_owned()), "pusher:alice");
        check(&Actor::GitAccount, "git-account");
    }

    #[test]
    fn who_pushes_decides_nothing() {
        #[track_caller]
        fn check(actor: &Actor, want: bool) {
            assert_eq!(actor.entitled().is_ok(), want);
        }
        check(&Actor::Daemon, true);
        check(&Actor::Admin("root".to_owned()), true);
        check(&Actor::Pusher("root".to_owned()), false);
        check(&Actor::GitAccount, false);
    }

    #[test]
    fn a_reason_is_one_line_of_words() {
        #[track_caller]
        fn check(text: &str, want: Result<&str, ReasonError>) {
            let reason = Reason::parse(text);
            assert_eq!(reason.as_ref().map(Reason::as_str).map_err(|e| *e), want);
        }
        check(" documentation sample ", Ok("documentation sample"));
        check(" \n ", Err(ReasonError::Empty));
        check("one\ntwo", Err(ReasonError::Control));
        check("\u{1b}[2Jgone", Err(ReasonError::Control));
        check(&"a".repeat(1_000), Ok(&"a".repeat(1_000)));
        check(&"a".repeat(1_001), Err(ReasonError::TooLong));
    }
}
