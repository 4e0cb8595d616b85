use insta::assert_snapshot;

use super::super::explain;
use super::*;

const OWNERS: &str = r#"
default = "security"

[[owner]]
name = "payments-oncall"
kinds = ["stripe-*"]

[[owner]]
name = "cloud"
facts = { account = "1234", host = "*.aws.example.com" }

[[owner]]
name = "platform"
paths = ["deploy/**"]

[[owner]]
name = "payments-eu"
kinds = ["stripe-*"]
repositories = ["payments/eu-*"]

[[owner]]
name = "web"
repositories = ["**/web"]
"#;

/// A question about a rule and a path.
struct Asked {
    rule: &'static str,
    facts: BTreeMap<String, String>,
    path: Option<&'static [u8]>,
    repository_name: Option<&'static str>,
    known_owner: Option<&'static str>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            rule: "example",
            facts: BTreeMap::new(),
            path: Some(b"src/main.rs"),
            repository_name: None,
            known_owner: None,
        }
    }
}

impl Asked {
    fn resolve(&self) -> Owner {
        let owners = Owners::parse("owners.toml", OWNERS).unwrap();
        let codeowners = Codeowners::parse("CODEOWNERS", b"*.rs @rust @core\n/bare/\n");
        let question = Question {
            rule: self.rule,
            facts: &self.facts,
            path: self.path,
            repository: b"/srv/git/acme/web.git",
            repository_name: self.repository_name,
            known_as: self.known_owner.map(|_| "payments/db"),
            known_owner: self.known_owner,
        };
        resolve(&question, &owners, Some(&codeowners))
    }
}

fn facts(account: &str, host: &str) -> BTreeMap<String, String> {
    let facts = [("account", account), ("host", host)];
    facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn the_most_believed_source_that_knows_a_name_wins() {
    use OwnerConfidence as Sure;
    use OwnerSource as From;

    #[track_caller]
    fn check(asked: &Asked, name: &str, source: From, confidence: Sure) {
        let owner = asked.resolve();
        let got = (owner.name.as_str(), owner.source, owner.confidence);
        assert_eq!(got, (name, source, confidence), "{}", explain(&owner));
        assert_eq!(owner.chain.len(), 7, "every source stands in the chain");
    }
    let deploy: Option<&[u8]> = Some(b"deploy/prod.env");
    let everything = || Asked {
        rule: "stripe-key",
        facts: facts("1234", "db.aws.example.com"),
        path: deploy,
        known_owner: Some("dba"),
        ..Asked::default()
    };
    check(&everything(), "dba", From::Inventory, Sure::High);
    let asked = Asked { known_owner: None, ..everything() };
    check(&asked, "cloud", From::Identity, Sure::High);
    let asked = Asked { facts: facts("1234", "elsewhere"), ..asked };
    check(&asked, "payments-oncall", From::Kind, Sure::Medium);
    let asked = Asked { rule: "example", ..asked };
    check(&asked, "platform", From::Path, Sure::Medium);
    check(&Asked::default(), "@rust", From::Codeowners, Sure::Medium);
    let asked = Asked { path: None, ..Asked::default() };
    check(&asked, "web", From::Repository, Sure::Low);
    let asked = Asked { path: Some(b"bare/main.rs"), ..Asked::default() };
    check(&asked, "web", From::Repository, Sure::Low);
}

#[test]
fn nobody_is_the_default_queue_without_confidence() {
    let question = Question {
        rule: "example",
        facts: &BTreeMap::new(),
        path: None,
        repository: b"/srv/x",
        repository_name: None,
        known_as: None,
        known_owner: None,
    };
    let owner = resolve(&question, &Owners::default(), None);
    assert_snapshot!(explain(&owner), @"
    owner       security
    source      default queue
    confidence  none (unowned)

    asked, most believed first:
       inventory      -                    the inventory does not know this value
       identity       -                    no entry of owners.toml for its facts (the value tells none)
       kind           -                    no entry of owners.toml for kind example
       path           -                    no entry of owners.toml for its path (it stands in no file)
       CODEOWNERS     -                    no CODEOWNERS in the default branch
       repository     -                    no entry of owners.toml for repository /srv/x
    -> default queue  security             the default queue of owners.toml
    ");
}

#[test]
fn the_chain_shows_what_each_source_said() {
    let asked = Asked {
        rule: "stripe-key",
        facts: facts("77", "\u{1b}[31mx"),
        path: Some(b"src/\xffa.rs"),
        repository_name: Some("payments/eu-north.git"),
        ..Asked::default()
    };
    assert_snapshot!(explain(&asked.resolve()), @r"
    owner       payments-oncall
    source      kind
    confidence  medium

    asked, most believed first:
       inventory      -                    the inventory does not know this value
       identity       -                    no entry of owners.toml for account = 77, host = \x1b[31mx
    -> kind           payments-oncall      owners.toml:4 (kind stripe-*); also payments-eu at owners.toml:16 (kind stripe-*, repository payments/eu-*)
       path           -                    no entry of owners.toml for path src/\xffa.rs
       CODEOWNERS     @rust                path src/\xffa.rs in CODEOWNERS:1; also @core
       repository     web                  owners.toml:21 (repository **/web)
       default queue  security             the default queue of owners.toml
    ");
}
