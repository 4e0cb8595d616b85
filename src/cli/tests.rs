use clap::CommandFactory as _;

use super::*;

/// Runs the command line; returns its exit code and what it said on standard error.
fn said(arguments: &[&str]) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = std::iter::once("pushwarden").chain(arguments.iter().copied());
    let mut terminal = Terminal { out: &mut out, err: &mut err };
    let code = run(arguments.map(OsString::from), &mut terminal);
    (code, String::from_utf8(err).unwrap())
}

#[test]
fn each_command_shows_an_example_in_its_help() {
    fn check(command: &mut clap::Command, path: &str) {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example"), "{path} --help has no example");
        // clap makes `help` by itself.
        for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name());
            check(sub, &path);
        }
    }
    check(&mut Cli::command(), "pushwarden");
}

#[test]
fn what_is_quoted_of_the_arguments_steers_no_terminal() {
    #[track_caller]
    fn check(arguments: &[&str], want: &str) {
        let (code, text) = said(arguments);
        assert_ne!(code, DONE);
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(steers), "{text:?}");
        assert!(text.contains(want), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("all is well")), "{text}");
    }
    let evil = "no\x1b[31m\nall is well";
    let shown = r"no\x1b[31m\x0aall is well";
    check(&["rules", "show", evil], shown);
    check(&[evil], shown);
    check(&["incidents", "list", &format!("--limit={evil}")], shown);
    check(&["incidents", "list", "--config", evil], shown);
    check(&["owner", "explain", "--repo", "/", "--rule", evil], shown);
}

#[test]
fn a_rule_that_there_is_not_is_named_with_what_was_meant() {
    let ask = |rule| said(&["owner", "explain", "--repo", "/nowhere", "--rule", rule]);
    let (code, text) = ask("aws-acess-key");
    assert_eq!(code, USAGE);
    insta::assert_snapshot!(text, @r"
    error: there is no rule `aws-acess-key`
      remedy: did you mean aws-access-key-id? `pushwarden rules list` has all
    ");
    let (code, text) = ask("nosuch");
    assert_eq!(code, USAGE);
    assert!(text.contains("remedy: see `pushwarden rules list`"), "{text}");
    let (_, text) = ask("known-secret");
    assert!(text.contains("cannot read the repository"), "{text}");
}

#[test]
fn a_configuration_has_one_name_however_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("a")).unwrap();
    assert_eq!(one_name(&folder.join("a/../pw.toml")), folder.join("pw.toml"));
    assert_eq!(one_name(Path::new(DEFAULT_FILE)), Path::new(DEFAULT_FILE));
    let missing = Path::new("/no/such/../folder/pw.toml");
    assert_eq!(one_name(missing), missing);
}
