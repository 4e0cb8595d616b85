//! What a pusher reads: a refusal, a warning, a stopped canary.
//!
//! ```text
//! Refusal (plain data) ──► plan (what mends it, from the topology) ──► commands
//!            └───────────► wording (what, where, whose, why) ────────► page (72 columns) ──► text
//! ```
//!
//! Pure functions of their input: no store, no clock, no settings. Names come from the push; they
//! are escaped here, but a secret that stands in a name must be masked by the caller: only the scan
//! knows which bytes it is.

mod commands;
mod hints;
mod names;
mod page;
mod plan;
mod report;
mod summary;
#[cfg(test)]
mod tests;

use crate::finding::Container;
use crate::rule::Confidence;
use crate::wire::{Nonce, Oid, Server, Topology, UnscannedReason, escape};
use page::{Page, Weight};

/// The most lines of a refusal for one secret: about a screen.
pub const LINES_MAX_ONE: usize = 25;

/// The most lines of any refusal.
pub const LINES_MAX: usize = 60;

/// The most secrets that a warning lists.
const WARNINGS_MAX: usize = 3;

/// The most secrets that are listed; the others are named by their tickets.
const FINDINGS_MAX: usize = 8;

/// Everything that a refusal tells.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The push's nonce, by which support finds its record.
    pub nonce: Nonce,
    /// The server software, whose own rules for messages hold.
    pub server: Server,
    /// Whether the push comes from GitLab's web interface (`GL_PROTOCOL=web`), which shows one
    /// line.
    pub is_web: bool,
    /// The secrets that the push is refused for, worst first.
    pub findings: Vec<Finding>,
    /// The refs that the push moves or makes: those that share a commit are mended together. The
    /// first of a push of many.
    pub updates: Vec<Reference>,
    /// Further secrets that the push is refused for, and that have no incident yet.
    pub unfiled: usize,
    /// What could not be scanned, where that refuses the push.
    pub unscanned: Vec<Unscanned>,
    /// Whom to ask, in the administrator's words: "#security on chat".
    pub contact: Option<String>,
    /// What a ticket's id is appended to.
    pub ticket_url: Option<String>,
}

/// One secret of a [`Refusal`].
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// What it is, in plain words.
    pub kind: String,
    /// The masked picture.
    pub preview: String,
    /// Why it is believed to be a credential: "its checksum is right".
    pub reason: String,
    /// The inventory's name for the value.
    pub known_as: Option<String>,
    /// Where it stands, earliest first. Later commits of the same push that still hold it belong
    /// here too: they tell whether it is still there at the tip.
    pub places: Vec<Place>,
    /// Who answers for it.
    pub owner: String,
    /// Why this owner: "path deploy/** in owners.toml:4". Empty where nobody was found.
    pub owner_source: String,
    /// The ticket, where one is open.
    pub ticket: Option<Ticket>,
    /// The incident's id.
    pub incident: String,
    /// How the rule says to make it worthless.
    pub revocation: String,
    /// Where to do that.
    pub revocation_url: Option<String>,
    /// The short-lived mechanism that replaces it.
    pub replacement: String,
}

/// The ticket of a [`Finding`].
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Its id: `TKT-12`.
    pub id: String,
    /// Since when it was open before this push, for people; `None`: this push opened it.
    pub open_since: Option<String>,
}

/// One place of a [`Finding`].
#[derive(Clone, Debug)]
pub struct Place {
    /// What holds it.
    pub container: Container,
    /// Whether this commit brings it, rather than carries it on from its parents.
    pub is_new: bool,
    /// The object; `None` for ref names and push options.
    pub object: Option<Oid>,
    /// The commit; `None` for tags, ref names, push options and objects that no commit reaches.
    pub commit: Option<Commit>,
    /// The path in git's bytes, for blobs and tree entries; secrets in it masked.
    pub path: Vec<u8>,
    /// The line in the object, from 1.
    pub line: u64,
    /// The layers in which it stands there, escaped for display: `a.env` of a zip archive, `base64`.
    pub layers: Vec<String>,
    /// Whether it stands in a commit's or tag's header (its author, committer, tagger) rather than
    /// in the message.
    pub in_header: bool,
    /// The ref that brings it; `None` where no ref reaches it.
    pub reference: Option<Reference>,
}

/// The commit of a [`Place`].
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its id.
    pub id: Oid,
    /// Its rank among the push's commits, ancestors first.
    pub order: u32,
    /// The first line of its message; secrets in it masked.
    pub subject: Vec<u8>,
    /// How it stands in the push.
    pub topology: Topology,
}

/// A ref of the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its full name in git's bytes; secrets in it masked.
    pub name: Vec<u8>,
    /// Where it stood before the push; `None` where the push creates it.
    pub old: Option<Oid>,
    /// Where the push wants it.
    pub new: Oid,
    /// What `new` leads to: itself, unless it is an annotated tag.
    pub target: Oid,
    /// Whether `new` does not descend from `old`: only a forced push can do that.
    pub is_forced: bool,
}

/// Objects that were not scanned for one reason.
#[derive(Clone, Copy, Debug)]
pub struct Unscanned {
    /// Why.
    pub reason: UnscannedReason,
    /// How many.
    pub objects: u64,
}

/// Returns the text of a refusal; lines end in `\n`.
///
/// The first line begins with `error: push refused` and says it all. No line is wider than 72
/// columns, except for a URL, which stands alone on its line. One finding takes at most 25 lines,
/// any number of them at most 60. The commands were tried: pasted one after the other, they make
/// the push pass.
pub fn render(refusal: &Refusal) -> String {
    if refusal.server == Server::Gitlab && refusal.is_web {
        return summary::gitlab_web(refusal);
    }
    let one = refusal.findings.len() <= 1;
    let lines_max = if one { LINES_MAX_ONE } else { LINES_MAX };
    let mut listed = refusal.findings.len().min(FINDINGS_MAX);
    loop {
        let page = compose(refusal, listed);
        if page.lines_min() <= lines_max || listed <= 1 {
            return page.fit(lines_max);
        }
        listed -= 1;
    }
}

fn compose(refusal: &Refusal, listed: usize) -> Page {
    let mut page = Page::default();
    page.line(Weight::Must, summary::headline(refusal));
    let (shown, others) = refusal.findings.split_at_checked(listed).unwrap_or_default();
    for (at, finding) in shown.iter().enumerate() {
        page.blank();
        report::write(&mut page, refusal, at + 1, finding);
    }
    hints::others(&mut page, others);
    hints::unfiled(&mut page, refusal.unfiled);
    hints::unscanned(&mut page, &refusal.unscanned);
    commands::write(&mut page, &plan::plan(&refusal.findings, &refusal.updates));
    hints::rotate(&mut page, shown);
    hints::appeal(&mut page, refusal);
    if refusal.server == Server::Gitlab {
        page.line(Weight::Must, summary::gitlab(refusal));
    }
    page.line(Weight::Must, summary::reference(refusal));
    page
}

/// Returns the text of a push that was let in although it holds something worth a look: a few
/// lines, the first of which begins with `warning:`.
pub fn render_warning(refusal: &Refusal) -> String {
    let mut page = Page::default();
    page.line(Weight::Must, summary::warning(refusal));
    for finding in refusal.findings.iter().take(WARNINGS_MAX) {
        page.lines(Weight::Must, summary::brief(finding));
    }
    hints::others(&mut page, refusal.findings.get(WARNINGS_MAX..).unwrap_or_default());
    page.line(Weight::Must, summary::reference(refusal));
    page.fit(LINES_MAX_ONE)
}

/// Returns the text that proves to `hooks status` that a repository's hook works.
pub fn render_canary(id: &str) -> String {
    let id = escape::line(id.as_bytes(), 32);
    format!("error: push refused - pushwarden canary {id} stopped\n")
}
