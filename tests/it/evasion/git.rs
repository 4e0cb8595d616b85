//! What Git itself offers: objects, names and histories that a look at changed files passes over.

use super::{line, push_file, techniques};
use crate::forge::Said;
use crate::scene::Scene;
use crate::token;

techniques! {
    plain_text: "plain text", CAUGHT, "YYYYY", |scene, secret| push_file(scene, "a.env", line(secret));
    removed: "added, then removed", CAUGHT, "YYYYY", |scene, secret| {
        scene.work.commit("a.env", line(secret), "add");
        push_file(scene, "a.env", "nothing\n")
    };
    renamed: "rename and edit", CAUGHT, "YYYYY", renamed;
    link: "target of a symbolic link", CAUGHT, "YYYYY", |scene, secret| {
        shell(scene, &format!("ln -s 'https://x/{secret}' link"));
        push_all(scene)
    };
    becomes_link: "file becomes a symbolic link", CAUGHT, "Y--YY", |scene, secret| {
        shell(scene, &format!("rm README; ln -s 'https://x/{secret}' README"));
        push_all(scene)
    };
    becomes_file: "symbolic link becomes a file", CAUGHT, "Y--YY", |scene, secret| {
        shell(scene, "ln -s nowhere link");
        assert!(push_all(scene).is_accepted());
        shell(scene, "rm link");
        push_file(scene, "link", line(secret))
    };
    no_diff: "`-diff` attribute", CAUGHT, "YYYYY", |scene, secret| {
        scene.work.write(".gitattributes", "* -diff\n");
        push_file(scene, "a.env", line(secret))
    };
    file_name: "file name", CAUGHT, "--YYY", |scene, secret| {
        push_file(scene, &format!("dir/{secret}.txt"), "nothing\n")
    };
    message: "commit message", CAUGHT, "---YY", |scene, secret| {
        scene.work.commit("a", "x\n", &format!("use {secret}"));
        scene.work.push(&["HEAD:main"])
    };
    author: "author name", CAUGHT, "---YY", |scene, secret| {
        commit_by(scene, &format!("{secret} <a@example.com>"))
    };
    address: "author e-mail", CAUGHT, "---YY", |scene, secret| {
        commit_by(scene, &format!("A <{secret}@example.com>"))
    };
    evil_merge: "evil merge", CAUGHT, "Y---Y", |scene, secret| {
        merge(scene, &[]);
        scene.work.write("a.env", line(secret));
        shell(scene, "git add --all; git commit -q --amend --no-edit");
        scene.work.push(&["HEAD:main"])
    };
    tag_message: "tag message", CAUGHT, "-----", |scene, secret| {
        scene.work.git(&["tag", "-a", "-m", &format!("use {secret}"), "v1"]);
        scene.work.push(&["v1"])
    };
    blob_ref: "tag that points at a blob", CAUGHT, "Y----", |scene, secret| {
        scene.work.write("../blob", line(secret));
        shell(scene, "git tag b $(git hash-object -w ../blob)");
        scene.work.push(&["b"])
    };
    branch_name: "branch name", CAUGHT, "-----", |scene, secret| {
        scene.work.push(&[&format!("HEAD:refs/heads/{secret}")])
    };
    notes: "git notes", CAUGHT, "YYYYY", |scene, secret| {
        scene.work.git(&["notes", "add", "-m", &line(secret)]);
        scene.work.push(&["refs/notes/commits"])
    };
    header: "commit header of its own", CAUGHT, "-----", |scene, secret| {
        raw_commit(scene, &format!("x-note {secret}\n"), "message")
    };
    submodule: "URL in `.gitmodules`", CAUGHT, "--YYY", |scene, secret| {
        let url = format!("https://x:{secret}@git.example.com/x.git");
        push_file(scene, ".gitmodules", format!("[submodule \"x\"]\n\tpath = x\n\turl = {url}\n"))
    };
    ignore_comment: "inline ignore comment", CAUGHT, "--YYY", |scene, secret| {
        push_file(scene, "a.py", format!("t = \"{secret}\"  # gitleaks:allow nosec noqa ggignore\n"))
    };
    custom_ref: "message of a commit on refs/custom", CAUGHT, "---YY", |scene, secret| {
        scene.work.commit("a", "x\n", &format!("use {secret}"));
        scene.work.push(&["HEAD:refs/custom/x"])
    };
    lock_file: "package-lock.json", CAUGHT, "--YYY", |scene, secret| {
        let url = format!("https://{secret}@npm.example.com/a.tgz");
        push_file(scene, "package-lock.json", format!("{{\"resolved\": \"{url}\"}}\n"))
    };
    plus_line: "line that begins with ++", CAUGHT, "YYYYY", |scene, secret| {
        push_file(scene, "a.txt", format!("++ {}", line(secret)))
    };
    unreachable: "blob that no ref reaches", CAUGHT, "Y----", |scene, secret| {
        crate::smuggle::push_unreached_blob(&scene.repository, &scene.work, secret)
    };
    push_option: "push option", CAUGHT, "", |scene, secret| {
        scene.repository.git(&["config", "receive.advertisePushOptions", "true"]);
        scene.work.push(&["-o", &format!("token={secret}"), "HEAD:refs/heads/x"])
    };
    tree_ref: "tag that points at a tree", CAUGHT, "", |scene, secret| {
        scene.work.write("a.env", line(secret));
        shell(scene, "git add --all; git tag t $(git write-tree)");
        scene.work.push(&["t"])
    };
    replace: "refs/replace", CAUGHT, "", |scene, secret| {
        scene.work.write("../blob", line(secret));
        shell(scene, "git update-ref refs/replace/$(git rev-parse HEAD:README) \
                      $(git hash-object -w ../blob)");
        scene.work.push(&["refs/replace/*:refs/replace/*"])
    };
    folder: "folder name", CAUGHT, "", |scene, secret| push_file(scene, &format!("{secret}/a"), "x\n");
    octopus: "octopus merge", CAUGHT, "", |scene, secret| {
        merge(scene, &["third"]);
        scene.work.write("a.env", line(secret));
        shell(scene, "git add --all; git commit -q --amend --no-edit");
        scene.work.push(&["HEAD:main"])
    };
    orphan: "branch without history", CAUGHT, "", |scene, secret| {
        shell(scene, "git checkout -q --orphan fresh; git rm -rqf .");
        scene.work.commit("a.env", line(secret), "root");
        scene.work.push(&["fresh"])
    };
    delete_first: "push that begins with a delete", CAUGHT, "", |scene, secret| {
        assert!(scene.work.push(&["HEAD:refs/heads/gone"]).is_accepted());
        scene.work.commit("a.env", line(secret), "leak");
        scene.work.push(&[":refs/heads/gone", "HEAD:main"])
    };
    encoding_header: "commit message in UTF-16, named by its encoding header", CAUGHT, "",
        |scene, secret| {
            let wide: Vec<u8> = secret.bytes().flat_map(|byte| [byte, 0]).collect();
            raw_commit(scene, "encoding UTF-16LE\n", &String::from_utf8(wide).unwrap())
        };
    signature: "signature of a commit", CAUGHT, "", |scene, secret| {
        raw_commit(scene, &format!("gpgsig -----BEGIN PGP SIGNATURE-----\n {secret}\n"), "message")
    };
    merge_tag: "tag that a merge keeps", CAUGHT, "", |scene, secret| {
        let tag = format!("mergetag object {}\n type commit\n tag v1\n tagger A <a@b> 1 +0000\n \n use {secret}\n",
                          scene.work.git(&["rev-parse", "HEAD"]));
        raw_commit(scene, &tag, "message")
    };
}

fn shell(scene: &Scene<'_>, script: &str) {
    let said = scene.work.shell(script);
    assert_eq!(said.code, 0, "{script}: {said:?}");
}

fn push_all(scene: &Scene<'_>) -> Said {
    shell(scene, "git add --all; git commit -q -m change");
    scene.work.push(&["HEAD:main"])
}

fn renamed(scene: &Scene<'_>, secret: &str) -> Said {
    let lines: String = (0..50).map(|_| format!("{}\n", token::random(12))).collect();
    assert!(push_file(scene, "old.txt", &lines).is_accepted());
    shell(scene, "git mv old.txt new.txt");
    push_file(scene, "new.txt", lines + &line(secret))
}

fn commit_by(scene: &Scene<'_>, author: &str) -> Said {
    scene.work.write("a", "x\n");
    shell(scene, &format!("git add --all; git commit -q -m change --author '{author}'"));
    scene.work.push(&["HEAD:main"])
}

/// Merges `HEAD`, a second branch and `more` ones.
fn merge(scene: &Scene<'_>, more: &[&str]) {
    for branch in ["second"].iter().chain(more) {
        shell(
            scene,
            &format!(
                "git checkout -q -b {branch} main; echo {branch} > {branch}; git add --all; \
             git commit -q -m {branch}; git checkout -q main"
            ),
        );
    }
    shell(scene, "echo more > first; git add --all; git commit -q -m first");
    shell(scene, &format!("git merge -q --no-edit second {}", more.join(" ")));
}

/// Pushes a commit with header lines that git's own commands would not write.
fn raw_commit(scene: &Scene<'_>, headers: &str, message: &str) -> Said {
    let [tree, parent] = ["HEAD^{tree}", "HEAD"].map(|name| scene.work.git(&["rev-parse", name]));
    let person = "A <a@example.com> 1700000000 +0000";
    let commit = format!(
        "tree {tree}\nparent {parent}\nauthor {person}\ncommitter {person}\n{headers}\n{message}\n"
    );
    scene.work.write("../commit", commit);
    shell(scene, "git reset -q --hard $(git hash-object --literally -t commit -w ../commit)");
    scene.work.push(&["HEAD:main"])
}
