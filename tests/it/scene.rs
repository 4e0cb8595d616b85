//! A repository, a developer, and what a push meets while the daemon gives no verdict.

use pushwarden::service::spool::CLAIM_SUFFIX;

use crate::forge::{Forge, Repository, Said, Work};
use crate::token;

/// How the refusal of a push begins that was not scanned.
pub const UNSCANNED: &str = "error: push refused - it could not be scanned. Nothing was stored.";

/// How the refusal of a push begins in which something was found that is not on record.
pub const UNRECORDED: &str = "error: push refused - its scan is not on record. Nothing was stored.";

/// How the warning begins with which an unscanned push is let in.
pub const LET_IN: &str = "warning: push accepted, but NOT scanned for credentials.";

/// A repository with a developer's clone in which one push landed, if the daemon runs.
pub struct Scene<'f> {
    pub repository: Repository<'f>,
    pub work: Work<'f>,
}

impl<'f> Scene<'f> {
    /// Makes `r.git` and its clone.
    pub fn new(forge: &'f Forge) -> Self {
        Self::called(forge, "r.git")
    }

    /// Makes a repository and its clone.
    pub fn called(forge: &'f Forge, name: &str) -> Self {
        let repository = forge.repository(name);
        // A busy machine is not what these tests are about.
        repository.set("hello_timeout_ms", "20000");
        let work = repository.clone_as(&format!("work-{name}"));
        Self { repository, work }
    }

    /// Returns to the scene that [`Scene::new`] made.
    pub fn again(forge: &'f Forge) -> Self {
        let repository = Repository { forge, path: forge.path("r.git") };
        let work = Work { forge, path: forge.path("work-r.git") };
        Self { repository, work }
    }

    /// Changes what the hook does while the daemon gives no verdict.
    pub fn set_policy(&self, policy: &str) {
        self.repository.set("on_unavailable", policy);
    }

    /// Commits a file without a credential and pushes it to a branch of its own.
    #[track_caller]
    pub fn push_clean(&self) -> (Said, String) {
        self.push(&format!("clean {}\n", token::random(6)))
    }

    /// Commits a fresh credential and pushes it to a branch of its own.
    #[track_caller]
    pub fn push_credential(&self) -> (Said, String) {
        let secret = self.work.forge.plant(token::github());
        self.push(&format!("TOKEN={secret}\n"))
    }

    /// Commits `content` and pushes it, without any history, to a branch of its own.
    #[track_caller]
    pub fn push(&self, content: &str) -> (Said, String) {
        let branch = token::random(8);
        self.work.git(&["checkout", "-q", "--orphan", &branch]);
        let commit = self.work.commit("file.env", content, "change");
        let said = self.work.push(&[&branch]);
        assert_eq!(said.is_accepted(), self.repository.has(&commit), "{said:?}");
        if !said.is_accepted() {
            assert_eq!(said.code, 1);
            assert!(said.err.contains("(pre-receive hook declined)"), "{said:?}");
        }
        (said, commit)
    }

    /// A push is refused because it was not scanned, and nothing is left in the spool.
    #[track_caller]
    pub fn is_refused_unscanned(&self, why: &str) {
        let before = self.work.forge.spool();
        let (said, _) = self.push_clean();
        says(&said, UNSCANNED, why);
        assert_eq!(self.work.forge.spool(), before);
    }

    /// A push with a credential is let in unscanned, with exactly one record of it.
    #[track_caller]
    pub fn is_accepted_unscanned(&self, why: &str) {
        let before = self.work.forge.spool();
        let (said, _) = self.push_credential();
        says(&said, LET_IN, why);
        assert!(said.is_accepted());
        let entry = self.only_new_entry(&before);
        let reference = entry.strip_suffix(".accepted").unwrap();
        assert!(said.remote().contains(reference), "{said:?}");
    }

    /// A push is scanned by a child of the hook, which leaves one claim, whatever it finds.
    #[track_caller]
    pub fn is_scanned_locally(&self) {
        let before = self.work.forge.spool();
        let (said, _) = self.push_clean();
        assert!(said.is_accepted(), "{said:?}");
        assert_eq!(said.remote(), "");
        self.only_new_claim(&before);
        let before = self.work.forge.spool();
        let (said, _) = self.push_credential();
        assert!(said.remote().starts_with("error: push refused - 1 credential in 1"), "{said:?}");
        self.only_new_claim(&before);
    }

    #[track_caller]
    fn only_new_claim(&self, before: &[String]) {
        let entry = self.only_new_entry(before);
        assert!(entry.strip_suffix(CLAIM_SUFFIX).is_some(), "{entry}");
    }

    #[track_caller]
    fn only_new_entry(&self, before: &[String]) -> String {
        let mut entries = self.work.forge.spool();
        entries.retain(|entry| !before.contains(entry));
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    /// Tries all three policies while the daemon gives no verdict for the reason `why`.
    #[track_caller]
    pub fn under_each_policy(&self, why: &str) {
        self.set_policy("reject");
        self.is_refused_unscanned(why);
        self.set_policy("accept");
        self.is_accepted_unscanned(why);
        self.set_policy("scan-locally");
        self.is_scanned_locally();
    }
}

/// Checks the first line of what the pusher reads, and that `why` stands in it somewhere.
#[track_caller]
pub fn says(said: &Said, first: &str, why: &str) {
    let text = said.remote();
    let mut lines = text.lines().filter(|line| !line.starts_with("pushwarden: scanning "));
    assert_eq!(lines.next(), Some(first), "{said:?}");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(why), "`{why}` is not in: {text}");
}

/// Starts the daemon once, so that it leaves what local screening needs, and stops it.
pub fn served_before() -> Forge {
    let forge = Forge::start();
    forge.stop();
    forge
}

/// Returns how many pushes are on record by the word of the git account, from the spool; a later
/// scan by the daemon adds records of its own.
pub fn told_by_spool(forge: &Forge) -> usize {
    forge.pushes().iter().filter(|push| push["origin"] == "git-account").count()
}
