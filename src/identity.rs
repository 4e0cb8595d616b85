//! Who answers for a credential: how an owner is chosen, and why.
//!
//! ```text
//! inventory ─┐
//! owners.toml ─ facts, kinds, paths ─┐
//! CODEOWNERS of the default branch ──┼─► resolve ──► Owner { name, source, confidence, chain }
//! owners.toml ─ repositories ────────┤                  └──► explain (what people read)
//! owners.toml ─ default ─────────────┘
//! ```
//!
//! Every source is asked and stands in the chain; the first of [`OwnerSource`]'s order that knows a
//! name wins. The pusher is never among them: who leaks a credential need not own it. Nothing here
//! reads files or repositories: callers bring bytes that the push itself could not choose.

pub mod codeowners;
mod explain;
pub mod owners;
mod resolve;

pub use codeowners::Codeowners;
pub use explain::explain;
pub use owners::Owners;
pub use resolve::{Question, resolve};

/// Where an owner's name comes from, most believed first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerSource {
    /// The inventory names the owner of this very value.
    Inventory,
    /// `owners.toml` names the owner of the identity that the value tells (account, host, …).
    Identity,
    /// `owners.toml` names the owner of this kind of credential.
    Kind,
    /// `owners.toml` names the owner of the path.
    Path,
    /// CODEOWNERS of the repository's default branch, as it stood before the push.
    Codeowners,
    /// `owners.toml` names the owner of the repository.
    Repository,
    /// Nobody was found: the default queue.
    Default,
}

/// How far an owner's name can be believed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerConfidence {
    /// Nobody named it.
    None,
    /// It owns the place, not the identity.
    Low,
    /// It owns the code around it, or all credentials of this kind.
    Medium,
    /// It owns the identity.
    High,
}

/// One source that was asked, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnerStep {
    /// Who was asked.
    pub source: OwnerSource,
    /// What was looked for and where: "path deploy/prod.env in CODEOWNERS:12".
    pub evidence: String,
    /// The name that it gave; `None` where it had none.
    pub answer: Option<String>,
}

/// The owner of a credential, and why this one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// A team, a person or a queue.
    pub name: String,
    /// Who said so.
    pub source: OwnerSource,
    /// How far that is believed.
    pub confidence: OwnerConfidence,
    /// Every source that was asked, in order.
    pub chain: Vec<OwnerStep>,
}
