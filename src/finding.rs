//! What a scan found: a [`Finding`] is one secret, an [`Occurrence`] is one place where it stands.

use std::collections::BTreeMap;
use std::fmt;

use crate::rule::{Confidence, RuleId, Severity};
use crate::secret::{Fingerprint, Preview};

/// What a secret tells about the credential: `account`, `key_id`, `host`, `user`, …
pub type Facts = BTreeMap<String, String>;

/// One secret, wherever and however often it stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The rule that found it.
    pub rule: RuleId,
    /// Its keyed hash: what makes two findings the same secret.
    pub fingerprint: Fingerprint,
    /// Its masked picture.
    pub preview: Preview,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// How bad a leak is.
    pub severity: Severity,
    /// What the value itself tells.
    pub facts: Facts,
    /// The inventory's name for it (`payments/db`), where the organisation knows this value.
    pub known_as: Option<String>,
}

/// What kind of thing holds an occurrence.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// The content of a file, a symbolic link's target, a note.
    Blob,
    /// A commit: message, author, headers.
    Commit,
    /// An annotated tag: message, tagger.
    Tag,
    /// The name of a file or folder.
    TreeEntry,
    /// The name of a branch, tag or other ref.
    RefName,
    /// A push option's value.
    PushOption,
}

impl Container {
    /// Returns the name that records and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Commit => "commit",
            Self::Tag => "tag",
            Self::TreeEntry => "tree-entry",
            Self::RefName => "ref-name",
            Self::PushOption => "push-option",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in an object's bytes a secret stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Span {
    /// Offset of the secret's first byte in the outermost object.
    pub start: u64,
    /// Offset after its last byte.
    pub end: u64,
    /// Line of the first byte, from 1.
    pub line: u64,
    /// Column of the first byte in its line, in bytes, from 1.
    pub column: u64,
    /// Line of the last byte, from 1.
    pub end_line: u64,
}

/// Whether an occurrence came with the push.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// It came with this push.
    New,
    /// Its object was reachable from the repository's own refs before the push.
    OldReachable,
    /// Every parent's version of the file holds the secret at least as often.
    OldInParents,
}

/// One place of one secret in one push.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Occurrence {
    /// What holds it.
    pub container: Container,
    /// The object's id in hex; empty for ref names and push options.
    pub object: String,
    /// The commit that brings it, in hex; `None` for tags, refs and objects no commit reaches.
    pub commit: Option<String>,
    /// The first line of that commit's message, escaped for display.
    pub subject: Option<String>,
    /// The path, escaped for display; for a ref name or a tag the ref.
    pub path: Option<String>,
    /// Where in the object's bytes.
    pub span: Span,
    /// Whether it stands in the header of a commit or tag (its author, say), and not in the message.
    #[serde(default)]
    pub in_header: bool,
    /// The layers in which it stands, outermost first, escaped for display: `a.env`, `base64`.
    #[serde(default)]
    pub layers: Vec<String>,
    /// Whether it came with the push.
    pub age: Age,
}
