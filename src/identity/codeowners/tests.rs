use proptest::prelude::*;

use super::*;

/// Returns the first owner that each section has for a path, and the line it stands in.
#[track_caller]
fn owners(file: &str, text: &str, path: &str) -> Vec<String> {
    let codeowners = Codeowners::parse(file, text.as_bytes());
    let matches = codeowners.find(path.as_bytes()).unwrap();
    let owner = |found: &Match<'_>| {
        let owner = found.owners.first().map_or("nobody", String::as_str);
        let section = found.section.map_or_else(String::new, |name| format!(" [{name}]"));
        let optional = if found.optional { "?" } else { "" };
        format!("{}:{owner}{section}{optional}", found.line)
    };
    matches.iter().map(owner).collect()
}

/// Checks whether one pattern matches a path.
#[track_caller]
fn check(file: &str, pattern: &str, path: &str, want: bool) {
    let text = format!("{pattern} @x\n");
    let codeowners = Codeowners::parse(file, text.as_bytes());
    assert_eq!(codeowners.problems(), [], "{pattern}");
    assert_eq!(!owners(file, &text, path).is_empty(), want, "{pattern} on {path}");
}

#[test]
fn patterns_of_github() {
    let check = |pattern, path, want| check(".github/CODEOWNERS", pattern, path, want);
    check("*", "a/b/c", true);
    check("*.js", "a/b.js", true);
    check("*.js", "a/b.jsx", false);
    check("/*.js", "a/b.js", false);
    check("docs", "a/docs/b/c", true);
    check("docs", "docs", true);
    check("docs/", "docs", false);
    check("docs/", "a/docs/b/c", true);
    check("/docs/", "a/docs/b", false);
    check("docs/*", "docs/a.md", true);
    check("docs/*", "docs/a/b.md", false);
    check("docs/*", "x/docs/a.md", false);
    check("docs/a", "x/docs/a", false);
    check("docs/*.md", "docs/a.md", true);
    check("**/logs", "a/b/logs/c", true);
    check("docs/**/z", "docs/z", true);
    check("docs/**/z", "docs/a/b/z", true);
    check("docs/**", "docs/a/b", true);
    check("docs/**", "docs", false);
    check("/", "a/b", true);
    check("a?c", "abc", true);
    check("a?c", "a/c", false);
    check(r"a\ b/", "a b/c", true);
    check("a*b*c", "aXbXbXc", true);
    check("a*b*c", "aXbX", false);
    check("/Docs/", "docs/a", false);
}

#[test]
fn patterns_of_gitlab() {
    let check = |pattern, path, want| check(".gitlab/CODEOWNERS", pattern, path, want);
    check("*", "a/.b", true);
    check("docs", "a/docs", true);
    check("docs", "docs/a", false);
    check("docs/", "a/docs/b/c", true);
    check("docs/*.md", "x/docs/a.md", true);
    check("/docs/*.md", "x/docs/a.md", false);
    check("/docs/**/*.md", "docs/a.md", true);
    check("/docs/**/*.md", "docs/a/b/c.md", true);
    check("/docs/**", "docs/a/b", false);
    check(r"\#a", "#a", true);
    check("[a-c]x", "bx", true);
    check("[!a-c]x", "bx", false);
    check("[!a-c]x", "dx", true);
    check("[]x", "[]x", true);
    check(r"path\ with\ blanks/", "path with blanks/a", true);
}

#[test]
fn at_github_the_last_match_wins_and_an_empty_one_clears() {
    let text = "* @all\n/a/ @a @b # why\n/a/free\n";
    let check = |path, want: &[&str]| assert_eq!(owners("CODEOWNERS", text, path), want);
    check("x", &["1:@all"]);
    check("a/x", &["2:@a"]);
    check("a/free/x", &["3:nobody"]);
}

#[test]
fn at_gitlab_each_section_answers() {
    let text = "* @all\n\n[Docs][2] @docs\n*.md\n/a.md @a\n^[DB] @db\n*.sql @@dba\n!/x.sql\n\
                [docs]\n/late.md @late\n";
    let check = |path, want: &[&str]| assert_eq!(owners("CODEOWNERS", text, path), want);
    check("b.md", &["1:@all", "4:@docs [Docs]"]);
    check("a.md", &["1:@all", "5:@a [Docs]"]);
    check("late.md", &["1:@all", "10:@late [Docs]"]);
    check("a.sql", &["1:@all", "7:@@dba [DB]?"]);
    check("x.sql", &["1:@all"]);
}

#[test]
fn the_dialect_follows_the_folder_then_the_headers() {
    #[track_caller]
    fn check(path: &str, text: &str, want: Dialect) {
        assert_eq!(Codeowners::parse(path, text.as_bytes()).dialect(), want);
    }
    check(".gitlab/CODEOWNERS", "* @a", Dialect::Gitlab);
    check(".github/CODEOWNERS", "[Docs]\n* @a", Dialect::Github);
    check("CODEOWNERS", "* @a", Dialect::Github);
    check("docs/CODEOWNERS", "* @a\n^[Docs] @b", Dialect::Gitlab);
    check("CODEOWNERS", "[ab]*.txt @a", Dialect::Github);
}

#[test]
fn bad_lines_are_skipped_by_name() {
    #[track_caller]
    fn check(file: &str, text: &[u8], want: &[&str]) {
        let codeowners = Codeowners::parse(file, text);
        let problems = codeowners.problems().iter();
        let problems: Vec<_> = problems.map(|p| format!("{}: {}", p.line, p.message)).collect();
        assert_eq!(problems, want);
        assert_eq!(codeowners.find(b"kept").unwrap().len(), 1, "the other lines hold");
    }
    let github = ".github/CODEOWNERS";
    check(github, b"kept @a\r\n!x @a\n", &["2: GitHub does not support `!`"]);
    check(github, b"kept @a\n[ab] @a\n", &["2: GitHub does not support `[ ]` in patterns"]);
    check(github, b"kept @a\nx a\x1b@\n", &[r"2: `a\x1b@` is no owner"]);
    check(github, b"\xef\xbb\xbfkept @a\nx @\xff\n", &[r"2: `@\xff` is no owner"]);
    check(".gitlab/CODEOWNERS", b"kept @a # b @\n", &[]);
    let long = [b"kept @a\n".as_slice(), &[b'x'; 9_000]].concat();
    check(github, &long, &["2: the line is over 8192 bytes"]);
}

#[test]
fn sizes_are_bounded() {
    let text = "a @a\n".repeat(Codeowners::ENTRIES_MAX + 200);
    let codeowners = Codeowners::parse("CODEOWNERS", text.as_bytes());
    assert_eq!(codeowners.problems().len(), Codeowners::PROBLEMS_MAX);

    let headers = (0..100_000).map(|at| format!("[{at}]\na @a\n"));
    let codeowners = Codeowners::parse("CODEOWNERS", headers.collect::<String>().as_bytes());
    assert_eq!(codeowners.find(b"a").unwrap().len(), Codeowners::SECTIONS_MAX);

    let codeowners = Codeowners::parse("CODEOWNERS", &vec![b'\n'; Codeowners::FILE_BYTES_MAX + 1]);
    assert!(codeowners.problems()[0].message.starts_with("the file is too long"));
}

#[test]
fn costly_patterns_end_in_a_named_error() {
    let text = format!("*{}b @a\n", "a".repeat(4_000));
    let codeowners = Codeowners::parse("CODEOWNERS", text.as_bytes());
    let path = vec![b'a'; 40_000];
    assert_eq!(codeowners.find(&path), Err(TooCostly));
}

/// Matches by trying everything: slow and simple.
fn naive(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            let starts = (0..=path.len()).filter(|&at| at == 0 || path[at - 1] == b'/');
            starts.into_iter().any(|at| naive(rest, &path[at..]))
        }
        [b'*', rest @ ..] => {
            let name = path.iter().position(|&b| b == b'/').unwrap_or(path.len());
            (0..=name).any(|at| naive(rest, &path[at..]))
        }
        [b'?', rest @ ..] => path.first().is_some_and(|&b| b != b'/') && naive(rest, &path[1..]),
        [byte, rest @ ..] => path.first() == Some(byte) && naive(rest, &path[1..]),
    }
}

proptest! {
    #[test]
    fn a_match_is_what_trying_everything_finds(
        // Stars in a row mean one thing alone and another in a name; here they stand alone.
        pattern in "((\\*\\*|\\*?([ab?]\\*?){1,3})/){0,4}(\\*|\\*?([ab?]\\*?){1,3})",
        path in "([ab]{1,3}/){0,5}[ab]{1,4}",
    ) {
        let text = format!("/{pattern} @x");
        let codeowners = Codeowners::parse(".gitlab/CODEOWNERS", text.as_bytes());
        let found = !codeowners.find(path.as_bytes()).unwrap().is_empty();
        prop_assert_eq!(found, naive(pattern.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, path: Vec<u8>, gitlab: bool) {
        let file = if gitlab { ".gitlab/CODEOWNERS" } else { "CODEOWNERS" };
        let codeowners = Codeowners::parse(file, &bytes);
        prop_assert!(codeowners.find(&path).is_ok());
    }

    #[test]
    fn no_text_of_its_alphabet_makes_it_panic(
        text in "([\\[\\]^!*?/\\\\ @a#0-9-]{0,12}\n){0,8}", path in "[a/*?\\[]{0,12}", gitlab: bool,
    ) {
        let file = if gitlab { ".gitlab/CODEOWNERS" } else { "CODEOWNERS" };
        let codeowners = Codeowners::parse(file, text.as_bytes());
        prop_assert!(codeowners.find(path.as_bytes()).is_ok());
    }
}
