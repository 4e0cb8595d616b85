//! Every way past a scanner that only looks at the files of commits.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::forge::{Forge, Repository, Said, Work, git};
use crate::token;

/// Pushes a secret by a route of the test's own, which must be refused as standing in `container`.
#[track_caller]
fn check(container: &str, smuggle: impl FnOnce(&Repository<'_>, &Work<'_>, &str) -> Said) {
    let forge = Forge::start();
    let secret = forge.plant(token::github());
    refused(&forge, container, &secret, smuggle);
}

/// The same where git's own client prints the secret, for it stands in a ref's name: no test can
/// demand that nothing ever prints it. What the server says and keeps is searched all the same.
#[track_caller]
fn check_name(smuggle: impl FnOnce(&Repository<'_>, &Work<'_>, &str) -> Said) {
    let forge = Forge::start();
    let secret = token::github();
    let said = refused(&forge, "ref-name", &secret, smuggle);
    assert!(!said.remote().contains(&secret), "{}", said.remote());
    for shown in [forge.incidents(), forge.tickets()] {
        assert!(!Value::from(shown).to_string().contains(&secret));
    }
    forge.assert_not_written(&secret);
}

#[track_caller]
fn refused(
    forge: &Forge,
    container: &str,
    secret: &str,
    smuggle: impl FnOnce(&Repository<'_>, &Work<'_>, &str) -> Said,
) -> Said {
    let repository = forge.repository("r.git");
    let work = started(&repository);
    let refs = repository.git(&["for-each-ref"]).out;
    let said = smuggle(&repository, &work, secret);
    assert!(!said.is_accepted(), "{said:?}");
    assert!(said.remote().starts_with("error: push refused - 1 credential in "), "{said:?}");
    assert_eq!(repository.git(&["for-each-ref"]).out, refs, "not a single ref moved");

    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0]["occurrences"][0]["container"], container);
    assert_eq!(incidents[0]["occurrences"][0]["age"], "new");
    assert_eq!(forge.tickets().len(), 1);
    said
}

/// A clone of a repository that holds one clean commit.
fn started<'f>(repository: &Repository<'f>) -> Work<'f> {
    let work = repository.clone_as("w");
    work.commit("README", "hello\n", "first");
    let said = work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");
    work
}

/// Commits a file with a token, ready to be pushed by an unusual way.
fn leak(work: &Work<'_>, secret: &str) -> String {
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak")
}

// What no ref reaches: a pack may hold any object, and each could be fetched by its id.

/// Speaks the push protocol by hand (gitprotocol-pack, "Pushing data to a server"), as no git client
/// sends objects that nothing refers to.
pub fn raw_push(repository: &Repository<'_>, updates: &[[&str; 3]], pack: &[u8]) -> Said {
    let mut request = Vec::new();
    for (at, [old, new, name]) in updates.iter().enumerate() {
        let wants = if at == 0 { "\0report-status side-band-64k" } else { "" };
        let line = format!("{old} {new} {name}{wants}");
        request.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes());
    }
    request.extend_from_slice(b"0000");
    request.extend_from_slice(pack);
    let mut command = git();
    command.args(["receive-pack", "--stateless-rpc"]).arg(&repository.path);
    let answer = with_input(repository.forge, &mut command, &request);
    let (report, remote) = bands(&answer);
    let is_accepted = report.contains("unpack ok") && !report.contains("ng ");
    let remote = remote.lines().map(|line| format!("remote: {line}\n")).collect();
    Said { code: i32::from(!is_accepted), out: report, err: remote }
}

/// Parts what a server sends: band 1 is the report, band 2 is for people.
fn bands(mut answer: &[u8]) -> (String, String) {
    let mut bands = [Vec::new(), Vec::new()];
    while let Some((length, rest)) = answer.split_at_checked(4) {
        let length = usize::from_str_radix(str::from_utf8(length).unwrap(), 16).unwrap();
        let (packet, rest) = rest.split_at(length.saturating_sub(4));
        if let Some((band @ 1..=2, text)) = packet.split_first() {
            bands[usize::from(*band) - 1].extend_from_slice(text);
        }
        answer = rest;
    }
    bands.map(|band| String::from_utf8_lossy(&band).into_owned()).into()
}

/// Runs a program with some bytes as its input, and returns what it answers.
fn with_input(forge: &Forge, command: &mut std::process::Command, input: &[u8]) -> Vec<u8> {
    let mut file = tempfile::tempfile_in(forge.path("")).unwrap();
    file.write_all(input).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let output = command.stdin(Stdio::from(file)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Packs exactly these objects.
pub fn pack(work: &Work<'_>, objects: &[&str]) -> Vec<u8> {
    let mut command = git();
    command.arg("-C").arg(&work.path).args(["pack-objects", "-q", "--stdout"]);
    with_input(work.forge, &mut command, format!("{}\n", objects.join("\n")).as_bytes())
}

/// Writes an object, given as a shell script's output, and returns its id.
fn object(work: &Work<'_>, kind: &str, script: &str) -> String {
    let said = work.shell(&format!("{script} | git hash-object -t {kind} -w --stdin"));
    assert_eq!(said.code, 0, "{said:?}");
    said.out.trim().to_owned()
}

/// Moves `main` cleanly, with one more object in the pack that no ref reaches.
fn push_beside(
    repository: &Repository<'_>,
    work: &Work<'_>,
    kind: &str,
    script: &str,
) -> (Said, String) {
    let smuggled = object(work, kind, script);
    let old = work.git(&["rev-parse", "HEAD"]);
    let new = work.commit("clean.txt", "clean\n", "clean");
    let listed = work.git(&["rev-list", "--objects", "--no-object-names", &format!("{old}..HEAD")]);
    let objects: Vec<&str> = listed.lines().chain([smuggled.as_str()]).collect();
    let said = raw_push(repository, &[[&old, &new, "refs/heads/main"]], &pack(work, &objects));
    (said, smuggled)
}

/// Pushes a clean commit beside a blob that holds a secret and that no ref reaches.
pub fn push_unreached_blob(repository: &Repository<'_>, work: &Work<'_>, secret: &str) -> Said {
    push_beside(repository, work, "blob", &format!("echo TOKEN={secret}")).0
}

#[track_caller]
fn check_unreached(container: &str, kind: &str, script: impl Fn(&str) -> String) {
    check(container, |repository, work, secret| {
        let (said, smuggled) = push_beside(repository, work, kind, &script(secret));
        assert!(!repository.has(&smuggled), "it is not stored");
        let server = repository.path.to_str().unwrap();
        let thief = repository.clone_as("thief");
        assert_ne!(thief.try_git(&["fetch", server, &smuggled]).code, 0, "it can be fetched");
        said
    });
}

#[test]
fn a_blob_that_no_ref_reaches() {
    check_unreached("blob", "blob", |secret| format!("echo TOKEN={secret}"));
}

#[test]
fn a_commit_that_no_ref_reaches() {
    check_unreached("commit", "commit", |secret| {
        format!("{{ git cat-file commit HEAD; echo {secret}; }}")
    });
}

#[test]
fn a_known_value_as_the_tree_of_a_commit_that_no_ref_reaches() {
    // Git asks of no such commit whether it has that tree, which is put on record as missing.
    let forge = Forge::start();
    let value = forge.plant(token::hex(40));
    let said = forge.cli_with_input(["inventory", "add", "payments/key"], &value);
    assert_eq!(said.code, 0, "{said:?}");
    refused(&forge, "commit", &value, |repository, work, value| {
        let script = format!("git cat-file commit HEAD | sed 's/^tree .*/tree {value}/'");
        push_beside(repository, work, "commit", &script).0
    });
}

#[test]
fn a_tag_that_no_ref_reaches() {
    check_unreached("tag", "tag", |secret| {
        format!(
            "printf 'object %s\\ntype commit\\ntag v1\\ntagger A <a@b> 1 +0000\\n\\n%s\\n' \
             $(git rev-parse HEAD) {secret}"
        )
    });
}

#[test]
fn a_tree_that_no_ref_reaches() {
    check("tree-entry", |repository, work, secret| {
        let tree = format!("printf '100644 blob %s\\t%s\\n' $(git rev-parse HEAD:README) {secret}");
        let tree = work.shell(&format!("{tree} | git mktree")).out;
        let script = format!("git cat-file tree {}", tree.trim());
        let (said, smuggled) = push_beside(repository, work, "tree", &script);
        assert!(!repository.has(&smuggled));
        said
    });
}

#[test]
fn a_delta_that_no_ref_reaches() {
    check("blob", |repository, work, secret| {
        // Of two versions of a file one is stored as what differs from the other.
        let lines: String = (0..500).map(|_| format!("{}\n", token::random(30))).collect();
        work.write("../base", &lines);
        work.write("../leak", format!("{lines}TOKEN={secret}\n"));
        let [base, leak] =
            ["base", "leak"].map(|name| object(work, "blob", &format!("cat ../{name}")));
        let pack = pack(work, &[&base, &leak]);
        assert!(pack.len() < lines.len() * 3 / 2, "it is a delta");
        let head = work.git(&["rev-parse", "HEAD"]);
        let zeros = "0".repeat(40);
        let said = raw_push(repository, &[[&zeros, &head, "refs/heads/new"]], &pack);
        assert!(!repository.has(&leak) && !repository.has(&base));
        said
    });
}

#[test]
fn without_the_hook_such_an_object_could_be_fetched_by_its_id() {
    // The control of the tests above: the pack made by hand does smuggle.
    let forge = Forge::stopped();
    let repository = forge.bare("r.git", &[]);
    let work = started(&repository);
    let (said, smuggled) = push_beside(&repository, &work, "blob", "echo smuggled");
    assert!(said.is_accepted(), "{said:?}");
    let thief = repository.clone_as("thief");
    let server = repository.path.to_str().unwrap();
    thief.git(&["fetch", "-q", server, &smuggled]);
    assert_eq!(thief.git(&["cat-file", "blob", &smuggled]), "smuggled");
}

#[test]
fn a_clean_object_that_no_ref_reaches_passes() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = started(&repository);
    let (said, smuggled) = push_beside(&repository, &work, "blob", "echo harmless");
    assert!(said.is_accepted(), "{said:?}");
    assert!(repository.has(&smuggled));
}

#[test]
fn an_old_object_that_is_sent_again_passes() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = started(&repository);
    let secret = forge.plant(token::github());
    repository.unguarded(|| {
        leak(&work, &secret);
        assert!(work.push(&["HEAD:main"]).is_accepted());
    });
    let script = "git cat-file blob HEAD:a.env";
    let (said, _) = push_beside(&repository, &work, "blob", script);
    assert!(said.is_accepted(), "{said:?}");
}

// Ref updates.

#[test]
fn a_push_that_begins_with_a_delete() {
    check("blob", |_, work, secret| {
        assert!(work.push(&["HEAD:refs/heads/old"]).is_accepted());
        leak(work, secret);
        let said = work.push(&[":refs/heads/old", "HEAD:refs/heads/new"]);
        assert!(work.push(&[":refs/heads/old"]).is_accepted(), "it was not deleted before");
        said
    });
}

#[test]
fn a_push_that_only_deletes_passes_and_is_not_scanned() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = started(&repository);
    let secret = forge.plant(token::github());
    leak(&work, &secret);
    repository.unguarded(|| assert!(work.push(&["HEAD:one", "HEAD:two"]).is_accepted()));
    let said = work.push(&[":one", ":two"]);
    assert!(said.is_accepted(), "{said:?}");
    assert_eq!(said.remote(), "");
    assert!(forge.incidents().is_empty(), "to delete what was leaked is no leak");
}

#[test]
fn one_ref_among_ten_thousand() {
    check("blob", |_, work, secret| {
        let script = "for n in $(seq 9999); do echo create refs/heads/b$n HEAD; done \
                      | git update-ref --stdin";
        assert_eq!(work.shell(script).code, 0);
        leak(work, secret);
        work.git(&["branch", "b10000"]);
        work.push(&["refs/heads/b*:refs/heads/b*"])
    });
}

#[test]
fn ten_thousand_clean_refs_pass() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = started(&repository);
    let script = "for n in $(seq 10000); do echo create refs/heads/b$n HEAD; done \
                  | git update-ref --stdin";
    assert_eq!(work.shell(script).code, 0);
    let said = work.push(&["refs/heads/b*:refs/heads/b*"]);
    assert!(said.is_accepted(), "{}", said.remote());
    assert_eq!(repository.git(&["for-each-ref"]).out.lines().count(), 10_001);
}

#[test]
fn refs_outside_of_branches() {
    for name in [
        "refs/meta/config",
        "refs/for/main",
        "refs/merge-requests/1/head",
        "refs/replace/1111111111111111111111111111111111111111",
        "refs/tags/lightweight",
    ] {
        check("blob", |_, work, secret| {
            leak(work, secret);
            work.push(&[&format!("HEAD:{name}")])
        });
    }
}

// What is no file's content.

#[test]
fn the_message_of_a_tag() {
    check("tag", |_, work, secret| {
        work.git(&["tag", "-a", "v1", "-m", &format!("release {secret}")]);
        work.push(&["v1"])
    });
}

#[test]
fn the_message_of_a_tag_below_a_tag() {
    check("tag", |_, work, secret| {
        work.git(&["tag", "-a", "inner", "-m", secret]);
        work.git(&["tag", "-a", "outer", "-m", "outer", "inner"]);
        work.push(&["outer"])
    });
}

#[test]
fn a_tag_that_points_to_a_blob() {
    check("blob", |_, work, secret| {
        let blob = object(work, "blob", &format!("echo TOKEN={secret}"));
        work.git(&["tag", "direct", &blob]);
        work.push(&["direct"])
    });
}

#[test]
fn a_tag_that_points_to_a_tree() {
    check("blob", |_, work, secret| {
        leak(work, secret);
        work.git(&["tag", "-a", "tree", "-m", "tree", "HEAD^{tree}"]);
        work.push(&["tree"])
    });
}

#[test]
fn a_note() {
    check("blob", |_, work, secret| {
        work.git(&["notes", "add", "-m", &format!("reviewed with {secret}")]);
        work.push(&["refs/notes/commits"])
    });
}

#[test]
fn the_message_of_the_last_commit() {
    check("commit", |_, work, secret| {
        work.commit("a.txt", "clean\n", &format!("use {secret}"));
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_message_of_an_earlier_commit() {
    check("commit", |_, work, secret| {
        work.commit("a.txt", "clean\n", &format!("try it\n\nwith {secret}"));
        work.commit("b.txt", "clean\n", "go on");
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_name_of_an_author() {
    check("commit", |_, work, secret| {
        let author = format!("--author={secret} <ada@example.org>");
        work.git(&["commit", "-q", "--allow-empty", "-m", "empty", &author]);
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_address_of_an_author() {
    check("commit", |_, work, secret| {
        let author = format!("--author=Ada <{secret}@example.org>");
        work.git(&["commit", "-q", "--allow-empty", "-m", "empty", &author]);
        work.push(&["HEAD:main"])
    });
}

#[test]
fn a_header_of_its_own() {
    check("commit", |_, work, secret| {
        let script = format!("git cat-file commit HEAD | sed '/^committer/a x-deploy {secret}'");
        let commit = object(work, "commit", &script);
        work.push(&[&format!("{commit}:refs/heads/custom")])
    });
}

#[test]
fn the_name_of_a_file() {
    check("tree-entry", |_, work, secret| {
        work.commit(&format!("backup/{secret}.txt"), "clean\n", "add");
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_name_of_a_folder() {
    check("tree-entry", |_, work, secret| {
        work.commit(&format!("{secret}/a.txt"), "clean\n", "add");
        work.push(&["HEAD:main"])
    });
}

#[test]
fn where_a_symbolic_link_points() {
    check("blob", |_, work, secret| {
        std::os::unix::fs::symlink(format!("/srv/{secret}/x"), work.path.join("link")).unwrap();
        work.git(&["add", "link"]);
        work.git(&["commit", "-q", "-m", "link"]);
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_address_of_a_submodule() {
    check("blob", |_, work, secret| {
        let modules = format!(
            "[submodule \"lib\"]\n\tpath = lib\n\turl = https://bot:{secret}@git.example.org/lib\n"
        );
        work.commit(".gitmodules", modules, "lib");
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_name_of_a_branch() {
    check_name(|_, work, secret| work.push(&[&format!("HEAD:refs/heads/try/{secret}")]));
}

#[test]
fn the_name_of_a_tag() {
    check_name(|_, work, secret| work.push(&[&format!("HEAD:refs/tags/{secret}")]));
}

#[test]
fn a_push_option() {
    check("push-option", |repository, work, secret| {
        repository.git(&["config", "receive.advertisePushOptions", "true"]);
        work.commit("a.txt", "clean\n", "clean");
        let option = format!("ci.variable=TOKEN={secret}");
        work.try_git(&["push", "-o", "ci.skip", "-o", &option, "origin", "HEAD:main"])
    });
}

// Kinds of repository and of pack.

#[test]
fn a_repository_with_sha256() {
    let forge = Forge::start();
    let repository = forge.bare("r.git", &["--object-format=sha256"]);
    forge.install(&repository);
    let work = started(&repository);
    let secret = forge.plant(token::github());
    let commit = leak(&work, &secret);
    assert_eq!(commit.len(), 64);
    work.commit("b.txt", "clean\n", "go on");
    let said = work.push(&["HEAD:main", "HEAD:other"]);
    assert!(!said.is_accepted() && said.remote().starts_with("error: push refused"), "{said:?}");
    assert_eq!(forge.incidents()[0]["occurrences"][0]["commit"], commit.as_str());
    assert!(work.push(&["HEAD~2:refs/heads/clean"]).is_accepted());
    assert!(work.push(&[":refs/heads/clean"]).is_accepted());
}

#[test]
fn a_shallow_push() {
    let forge = Forge::start();
    let source = forge.bare("source.git", &[]);
    let work = started(&source);
    let secret = forge.plant(token::github());
    leak(&work, &secret);
    work.commit("b.txt", "clean\n", "go on");
    assert!(work.push(&["HEAD:main"]).is_accepted());

    let repository = forge.repository("r.git");
    repository.git(&["config", "receive.shallowUpdate", "true"]);
    let shallow = Work { forge: &forge, path: forge.path("shallow") };
    let url = format!("file://{}", source.path.display());
    let mut clone = git();
    clone.args(["clone", "-q", "--depth=1", &url]).arg(&shallow.path);
    assert_eq!(forge.run(&mut clone).code, 0);
    assert_eq!(shallow.git(&["rev-list", "--count", "HEAD"]), "1");
    shallow.git(&["remote", "set-url", "origin", repository.path.to_str().unwrap()]);

    let said = shallow.push(&["HEAD:main"]);
    assert!(!said.is_accepted() && said.remote().starts_with("error: push refused"), "{said:?}");
    assert_eq!(forge.incidents()[0]["occurrences"][0]["path"], "a.env");
    shallow.git(&["rm", "-q", "a.env"]);
    shallow.git(&["commit", "-q", "--amend", "--no-edit"]);
    let said = shallow.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");
}

#[test]
fn loose_objects_and_packs_get_the_same_answer() {
    for limit in ["1", "1000"] {
        check("blob", |repository, work, secret| {
            repository.git(&["config", "receive.unpackLimit", limit]);
            leak(work, secret);
            work.commit("b.txt", "clean\n", "go on");
            work.push(&["HEAD:main"])
        });
    }
}

// How a file may look.

#[track_caller]
fn check_content(content: impl FnOnce(&str) -> Vec<u8>) {
    check("blob", |_, work, secret| {
        work.commit("data.bin", content(secret), "data");
        work.push(&["HEAD:main"])
    });
}

#[test]
fn the_middle_of_a_line_of_twenty_megabytes() {
    check_content(|secret| {
        let half = b"lorem ipsum ".repeat((10 << 20) / 12);
        [&half[..], b" ", secret.as_bytes(), b" ", &half].concat()
    });
}

#[test]
fn every_kind_of_line_end() {
    for end in ["\r\n", "\r", "\n", "\u{2028}", ""] {
        check_content(|secret| format!("one{end};TOKEN={secret}{end};two{end}").into_bytes());
    }
}

#[test]
fn bytes_that_are_no_text() {
    check_content(|secret| [b"\0\0\x7fELF\0", secret.as_bytes(), b"\0\xff\xfe"].concat());
    check_content(|secret| [&[0xff; 4096], secret.as_bytes(), &[0x80; 4096]].concat());
}

#[test]
fn attributes_and_comments_that_would_hide_it() {
    check("blob", |_, work, secret| {
        work.write(".gitattributes", "* -diff -text binary\n");
        work.write(".gitleaks.toml", "[allowlist]\npaths = ['.*']\n");
        work.write(".pushwarden.toml", "[policy]\nmode = \"report\"\n");
        work.commit("a.env", format!("TOKEN={secret} # gitleaks:allow pushwarden:allow\n"), "x");
        work.push(&["HEAD:main"])
    });
}

#[test]
fn a_file_that_becomes_a_link_and_a_folder_that_becomes_a_file() {
    check("blob", |_, work, secret| {
        std::fs::remove_file(work.path.join("README")).unwrap();
        std::os::unix::fs::symlink(secret, work.path.join("README")).unwrap();
        work.git(&["add", "--all"]);
        work.git(&["commit", "-q", "-m", "typechange"]);
        work.push(&["HEAD:main"])
    });
}
