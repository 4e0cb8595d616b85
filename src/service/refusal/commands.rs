//! From a plan to words and commands that can be pasted one after the other.
//!
//! The commands work in any POSIX shell, and those without quotes or globs in any other. They set
//! git's sequence editor by `-c`, not by the environment, which is spelled differently elsewhere.
//! Each stands on a line that begins with two spaces and `git`; after a backslash it goes on.
//! What a person has to do by hand (take the secret out, write a message) is said before them.
//!
//! Nobody knows what the pusher has checked out, nor what they call a branch or the remote. Git is
//! asked for the branch that stands where the push wanted its ref, what is mended there is pushed
//! from `HEAD`, and objects are named by id. Assumed is a clean working tree; that `origin` stands for
//! the remote is said.

use super::Reference;
use super::names::{
    BRANCHES, NEW_NAME, NOTES, TAGS, name, pathspec, push_from, push_of, rename_of,
};
use super::page::{COLUMNS_MAX, Page, Weight, wrap};
use super::plan::{Base, Fix, Group, Job, Rename, What};
use super::report::named;
use crate::wire::{Oid, count, escape};

/// The most refs that get commands; a push that needs more is better read in its tickets.
const JOBS_MAX: usize = 4;

/// A notes ref's name stands beside more.
const NOTES_COLUMNS_MAX: usize = 14;

/// What pushers must replace themselves.
const REMOTE: &str = " (for origin, say your remote):";

/// Writes what mends each ref, a push at the end of each.
pub(super) fn write(page: &mut Page, jobs: &[Job<'_>]) {
    let mut remote_is_told = false;
    for job in jobs.iter().take(JOBS_MAX) {
        page.blank();
        let mut steps = Steps::default();
        steps.fix(job);
        if job.is_history() {
            steps.begin(job);
            steps.retag_rewritten(job);
        }
        steps.push(job);
        steps.follow(job);
        if !remote_is_told {
            remote_is_told = steps.tell_remote();
        }
        page.lines(Weight::Must, steps.lines());
        if let Some(instead) = steps.instead {
            page.text(Weight::Detail, "hint: ", &instead, 3);
        }
        if let Some(others) = steps.others {
            page.text(Weight::Useful, "hint: ", &others, 3);
        }
    }
    if let Some(more) = jobs.len().checked_sub(JOBS_MAX).filter(|more| *more > 0) {
        let more = format!("Likewise on {}.", count(more, "more ref"));
        page.text(Weight::Useful, "hint: ", &more, 1);
    }
}

/// The way to where the work is done, words, then commands.
#[derive(Default)]
struct Steps {
    /// The command that checks out what is mended: nobody knows what is checked out.
    way: Option<String>,
    /// What to do where that fails.
    detour: Option<String>,
    /// Whether something is to be done by hand, once that is checked out.
    by_hand: bool,
    words: String,
    commands: Vec<String>,
    /// What to do where the commands fail.
    instead: Option<String>,
    /// What other refs may need.
    others: Option<String>,
}

impl Steps {
    fn lines(&self) -> Vec<String> {
        let words = wrap("hint: ", &self.words, 3);
        let way = self.way.iter().map(|command| format!("  {command}"));
        let mut lines = Vec::new();
        if self.way.is_some() && (self.by_hand || self.detour.is_some()) {
            let detour = self.detour.as_ref().map(|detour| format!("; if that fails, {detour}"));
            lines.push(format!("hint: Go to where it is{}:", detour.unwrap_or_default()));
            lines.extend(way);
            lines.extend(words);
        } else {
            lines.extend(words);
            lines.extend(way);
        }
        lines.extend(self.commands.iter().map(|command| format!("  {command}")));
        lines
    }

    /// Says what `origin` stands for, if the commands name it.
    fn tell_remote(&mut self) -> bool {
        let names_it = self.commands.iter().any(|command| command.contains(" origin"));
        if names_it && self.words.ends_with(':') {
            self.words.pop();
            self.words.push_str(REMOTE);
        }
        names_it
    }

    fn run(&mut self, command: impl Into<String>) {
        self.commands.push(command.into());
    }

    fn say(&mut self, words: impl Into<String>) {
        self.words = words.into();
    }

    /// Checks out what is mended: the branch that stands there, whatever it is called, or none. One
    /// whose name cannot be shown goes on under another one.
    fn begin(&mut self, job: &Job<'_>) {
        let Some(reference) = job.reference else { return };
        let tip = reference.new.short();
        let detached = format!("git switch --detach {tip}");
        if name(reference, BRANCHES).is_some() {
            let branch = format!("$(git name-rev --name-only --refs=\"heads/*\" {tip})");
            self.way = Some(format!("git switch {branch}"));
            self.detour = Some(detached);
        } else if reference.name.starts_with(BRANCHES) {
            self.way = Some(format!("git switch -c {NEW_NAME} {tip}"));
        } else {
            self.way = Some(detached);
        }
    }

    fn fix(&mut self, job: &Job<'_>) {
        match &job.fix {
            Fix::Amend(what) => self.amend(what),
            Fix::Fixup { groups, what, base, merges } => {
                self.fixup(groups, what, *base, *merges);
            }
            Fix::Reword { commits, base, merges } => self.reword(commits, *base, *merges),
            Fix::Squash { base, what, is_gone } => self.squash(*base, what, *is_gone),
            Fix::RenameBranch => {
                self.say("Push it under another name; then delete the old branch (git branch -D):");
                self.begin(job);
            }
            Fix::RenameTag { is_annotated } => self.rename_tag(job.reference, *is_annotated),
            Fix::Retag => self.retag(job.reference),
            Fix::DropTag => self.drop_tag(job.reference),
            Fix::Note { on, is_gone } => self.note(job.reference, on, *is_gone),
            Fix::WithoutOption(_) => {
                self.say("Push again without that push option (-o):");
            }
            Fix::FreshClone(branch) => self.fresh_clone(*branch),
        }
    }

    fn amend(&mut self, what: &What<'_>) {
        self.say(format!("{}, then:", what.to_do()));
        self.by_hand = what.is_by_hand();
        self.rename(&what.renames);
        let (all, edit) = (what.files, what.messages);
        let command = match (all, edit) {
            (true, true) => "git commit --amend -a",
            (true, false) => "git commit --amend --no-edit -a",
            (false, true) => "git commit --amend",
            (false, false) => "git commit --amend --no-edit",
        };
        self.run(command);
    }

    fn fixup(&mut self, groups: &[Group<'_>], what: &What<'_>, base: Base, merges: bool) {
        self.say(format!("Deleting it in a new commit is not enough. {}, then:", what.to_do()));
        self.by_hand = what.is_by_hand();
        self.rename(&what.renames);
        match groups {
            [only] => self.run(format!("git commit -a --fixup={}", only.commit.short())),
            several => self.commands.extend(several.iter().flat_map(fixup_of)),
        }
        let flag = if merges { " -r" } else { "" };
        let onto = base.for_rebase();
        self.run(format!("git -c sequence.editor=: rebase -i --autosquash{flag} {onto}"));
        if !merges {
            let reset = base.for_reset();
            self.instead = Some(format!(
                "If that stops in a conflict, squash: git rebase --abort; {reset}; git commit -a."
            ));
        }
    }

    /// Above a merge the list of the rebase holds commits that are not the pusher's to change, so
    /// there the one commit is picked by its id; without merges all that follow are new.
    fn reword(&mut self, commits: &[Oid], base: Base, merges: bool) {
        let base = base.for_rebase();
        match commits {
            [one] if merges => {
                let one = one.short();
                self.run(format!("git -c sequence.editor=\"sed -i.bak /{one}/s/pick/r/\" \\"));
                self.run(format!("  rebase -i -r {base}"));
            }
            [_] => self
                .run(format!("git -c sequence.editor=\"sed -i.bak 1s/pick/r/\" rebase -i {base}")),
            _ => self
                .run(format!("git -c sequence.editor=\"sed -i.bak s/^pick/r/\" rebase -i {base}")),
        }
        let which = if commits.len() == 1 { "it" } else { "each" };
        self.say(format!("Take it out of the message; your editor opens with {which}:"));
    }

    fn squash(&mut self, base: Base, what: &What<'_>, is_gone: bool) {
        if is_gone {
            self.say(
                "Deleting it in a later commit is not enough: the earlier one would be stored, \
                 and anyone could fetch it. Make one commit of them:",
            );
        } else {
            self.say(format!("{}, then make one commit of all since:", what.to_do()));
            self.by_hand = what.is_by_hand();
            self.rename(&what.renames);
        }
        self.run(base.for_reset());
        self.run("git commit -a");
    }

    /// Renames from the top down: what lies in a folder that has a new name is found there.
    fn rename(&mut self, renames: &[Rename<'_>]) {
        let mut done: Vec<(&[u8], Vec<u8>)> = Vec::new();
        for (at, rename) in renames.iter().enumerate() {
            let number = if at == 0 { String::new() } else { format!("-{}", at + 1) };
            let to = format!("{NEW_NAME}{number}");
            let folder = rename.folder();
            let moved = done.iter().rev().find_map(|(old, new)| {
                let rest = folder.strip_prefix(*old)?;
                let is_inside = rest.is_empty() || rest.starts_with(b"/");
                is_inside.then(|| [new.as_slice(), rest].concat())
            });
            let folder = moved.unwrap_or_else(|| folder.to_vec());
            self.commands.extend(rename_of(rename, &folder, &to));
            let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
            done.push((rename.path, [&folder, slash, to.as_bytes()].concat()));
        }
    }

    /// The old tag stays: its name cannot be shown, and a pattern might delete others.
    fn rename_tag(&mut self, reference: Option<&Reference>, is_annotated: bool) {
        self.say("Give the tag another name, and delete the old one (git tag -d):");
        let Some(reference) = reference else { return };
        let new = reference.new.short();
        if is_annotated {
            self.run(format!("git tag -a {NEW_NAME} \"{new}^{{}}\""));
        } else {
            self.run(format!("git tag {NEW_NAME} {new}"));
        }
    }

    fn retag(&mut self, reference: Option<&Reference>) {
        self.say(
            "Make the tag anew; your editor opens with its message, take it out \
                      there:",
        );
        let Some(reference) = reference else { return };
        let tag = name(reference, TAGS).unwrap_or_else(|| "TAG".to_owned());
        self.run(format!("git tag -f -a {tag} \"{}^{{}}\"", reference.new.short()));
    }

    fn drop_tag(&mut self, reference: Option<&Reference>) {
        self.say("Do not push that ref; it points at the secret itself:");
        if let Some(tag) = reference.and_then(|r| name(r, TAGS)) {
            self.run(format!("git tag -d {tag}"));
        }
    }

    /// Notes have a history of their own, which no rebase rewrites: it becomes one commit.
    fn note(&mut self, reference: Option<&Reference>, on: &str, is_gone: bool) {
        self.say("Take it out of the note; then its history becomes one commit:");
        let Some(reference) = reference else { return };
        let notes = name(reference, NOTES).filter(|notes| notes.len() <= NOTES_COLUMNS_MAX);
        let notes = notes.unwrap_or_else(|| "NOTES".to_owned());
        let is_id = on.len() >= 40 && on.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(on) = on.get(..10).filter(|_| is_id && !is_gone) {
            self.run(format!("git notes --ref={notes} edit {on}"));
        }
        let parent = reference.old.map_or_else(String::new, |old| format!("-p {} ", old.short()));
        self.run(format!("git update-ref refs/notes/{notes} \\"));
        self.run(format!("  $(git commit-tree -m notes {parent}refs/notes/{notes}:)"));
    }

    fn fresh_clone(&mut self, branch: Option<&Reference>) {
        self.say(
            "Git does not send such objects by itself. Push from a fresh clone of \
                      your work, which leaves them behind:",
        );
        self.run("git clone --no-local . ../fresh-clone && cd ../fresh-clone");
        self.run("git remote set-url origin $(git -C \"$OLDPWD\" remote get-url origin)");
        if let Some(branch) = branch {
            self.run(format!("git switch --detach {}", branch.new.short()));
        }
    }

    /// A tag that brought the commits still points at the old ones.
    fn retag_rewritten(&mut self, job: &Job<'_>) {
        let Some(reference) = job.reference else { return };
        if let Some(tag) = name(reference, TAGS) {
            self.run(format!("git tag -f{} {tag}", reference.message()));
        }
    }

    fn push(&mut self, job: &Job<'_>) {
        match (&job.fix, job.reference) {
            (Fix::DropTag, _) => {}
            (Fix::WithoutOption(updates), _) => {
                let pushes = updates.iter().take(JOBS_MAX);
                let pushes = pushes.flat_map(|update| push_from(&update.new.short(), update));
                self.commands.extend(pushes);
            }
            (Fix::RenameTag { .. }, _) => self.run(format!("git push origin {NEW_NAME}")),
            (Fix::FreshClone(branch), _) if branch.is_some() => {
                self.commands.extend(branch.iter().flat_map(|branch| push_of(branch)));
            }
            (_, Some(reference)) => self.commands.extend(push_of(reference)),
            (_, None) => self.run("git push -u origin HEAD"),
        }
    }

    /// Moves the other refs of the push that point at what was replaced, and pushes them.
    fn follow(&mut self, job: &Job<'_>) {
        let known = job.followers.iter().filter(|follower| follower.below.is_some());
        for follower in known.take(JOBS_MAX) {
            let reference = follower.reference;
            let at = follower.below.filter(|below| *below > 0);
            let at = at.map_or_else(|| "HEAD".to_owned(), |below| format!("HEAD~{below}"));
            match (name(reference, TAGS), name(reference, BRANCHES)) {
                (Some(tag), _) => {
                    self.run(format!("git tag -f{} {tag} {at}", reference.message()));
                }
                (_, Some(_)) => {}
                _ => continue,
            }
            self.commands.extend(push_from(&at, reference));
        }
        let unknown = job.followers.iter().filter(|follower| follower.below.is_none());
        let names: Vec<_> =
            unknown.take(JOBS_MAX).map(|follower| named(follower.reference, 30)).collect();
        if !names.is_empty() {
            self.others = Some(format!(
                "Pushed with it: {}. What of them leads to a commit that this replaces has to move \
                 too (git tag -f, git rebase --onto) before it is pushed again.",
                names.join(", ")
            ));
        }
    }
}

impl Reference {
    /// Returns the option by which a tag keeps its message, which an editor shows again.
    fn message(&self) -> &'static str {
        if self.new == self.target { "" } else { " -a" }
    }
}

impl What<'_> {
    fn is_by_hand(&self) -> bool {
        self.files || self.headers
    }

    /// Returns what to do by hand, as the beginning of a sentence.
    fn to_do(&self) -> &'static str {
        if self.headers {
            return "Take it out of your name and address (git config --edit), and of all else";
        }
        match (self.files, self.messages, self.renames.is_empty()) {
            (true, false, true) => "Take it out of the file",
            (false, true, true) => "Take it out of the message (your editor opens)",
            (false, false, false) => "In the top folder of your clone, rename the file",
            (true, true, true) => "Take it out of the file, and out of the message",
            (true, false, false) => {
                "Take it out of the file, and in the top folder rename the other"
            }
            _ => "Take it out of file, name and message",
        }
    }
}

impl Base {
    fn for_rebase(self) -> String {
        match self {
            Self::Root => "--root".to_owned(),
            // `~`, for `^` means something to some shells.
            Self::ParentOf(commit) => format!("{}~", commit.short()),
            Self::Old(old) => old.short(),
        }
    }

    fn for_reset(self) -> String {
        match self {
            Self::Root => "git update-ref -d HEAD".to_owned(),
            Self::ParentOf(_) | Self::Old(_) => format!("git reset --soft {}", self.for_rebase()),
        }
    }
}

/// Returns the commands' lines that make a fixup of some files.
fn fixup_of(group: &Group<'_>) -> Vec<String> {
    let start = format!("git commit --fixup={} --", group.commit.short());
    let paths: Vec<_> = group.paths.iter().filter_map(|path| pathspec(path)).collect();
    let line = format!("{start} {}", paths.join(" "));
    if escape::columns(&line) + 2 <= COLUMNS_MAX {
        return vec![line];
    }
    let last = paths.len().saturating_sub(1);
    let path =
        |(at, path): (usize, &String)| format!("  {path}{}", if at == last { "" } else { " \\" });
    let paths = paths.iter().enumerate().map(path);
    std::iter::once(format!("{start} \\")).chain(paths).collect()
}
