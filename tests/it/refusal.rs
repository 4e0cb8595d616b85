//! What a developer reads when a push is refused, and whether doing as it says makes the push pass.

use crate::forge::{Forge, Repository, Said, Work};
use crate::token;

/// The widest line: 80 columns less git's own `remote: `.
const COLUMNS_MAX: usize = 72;

/// The most lines for one credential.
const LINES_MAX: usize = 25;

/// A developer whose push is refused.
struct Story<'f> {
    forge: &'f Forge,
    repository: Repository<'f>,
    work: Work<'f>,
    secret: String,
}

impl<'f> Story<'f> {
    /// Starts from nothing: neither side has a commit.
    fn empty(forge: &'f Forge) -> Self {
        let secret = forge.plant(token::github());
        Self::with(forge, secret)
    }

    /// Starts from a commit that is on the server.
    fn begun(forge: &'f Forge) -> Self {
        let story = Self::empty(forge);
        story.begin();
        story
    }

    fn with(forge: &'f Forge, secret: String) -> Self {
        let repository = forge.repository("r.git");
        let work = repository.clone_as("w");
        Self { forge, repository, work, secret }
    }

    fn begin(&self) {
        self.work.commit("README", "hello\n", "begin");
        let said = self.work.push(&["HEAD:main"]);
        assert!(said.is_accepted(), "{said:?}");
    }

    fn leak(&self) {
        self.work.commit("deploy/prod.env", self.file(), "add config");
    }

    fn file(&self) -> String {
        format!("# prod\nTOKEN={}\n", self.secret)
    }

    /// Pushes, which must be refused, and returns what the developer reads with everything replaced
    /// that differs from run to run.
    #[track_caller]
    fn refused(&self, refspecs: &[&str]) -> (Said, String) {
        let said = self.work.push(refspecs);
        assert!(!said.is_accepted(), "{said:?}");
        assert_readable(&said);
        let text = self.steady(&said.remote());
        (said, text)
    }

    /// Replaces ids, the credential's picture and the folder of this run.
    fn steady(&self, text: &str) -> String {
        let folder = self.forge.path("").display().to_string();
        let text = text.replace(folder.trim_end_matches('/'), "/DIR");
        let steady = [
            (r"\bref [0-9a-f]{12}\b", "ref NONCE"),
            (r"\b[0-9a-f]{7,40}\b", "COMMIT"),
            (r"ghp_\S*", "PREVIEW"),
        ];
        steady.iter().fold(text, |text, (pattern, name)| {
            regex::Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
        })
    }

    /// Does as it was told, and the push passes: with the pushed branch checked out, and in a copy of
    /// everything with another branch checked out.
    #[track_caller]
    fn mend(&self, said: &Said) {
        self.copy().mend_elsewhere(said);
        self.mend_here(said);
    }

    /// Copies both sides.
    fn copy(&self) -> Self {
        let (forge, folder) = (self.forge, self.forge.path("copy"));
        let path = |name: &str| folder.join(name);
        let repository = Repository { forge, path: path("r.git") };
        let work = Work { forge, path: path("w") };
        let script = format!(
            "mkdir {0}; cp -a {1} {2} {0}",
            folder.display(),
            self.repository.path.display(),
            self.work.path.display()
        );
        assert_eq!(self.work.shell(&script).code, 0);
        work.git(&["remote", "set-url", "origin", &repository.path.display().to_string()]);
        Self { forge, repository, work, secret: self.secret.clone() }
    }

    #[track_caller]
    fn mend_elsewhere(&self, said: &Said) {
        let main = "refs/remotes/origin/main";
        if self.work.try_git(&["rev-parse", "-q", "--verify", main]).code == 0 {
            self.work.git(&["switch", "-q", "--no-track", "-c", "elsewhere", main]);
        } else {
            self.work.git(&["switch", "-q", "--orphan", "elsewhere"]);
        }
        let stands = || self.work.try_git(&["rev-parse", "-q", "--verify", "elsewhere"]);
        let before = stands().out;
        self.mend_here(said);
        assert_eq!(stands().out, before, "a branch that has nothing to do with it moved");
    }

    /// Takes the secret out by hand where the text says so, and pastes the commands.
    #[track_caller]
    fn mend_here(&self, said: &Said) {
        let take_out = format!("sed -i.bak s/{}/gone/g", self.secret);
        let editor = self.forge.path("editor");
        std::fs::write(
            &editor,
            format!("{take_out} \"$1\"\ngrep -q '^[^#]' \"$1\" || echo written >> \"$1\"\n"),
        )
        .unwrap();
        let by_hand = format!("git grep -lz {} | xargs -0r {take_out}", self.secret);
        let script = played(&said.remote(), &by_hand);
        let mended =
            self.work.shell(&format!("export GIT_EDITOR='sh {}'\n{script}", editor.display()));
        assert_eq!(mended.code, 0, "{script}\n{mended:?}");
        self.assert_clean();
    }

    /// The server took the work in, and no object or ref there holds the secret.
    #[track_caller]
    fn assert_clean(&self) {
        let refs = self.repository.git(&["for-each-ref"]).out;
        let head = self.work.git(&["rev-parse", "HEAD"]);
        let holders = self.repository.git(&["for-each-ref", "--contains", &head]).out;
        assert!(!holders.is_empty(), "{head} was not pushed: {refs}");
        let objects = self.repository.git(&["cat-file", "--batch-all-objects", "--batch"]).out;
        assert!(!refs.contains(&self.secret) && !objects.contains(&self.secret));
    }
}

/// Holds what every refusal must: it fits, and nothing in it acts on a terminal.
#[track_caller]
fn assert_readable(said: &Said) {
    let lines: Vec<&str> =
        said.err.split('\n').filter_map(|line| line.strip_prefix("remote: ")).collect();
    assert!(lines.len() <= LINES_MAX, "{} lines: {said:?}", lines.len());
    assert!(lines[0].starts_with("error: push refused - "), "{said:?}");
    for line in &lines {
        // Git's client fills its lines up with blanks.
        let line = line.trim_end();
        assert!(line.chars().count() <= COLUMNS_MAX, "{line:?}");
        assert!(line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line:?}");
    }
    let errors = lines.iter().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "one line is the verdict: {said:?}");
}

/// Returns the lines that a developer pastes: those that begin with two spaces and `git`, and what a
/// backslash continues.
fn pasted(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in text.lines() {
        let goes_on = commands.last().is_some_and(|command| command.ends_with('\\'));
        if let Some(command) = line.strip_prefix("  ")
            && (goes_on || command.starts_with("git "))
        {
            commands.push(command.to_owned());
        }
    }
    commands
}

/// Returns what a developer does who reads on line by line: the commands as they stand, and what is
/// to be done by hand where a hint says so.
fn played(text: &str, by_hand: &str) -> String {
    let mut script = String::new();
    let mut goes_on = false;
    for paragraph in text.replace("\n      ", " ").split_inclusive('\n') {
        let is_command = paragraph.starts_with("  git ");
        let is_hint = paragraph.starts_with("hint: ");
        if is_hint && (paragraph.contains("out of the file") || paragraph.contains("out of your")) {
            script.extend([by_hand, "\n"]);
        }
        if is_command || goes_on {
            goes_on = paragraph.ends_with("\\\n");
            script += paragraph;
        }
    }
    script
}

#[test]
fn in_the_last_commit() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  deploy/prod.env:2  "add config"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Take it out of the file, then (for origin, say your remote):
      git commit --amend --no-edit -a
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
      Better: A GitHub App installation token of one hour; inside Actions
              the job's GITHUB_TOKEN; for git over ssh a deploy key.
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn in_an_earlier_commit() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    story.work.commit("b.txt", "b\n", "go on");
    story.work.commit("c.txt", "c\n", "and on");
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  deploy/prod.env:2  "add config"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit -a --fixup=COMMIT
      git -c sequence.editor=: rebase -i --autosquash COMMIT~
      git push origin HEAD:main
    hint: If that stops in a conflict, squash: git rebase --abort; git reset
          --soft COMMIT~; git commit -a.

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
    assert_eq!(story.work.git(&["log", "--format=%s"]), "and on\ngo on\nadd config\nbegin");
}

#[test]
fn in_the_very_first_commit() {
    let forge = Forge::start();
    let story = Story::empty(&forge);
    story.leak();
    story.work.commit("b.txt", "b\n", "go on");
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  deploy/prod.env:2  "add config"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit -a --fixup=COMMIT
      git -c sequence.editor=: rebase -i --autosquash --root
      git push -u origin HEAD:refs/heads/main
    hint: If that stops in a conflict, squash: git rebase --abort; git
          update-ref -d HEAD; git commit -a.

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn below_a_merge() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    story.work.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    story.work.commit("side.txt", "side\n", "side");
    story.work.git(&["checkout", "-q", "main"]);
    story.work.git(&["merge", "-q", "--no-edit", "side"]);
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  deploy/prod.env:2  "add config"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit -a --fixup=COMMIT
      git -c sequence.editor=: rebase -i --autosquash -r COMMIT~
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
      Better: A GitHub App installation token of one hour; inside Actions
              the job's GITHUB_TOKEN; for git over ssh a deploy key.
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
    let parents = story.work.git(&["rev-list", "--parents", "-1", "HEAD"]);
    assert_eq!(parents.split(' ').count(), 3, "the merge stays one");
}

#[test]
fn in_a_merge_itself() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["checkout", "-q", "-b", "side"]);
    story.work.commit("side.txt", "side\n", "side");
    story.work.git(&["checkout", "-q", "main"]);
    story.work.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    story.leak();
    story.work.commit("b.txt", "b\n", "go on");
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
}

#[test]
fn taken_out_by_a_later_commit() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    story.work.commit("deploy/prod.env", "# prod\n", "oops");
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  deploy/prod.env:2  "add config"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Deleting it in a later commit is not enough: the earlier one would
          be stored, and anyone could fetch it. Make one commit of them (for
          origin, say your remote):
      git reset --soft COMMIT~
      git commit -a
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn in_a_message() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.commit("a.txt", "a\n", &format!("deploy with {}", story.secret));
    story.work.commit("b.txt", "b\n", "go on");
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  in the commit message  "deploy with ********"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Take it out of the message; your editor opens with it (for origin,
          say your remote):
      git -c sequence.editor="sed -i.bak 1s/pick/r/" rebase -i COMMIT~
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
      Better: A GitHub App installation token of one hour; inside Actions
              the job's GITHUB_TOKEN; for git over ssh a deploy key.
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn in_the_last_message() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.commit("a.txt", "a\n", &format!("deploy\n\nwith {}", story.secret));
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
}

#[test]
fn in_a_tag() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["tag", "-a", "v1", "-m", &format!("signed with {}", story.secret)]);
    let (said, text) = story.refused(&["v1"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in a tag. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        in the message of the tag v1
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Make the tag anew; your editor opens with its message, take it out
          there (for origin, say your remote):
      git tag -f -a v1 "COMMIT^{}"
      git push origin refs/tags/v1

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
      Better: A GitHub App installation token of one hour; inside Actions
              the job's GITHUB_TOKEN; for git over ssh a deploy key.
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn in_the_name_of_a_branch() {
    let forge = Forge::start();
    // Not planted: git's own client prints the ref that it pushes.
    let story = Story::with(&forge, token::github());
    story.begin();
    let branch = format!("try/{}", story.secret);
    story.work.git(&["checkout", "-q", "-b", &branch]);
    let (said, text) = story.refused(&["HEAD"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in a ref name. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        in the name of the branch try/********
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Push it under another name; then delete the old branch (git branch
          -D) (for origin, say your remote):
      git switch -c new-name COMMIT
      git push -u origin HEAD:refs/heads/new-name

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
      Better: A GitHub App installation token of one hour; inside Actions
              the job's GITHUB_TOKEN; for git over ssh a deploy key.
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    assert!(!said.remote().contains(&story.secret));
    story.mend(&said);
    forge.assert_not_written(&story.secret);
}

#[test]
fn in_the_name_of_a_tag() {
    let forge = Forge::start();
    // Not planted: git's own client prints the ref that it pushes.
    let story = Story::with(&forge, token::github());
    story.begin();
    story.work.git(&["tag", &story.secret]);
    let (said, _) = story.refused(&[&story.secret]);
    assert!(!said.remote().contains(&story.secret));
    story.mend(&said);
}

#[test]
fn in_the_name_and_message_of_an_annotated_tag() {
    let forge = Forge::start();
    // Not planted: git's own client prints the ref that it pushes.
    let story = Story::with(&forge, token::github());
    story.begin();
    story.work.git(&["tag", "v0"]);
    story.work.git(&["tag", "-a", "-m", &format!("see {}", story.secret), &story.secret]);
    let (said, _) = story.refused(&[&story.secret]);
    story.mend(&said);
    assert_eq!(story.repository.git(&["cat-file", "-t", "new-name"]).out, "tag\n");
    assert!(story.work.git(&["tag"]).contains("v0"), "other tags are left alone");
}

#[test]
fn in_the_name_of_a_file() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.commit(&format!("backup/{}.txt", story.secret), "clean\n", "add backup");
    let (said, text) = story.refused(&["HEAD:main"]);
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  in the name of the file backup/********.txt  "add backup"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: In the top folder of your clone, rename the file, then (for
          origin, say your remote):
      git -C backup mv \
        "$(git ls-tree --name-only COMMIT | sed -n 1p)" new-name
      git commit --amend --no-edit
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn in_the_name_of_a_folder() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.commit(&format!("{}/a.txt", story.secret), "clean\n", "add folder");
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
}

#[test]
fn in_a_note() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["notes", "add", "-m", &format!("see {}", story.secret)]);
    let (said, _) = story.refused(&["refs/notes/commits"]);
    story.mend(&said);
    assert_eq!(story.work.git(&["notes", "show"]), "see gone");
}

#[test]
fn in_what_a_tag_points_to() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    let blob =
        story.work.shell(&format!("echo TOKEN={} | git hash-object -w --stdin", story.secret));
    story.work.git(&["tag", "direct", blob.out.trim()]);
    let (said, _) = story.refused(&["direct"]);
    story.mend(&said);
    assert_eq!(story.work.git(&["tag"]), "");
}

#[test]
fn in_the_name_of_an_author() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    let author = format!("--author={} <ada@example.org>", story.secret);
    story.work.write("a.txt", "a\n");
    story.work.git(&["add", "a.txt"]);
    story.work.git(&["commit", "-q", "-m", "add a", &author]);
    let (said, text) = story.refused(&["HEAD:main"]);
    let ticket = forge.json(["tickets", "show", "TKT-1"]);
    let body = ticket["body"].as_str().unwrap();
    assert!(body.contains("the commit's header (author...), commit "), "{body}");
    insta::assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] GitHub personal access token (classic)  PREVIEW
        COMMIT  in the commit's header (author...)  "add a"
        why: the checksum is right
        owner: security (the default queue of /DIR/i/owners.toml)
        ticket: TKT-1, opened just now

    hint: Go to where it is; if that fails, git switch --detach COMMIT:
      git switch $(git name-rev --name-only --refs="heads/*" COMMIT)
    hint: Take it out of your name and address (git config --edit), and of
          all else, then make one commit of all since (for origin, say your
          remote):
      git reset --soft COMMIT~
      git commit -a
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete it under Settings,
          Developer settings, Personal access tokens, or post it to
          /credentials/revoke; neither can be undone.
      https://docs.github.com/rest/credentials/revoke
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-1 --as false-positive --reason ...
    ref NONCE (rule github-pat-classic, confidence high)
    "#);
    story.mend(&said);
}

#[test]
fn in_the_name_of_an_earlier_author() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    let author = format!("--author={} <ada@example.org>", story.secret);
    story.work.write("a.txt", "a\n");
    story.work.git(&["add", "a.txt"]);
    story.work.git(&["commit", "-q", "-m", "add a", &author]);
    story.work.commit("b.txt", "b\n", "go on");
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
}

#[test]
fn several_credentials_are_listed_each_with_its_ticket() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    let secrets = [0; 3].map(|_| forge.plant(token::github()));
    for (at, secret) in secrets.iter().enumerate() {
        let text = format!("TOKEN={secret}\n");
        story.work.commit(&format!("{at}.env"), format!("{text}{text}"), &format!("add {at}"));
    }
    let said = story.work.push(&["HEAD:main"]);
    let text = said.remote();
    assert!(text.starts_with("error: push refused - 3 credentials in 3 commits."), "{text}");
    assert!(text.lines().count() <= 60, "{text}");
    let (incidents, tickets) = (forge.incidents(), forge.tickets());
    assert_eq!((incidents.len(), tickets.len()), (3, 3));
    for (incident, ticket) in incidents.iter().zip(tickets) {
        assert_eq!(incident["occurrences_total"], 2);
        assert!(text.contains(ticket["id"].as_str().unwrap()), "{text}");
    }
    let take_out = secrets.map(|secret| format!("s/{secret}/gone/g")).join(";");
    assert_eq!(story.work.shell(&format!("sed -i '{take_out}' *.env")).code, 0);
    let mended = story.work.shell(&pasted(&text).join("\n"));
    assert_eq!(mended.code, 0, "{text}{mended:?}");
    assert_eq!(story.work.git(&["log", "--format=%s"]), "add 2\nadd 1\nadd 0\nbegin");
}

#[test]
fn on_a_new_branch() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["checkout", "-q", "-b", "feature/x"]);
    story.leak();
    let (said, _) = story.refused(&["-u", "HEAD"]);
    story.mend(&said);
}

#[test]
fn in_a_push_that_rewrites_a_branch() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.commit("a.txt", "a\n", "to be rewritten");
    assert!(story.work.push(&["HEAD:main"]).is_accepted());
    story.work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    story.leak();
    let (said, text) = story.refused(&["+HEAD:main"]);
    assert!(text.contains("git push --force-with-lease"), "{text}");
    story.mend(&said);
}

#[test]
fn in_a_push_option() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.repository.git(&["config", "receive.advertisePushOptions", "true"]);
    story.work.commit("a.txt", "a\n", "clean");
    let option = format!("token={}", story.secret);
    let (said, _) = story.refused(&["HEAD:main", "-o", &option]);
    story.mend(&said);
}

#[test]
fn names_that_would_act_on_a_terminal_are_shown_harmless() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    for name in [
        "\u{1b}]0;title\u{7}\u{1b}[2J.env",
        "a\u{202e}vne.b",
        "c\rerror: push accepted",
        "d\nerror: push accepted",
        "\u{9b}31m",
        "error: push accepted",
    ] {
        let subject = format!("error: {name}\u{1b}[31m\u{202e}");
        story.work.commit(name, story.file(), &subject);
        let (said, _) = story.refused(&["HEAD:refs/heads/\u{202e}error"]);
        let shown = format!("{:?}{:?}", forge.incidents(), forge.tickets());
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
        assert!(!said.remote().contains('\u{1b}'));
        story.work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn the_same_place_twice_is_one_line() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.write("a.txt", "a\n");
    let script = format!(
        "git add a.txt; GIT_COMMITTER_NAME={0} git commit -qm 'add a' --author='{0} <a@b>'",
        story.secret
    );
    assert_eq!(story.work.shell(&script).code, 0);
    let (said, text) = story.refused(&["HEAD:main"]);
    assert_eq!(text.matches("in the commit's header").count(), 1, "{text}");
    story.mend(&said);
}

/// Pushes several refs that lead to one bad commit, and mends all.
#[track_caller]
fn check_together(prepare: &str, refspecs: &[&str], also: &str) {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    assert_eq!(story.work.shell(prepare).code, 0);
    let (said, text) = story.refused(refspecs);
    assert!(text.contains(also), "{text}");
    story.mend(&said);
    let pushed = story.repository.git(&["for-each-ref"]).out;
    assert_eq!(pushed.lines().count(), refspecs.len(), "{pushed}");
}

#[test]
fn in_a_commit_that_a_branch_and_a_tag_name() {
    check_together("git tag v1", &["main", "v1"], "  git tag -f v1 HEAD\n");
    check_together("git tag v1", &["v1", "main"], "  git tag -f v1 HEAD\n");
}

#[test]
fn in_an_earlier_commit_that_a_tag_names() {
    let prepare = "git tag v1; echo b > b; git add b; git commit -qm b";
    check_together(prepare, &["main", "v1"], "  git tag -f v1 HEAD~1\n");
}

#[test]
fn in_a_commit_that_two_branches_name() {
    check_together("git branch dev", &["main", "dev"], "HEAD:refs/heads/dev");
}

#[test]
fn in_a_commit_that_an_annotated_tag_names() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    story.work.git(&["tag", "-a", "-m", "release", "v1"]);
    story.work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let (said, _) = story.refused(&["v1"]);
    story.mend(&said);
    assert_eq!(story.repository.git(&["cat-file", "-t", "v1"]).out, "tag\n");
}

#[test]
fn in_a_commit_below_an_annotated_tag_that_is_pushed_with_its_branch() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    story.work.git(&["tag", "-a", "-m", "release", "v1"]);
    let (said, text) = story.refused(&["main", "v1"]);
    assert!(text.contains("  git tag -f -a v1 HEAD\n"), "{text}");
    story.mend(&said);
    assert_eq!(
        story.repository.git(&["cat-file", "tag", "v1"]).out.lines().last(),
        Some("release")
    );
}

#[test]
fn in_a_commit_below_an_annotated_tag_and_more_commits() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    story.work.git(&["tag", "-a", "-m", "release", "v1"]);
    story.work.commit("b.txt", "b\n", "go on");
    let (said, text) = story.refused(&["main", "v1"]);
    assert!(text.contains("  git tag -f -a v1 HEAD~1\n"), "{text}");
    story.mend(&said);
    assert_eq!(
        story.repository.git(&["rev-parse", "v1^{}"]).out,
        story.repository.git(&["rev-parse", "main~1"]).out
    );
}

/// A branch that is called otherwise on the server, and another one here by that name: it must not
/// move.
#[track_caller]
fn check_names(spoil: impl FnOnce(&Story<'_>), hotfix: &str) {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["switch", "-q", "-c", hotfix]);
    spoil(&story);
    let bystander = || story.work.git(&["rev-parse", "main", "v1"]);
    story.work.git(&["tag", "v1", "main"]);
    story.work.git(&["switch", "-q", "main"]);
    story.work.commit("mine.txt", "mine\n", "not to be pushed");
    story.work.git(&["switch", "-q", hotfix]);
    let before = bystander();
    let (said, _) = story.refused(&[&format!("{hotfix}:main")]);
    story.mend(&said);
    assert_eq!(bystander(), before);
    assert_eq!(story.work.git(&["branch", "--show-current"]), hotfix);
    let pushed = story.repository.git(&["rev-parse", "main"]).out;
    assert_eq!(story.work.git(&["rev-parse", hotfix]), pushed.trim());
    assert_eq!(story.repository.git(&["for-each-ref"]).out.lines().count(), 1);
}

#[test]
fn in_a_branch_that_the_server_calls_otherwise() {
    check_names(|story: &Story<'_>| story.leak(), "hotfix");
    check_names(
        |story| {
            story.leak();
            story.work.commit("b.txt", "b\n", "go on");
        },
        "team/hotfix",
    );
    check_names(
        |story| {
            story.leak();
            story.work.commit("deploy/prod.env", "# prod\n", "oops");
        },
        "hotfix",
    );
    check_names(
        |story| drop(story.work.commit("b.txt", "b\n", &format!("use {}", story.secret))),
        "hotfix",
    );
}

#[test]
fn in_a_branch_with_a_long_name_that_is_new() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.leak();
    let name = "feature/PAY-1234-what-a-tracker-makes-of-a-title";
    let (said, _) = story.refused(&[&format!("HEAD:refs/heads/{name}")]);
    story.mend(&said);
    assert!(story.repository.git(&["rev-parse", "-q", "--verify", name]).code == 0);
}

#[test]
fn in_a_commit_that_no_branch_stands_at() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["switch", "-q", "--detach"]);
    story.leak();
    let (said, text) = story.refused(&["HEAD:main"]);
    let detour = text.split("if that fails, ").nth(1).unwrap().split(':').next().unwrap();
    assert!(detour.starts_with("git switch --detach "), "{text}");
    let way = said.err.lines().find(|line| line.contains("git name-rev")).unwrap();
    let tip = story.work.git(&["rev-parse", "--short=7", "HEAD"]);
    // The developer takes the detour, as the text says.
    let instead = format!("remote:   git switch --detach {tip}");
    let said = Said { err: said.err.replace(way, &instead), ..said };
    story.mend(&said);
}

#[test]
fn in_the_message_of_a_tag_below_a_tag() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["tag", "-a", "-m", &format!("see {}", story.secret), "inner"]);
    story.work.git(&["tag", "-a", "-m", "outer", "v1", "inner"]);
    let (said, _) = story.refused(&["v1"]);
    story.mend(&said);
}

#[test]
fn in_what_a_tag_of_a_tree_points_to() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    let script = format!(
        "id=$(echo TOKEN={} | git hash-object -w --stdin); \
         printf '100644 blob %s\\ta.env\\n' $id | git mktree | xargs git tag direct",
        story.secret
    );
    assert_eq!(story.work.shell(&script).code, 0);
    let (said, _) = story.refused(&["direct"]);
    story.mend(&said);
}

#[test]
fn in_a_message_below_a_merge() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.commit("a.txt", "a\n", &format!("deploy with {}", story.secret));
    story.work.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    story.work.commit("side.txt", "side\n", "side");
    story.work.git(&["checkout", "-q", "main"]);
    story.work.git(&["merge", "-q", "--no-edit", "side"]);
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
}

#[test]
fn in_the_message_of_a_merge() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["checkout", "-q", "-b", "side"]);
    story.work.commit("side.txt", "side\n", "side");
    story.work.git(&["checkout", "-q", "main"]);
    story.work.git(&["merge", "-q", "--no-ff", "-m", &format!("with {}", story.secret), "side"]);
    story.work.commit("b.txt", "b\n", "go on");
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
}

#[test]
fn in_an_earlier_name_of_a_file_in_a_deep_folder() {
    let forge = Forge::start();
    // Not planted: git's own client prints what it renames.
    let story = Story::with(&forge, token::github());
    story.begin();
    let folder = "services/payments/production/keys";
    story.work.commit(&format!("{folder}/{}", story.secret), "clean\n", "add a key");
    story.work.commit("b.txt", "b\n", "go on");
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
    forge.assert_not_written(&story.secret);
}

#[test]
fn in_the_names_of_a_folder_and_a_file_in_it() {
    let forge = Forge::start();
    // Not planted: git's own client prints what it renames.
    let story = Story::with(&forge, token::github());
    story.begin();
    story.work.commit(&format!("{0}/{0}.txt", story.secret), "clean\n", "add folder");
    let (said, _) = story.refused(&["HEAD:main"]);
    story.mend(&said);
    forge.assert_not_written(&story.secret);
}

#[test]
fn in_the_name_and_the_content_of_a_new_branch() {
    let forge = Forge::start();
    // Not planted: git's own client prints the ref that it pushes.
    let story = Story::with(&forge, token::github());
    story.begin();
    story.work.git(&["checkout", "-q", "-b", &story.secret]);
    story.leak();
    let (said, _) = story.refused(&["HEAD"]);
    story.mend(&said);
}

#[test]
fn in_a_branch_that_is_new_and_not_checked_out() {
    let forge = Forge::start();
    let story = Story::begun(&forge);
    story.work.git(&["checkout", "-q", "-b", "feat"]);
    story.leak();
    story.work.git(&["checkout", "-q", "main"]);
    let main = story.work.git(&["rev-parse", "main"]);
    let (said, _) = story.refused(&["feat"]);
    story.mend(&said);
    assert_eq!(story.work.git(&["rev-parse", "main"]), main);
}
