//! Grants: a way through the gate for one secret, for a few pushes, for a short time.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use crate::clock::Timestamp;

use super::{GrantId, IncidentId, Reason};

/// Where a grant stands; it follows from the grant and the time, nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantState {
    /// It lets pushes through.
    Active,
    /// All its uses are spent.
    UsedUp,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// Which repositories a grant opens: a path or name as it is, or a glob over either
/// (`*` and `?` stop at `/`, `**` does not).
#[derive(Clone)]
pub struct RepositoryPattern {
    text: String,
    glob: GlobMatcher,
}

impl RepositoryPattern {
    /// The longest pattern, in bytes: that of a path.
    pub const BYTES_MAX: usize = 4_096;

    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(GrantError::Pattern(text.chars().take(80).collect()));
        }
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|_| GrantError::Pattern(text.to_owned()))?;
        Ok(Self { text: text.to_owned(), glob: glob.compile_matcher() })
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether it means this repository. A pattern that is the path or name itself does,
    /// whatever brackets or stars a name may hold.
    pub fn matches(&self, repository: &str) -> bool {
        self.text == repository || self.glob.is_match(repository)
    }

    /// Tells whether it says which repositories it means. A pattern of no letter or digit names
    /// none, and one that matches a name of which it holds nothing matches any.
    fn is_particular(&self) -> bool {
        /// A character for private use, which is in nobody's name.
        const NOBODY: &str = "\u{f8ff}";
        let depths = ["x", "x/x", "/x", "/x/x", "/x/x/x/x"];
        let anybody = depths.iter().flat_map(|depth| {
            let name = depth.replace('x', NOBODY);
            [format!("{name}.git"), name]
        });
        self.text.chars().any(char::is_alphanumeric)
            && !anybody.into_iter().any(|name| self.glob.is_match(name))
    }
}

impl fmt::Debug for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryPattern({:?})", self.text)
    }
}

impl PartialEq for RepositoryPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl serde::Serialize for RepositoryPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// What a grant opens, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantScope {
    /// The secret, by its incident.
    pub incident: IncidentId,
    /// The repositories.
    pub repository: RepositoryPattern,
    /// The only pusher who may use it; `None` is anybody.
    pub pusher: Option<String>,
}

impl GrantScope {
    /// Tells whether a push comes under this scope. `pusher` is a name that somebody vouches for,
    /// else `None`.
    pub fn covers(&self, repository: &str, name: Option<&str>, pusher: Option<&str>) -> bool {
        let place = self.repository.matches(repository)
            || name.is_some_and(|name| self.repository.matches(name));
        place && self.pusher.as_deref().is_none_or(|only| pusher == Some(only))
    }
}

/// What somebody asks for, checked by [`Grant::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct GrantRequest {
    /// What it opens.
    pub scope: GrantScope,
    /// How many pushes may use it.
    pub uses: u32,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// Why there is no such grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The repository pattern is none.
    #[error("`{0}` names no repository; write its path, its name, or a glob such as team/*.git")]
    Pattern(String),
    /// The repository pattern opens every repository, or none that could be.
    #[error(
        "`{0}` does not say which repository; write its path, its name, or a glob that begins \
         with either, such as team/*.git"
    )]
    Unparticular(String),
    /// The pusher is nobody.
    #[error("a grant for one pusher needs that pusher's name; leave it out for all")]
    Pusher,
    /// It would never, or too often, let a push through.
    #[error("a grant has 1 to {max} uses, not {uses}", max = Grant::USES_MAX)]
    Uses {
        /// How many were wanted.
        uses: u32,
    },
    /// It would never begin.
    #[error("the grant would end before it begins; give a later time")]
    Past,
    /// It would outlive everybody's memory of it.
    #[error("a grant ends within {} days; renew it instead", Grant::DAYS_MAX)]
    TooLong,
}

/// A way through the gate.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// Where it stands at the time it was read.
    pub state: GrantState,
    /// The incident whose secret it lets through.
    pub incident: IncidentId,
    /// The repositories.
    pub repository: RepositoryPattern,
    /// The only pusher who may use it; `None` is anybody.
    pub pusher: Option<String>,
    /// How many pushes may use it.
    pub uses: u32,
    /// How many did.
    pub used: u32,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Why it was given.
    pub reason: String,
    /// Who gave it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Who took it back.
    pub revoked_by: Option<String>,
    /// When.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// The most pushes that one grant lets through. More is no exception but a policy.
    pub const USES_MAX: u32 = 100;

    /// The longest life of a grant, in days.
    pub const DAYS_MAX: i64 = 90;

    /// Refuses grants without use, without end, or for everywhere.
    pub fn check(request: &GrantRequest, now: Timestamp) -> Result<(), GrantError> {
        const DAY_MICROS: i64 = 86_400_000_000;
        let GrantScope { repository, pusher, .. } = &request.scope;
        if !repository.is_particular() {
            return Err(GrantError::Unparticular(repository.as_str().to_owned()));
        }
        if pusher.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return Err(GrantError::Pusher);
        }
        if request.uses == 0 || request.uses > Self::USES_MAX {
            return Err(GrantError::Uses { uses: request.uses });
        }
        let life = request.expires_at.as_micros().saturating_sub(now.as_micros());
        match life {
            ..=0 => Err(GrantError::Past),
            _ if life > Self::DAYS_MAX * DAY_MICROS => Err(GrantError::TooLong),
            _ => Ok(()),
        }
    }

    /// Returns where a grant stands at `now`, from how many uses are spent of how many. Taken back
    /// outranks spent, spent outranks expired.
    pub fn state_at(
        revoked_at: Option<Timestamp>,
        (spent, allowed): (u32, u32),
        expires_at: Timestamp,
        now: Timestamp,
    ) -> GrantState {
        if revoked_at.is_some() {
            GrantState::Revoked
        } else if spent >= allowed {
            GrantState::UsedUp
        } else if expires_at <= now {
            GrantState::Expired
        } else {
            GrantState::Active
        }
    }

    /// Returns what it opens, and to whom.
    pub fn scope(&self) -> GrantScope {
        GrantScope {
            incident: self.incident,
            repository: self.repository.clone(),
            pusher: self.pusher.clone(),
        }
    }
}
