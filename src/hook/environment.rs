//! What the server's environment says about a push: which server, which repository, who pushes.
//!
//! Only named variables are read, and only they travel: under fcgiwrap the environment holds the
//! pusher's password (`HTTP_AUTHORIZATION`). Every name is a claim, passed on with its source and
//! how far that is believed.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;

use crate::wire::{Pusher, PusherSource, Server, Trust};

/// The variables that are passed on. Never `HTTP_AUTHORIZATION`, never a pattern.
const ALLOWED: &[&str] = &[
    "BB_HOOK_TRIGGER_ID",
    "BB_IS_DRY_RUN",
    "BB_PROJECT_KEY",
    "BB_REPO_IS_FORK",
    "BB_REPO_IS_PUBLIC",
    "BB_REPO_SLUG",
    "BB_USER_NAME",
    "BB_USER_PERMISSION",
    "GITEA_ACTIONS_TASK_ID",
    "GITEA_DEPLOY_KEY_ID",
    "GITEA_INTERNAL_PUSH",
    "GITEA_KEY_ID",
    "GITEA_PR_ID",
    "GITEA_PUSHER_ID",
    "GITEA_PUSHER_NAME",
    "GITEA_PUSH_TRIGGER",
    "GITEA_REPO_ID",
    "GITEA_REPO_IS_WIKI",
    "GITEA_REPO_NAME",
    "GITEA_REPO_USER_NAME",
    "GITHUB_PUBLIC_KEY_FINGERPRINT",
    "GITHUB_PULL_REQUEST_HEAD",
    "GITHUB_REPO_NAME",
    "GITHUB_REPO_PUBLIC",
    "GITHUB_USER_IP",
    "GITHUB_USER_LOGIN",
    "GITHUB_VIA",
    "GIT_PUSH_CERT_KEY",
    "GIT_PUSH_CERT_NONCE_STATUS",
    "GIT_PUSH_CERT_SIGNER",
    "GIT_PUSH_CERT_STATUS",
    "GL_ID",
    "GL_PROJECT_PATH",
    "GL_PROTOCOL",
    "GL_REPO",
    "GL_REPOSITORY",
    "GL_TID",
    "GL_USER",
    "GL_USERNAME",
    "HTTP_USER_AGENT",
    "REMOTE_ADDR",
    "REMOTE_USER",
    "SOFT_SERVE_REPO_NAME",
    "SOFT_SERVE_USERNAME",
    "SSH_CONNECTION",
    "USER",
];

/// The longest value that is passed on, in bytes.
const VALUE_BYTES_MAX: usize = 4 << 10;

/// The most push options. git itself has no limit; each costs a variable.
const PUSH_OPTIONS_MAX: usize = 1_000;

/// The longest push option, in bytes: git's packet limit.
const PUSH_OPTION_BYTES_MAX: usize = 64 << 10;

/// The longest `SSH_USER_AUTH` file, in bytes. An RSA key of 16,384 bits takes 3 KB.
const SSH_AUTH_BYTES_MAX: u64 = 64 << 10;

/// Looks variables up.
pub(super) type Variables<'v> = dyn Fn(&str) -> Option<OsString> + 'v;

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Environment {
    /// The server software.
    pub(super) server: Server,
    /// What it calls the repository.
    pub(super) repository_name: Option<String>,
    /// Who pushes.
    pub(super) pusher: Pusher,
    /// Whether the server only asks what would happen.
    pub(super) dry_run: bool,
    /// Whether the server takes push options; unknown, hence false, when the client sent none.
    pub(super) push_options_advertised: bool,
    /// The push options, in the client's order.
    pub(super) push_options: Vec<Vec<u8>>,
    /// Whether there are more push options, or longer ones, than are passed on.
    pub(super) push_options_cut: bool,
    /// The allowed variables that are set.
    pub(super) allowed: Vec<(String, Vec<u8>)>,
}

impl Environment {
    /// Reads it through `variable`.
    pub(super) fn read(variable: &Variables<'_>) -> Self {
        let server = server(variable);
        let (push_options, push_options_cut) = push_options(variable);
        Self {
            server,
            repository_name: repository_name(server, variable),
            pusher: pusher(server, variable),
            dry_run: text(variable, "BB_IS_DRY_RUN").is_some_and(|value| value == "true"),
            push_options_advertised: variable("GIT_PUSH_OPTION_COUNT").is_some(),
            push_options,
            push_options_cut,
            allowed: allowed(variable),
        }
    }
}

fn allowed(variable: &Variables<'_>) -> Vec<(String, Vec<u8>)> {
    let value = |name: &&str| {
        let mut value = variable(name)?.into_vec();
        value.truncate(VALUE_BYTES_MAX);
        Some(((*name).to_owned(), value))
    };
    ALLOWED.iter().filter_map(value).collect()
}

/// Tells the server by a variable that only it sets.
fn server(variable: &Variables<'_>) -> Server {
    const MARKS: [(&str, Server); 9] = [
        ("GL_REPOSITORY", Server::Gitlab),
        ("GL_PROJECT_PATH", Server::Gitlab),
        ("GL_REPO", Server::Gitolite),
        ("GITEA_REPO_NAME", Server::Gitea),
        ("GITHUB_REPO_NAME", Server::Ghes),
        ("GITHUB_USER_LOGIN", Server::Ghes),
        ("BB_REPO_SLUG", Server::Bitbucket),
        ("BB_HOOK_TRIGGER_ID", Server::Bitbucket),
        ("SOFT_SERVE_REPO_NAME", Server::SoftServe),
    ];
    let found = MARKS.iter().find(|(name, _)| text(variable, name).is_some());
    found.map_or(Server::Plain, |&(_, server)| server)
}

fn repository_name(server: Server, variable: &Variables<'_>) -> Option<String> {
    let pair = |owner, name| Some(format!("{}/{}", text(variable, owner)?, text(variable, name)?));
    match server {
        Server::Plain => None,
        Server::Gitolite => text(variable, "GL_REPO"),
        Server::Gitlab => text(variable, "GL_PROJECT_PATH"),
        Server::Gitea => pair("GITEA_REPO_USER_NAME", "GITEA_REPO_NAME"),
        Server::Ghes => text(variable, "GITHUB_REPO_NAME"),
        Server::Bitbucket => pair("BB_PROJECT_KEY", "BB_REPO_SLUG"),
        Server::SoftServe => text(variable, "SOFT_SERVE_REPO_NAME"),
    }
}

/// Names the pusher by the strongest claim there is.
fn pusher(server: Server, variable: &Variables<'_>) -> Pusher {
    let claim = |source, trust, name: Option<String>| {
        name.map(|name| Pusher { name: Some(name), source, trust })
    };
    certified(variable)
        .and_then(|name| claim(PusherSource::PushCertificate, Trust::Signed, Some(name)))
        .or_else(|| {
            let (source, name) = server_claim(server)?;
            claim(source, Trust::Server, text(variable, name))
        })
        .or_else(|| claim(PusherSource::RemoteUser, Trust::Server, text(variable, "REMOTE_USER")))
        .or_else(|| claim(PusherSource::SshKey, Trust::Server, ssh_key(variable)))
        .or_else(|| claim(PusherSource::UnixAccount, Trust::Account, account(variable)))
        .unwrap_or(Pusher { name: None, source: PusherSource::Nobody, trust: Trust::None })
}

fn server_claim(server: Server) -> Option<(PusherSource, &'static str)> {
    Some(match server {
        Server::Plain => return None,
        Server::Gitolite => (PusherSource::Gitolite, "GL_USER"),
        Server::Gitlab => (PusherSource::Gitlab, "GL_USERNAME"),
        Server::Gitea => (PusherSource::Gitea, "GITEA_PUSHER_NAME"),
        Server::Ghes => (PusherSource::Ghes, "GITHUB_USER_LOGIN"),
        Server::Bitbucket => (PusherSource::Bitbucket, "BB_USER_NAME"),
        Server::SoftServe => (PusherSource::SoftServe, "SOFT_SERVE_USERNAME"),
    })
}

/// Returns the signer of a push certificate that git found good and fresh.
fn certified(variable: &Variables<'_>) -> Option<String> {
    let is = |name, wanted: &str| text(variable, name).is_some_and(|value| value == wanted);
    let is_good = is("GIT_PUSH_CERT_STATUS", "G") && is("GIT_PUSH_CERT_NONCE_STATUS", "OK");
    if is_good { text(variable, "GIT_PUSH_CERT_SIGNER") } else { None }
}

/// Returns the account, unless the push came over a network that authenticated nobody.
fn account(variable: &Variables<'_>) -> Option<String> {
    if variable("REMOTE_ADDR").is_some() {
        return None;
    }
    text(variable, "USER").or_else(|| text(variable, "LOGNAME"))
}

/// Returns the fingerprint of the key that sshd let in (`ExposeAuthInfo yes`), as
/// `ssh-keygen -l` writes it.
fn ssh_key(variable: &Variables<'_>) -> Option<String> {
    let file = std::fs::File::open(variable("SSH_USER_AUTH")?).ok()?;
    let mut methods = String::new();
    file.take(SSH_AUTH_BYTES_MAX).read_to_string(&mut methods).ok()?;
    let key = methods.lines().find_map(|line| line.strip_prefix("publickey "))?;
    let blob = decode_base64(key.split(' ').nth(1)?)?;
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha256);
    hasher.update(&blob);
    let digest = hasher.try_finalize().ok()?;
    Some(format!("SHA256:{}", encode_base64(digest.as_bytes())))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = BASE64.iter().position(|&known| known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., low] = (bits >> count).to_be_bytes();
            bytes.push(low);
        }
    }
    Some(bytes)
}

fn encode_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=chunk.len() {
            let value = bits >> (18 - 6 * digit) & 0x3f;
            let letter = BASE64.get(value as usize).copied().unwrap_or_default();
            text.push(char::from(letter));
        }
    }
    text
}

fn push_options(variable: &Variables<'_>) -> (Vec<Vec<u8>>, bool) {
    let count = text(variable, "GIT_PUSH_OPTION_COUNT").and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or_default();
    let mut cut = count > PUSH_OPTIONS_MAX;
    let mut options = Vec::new();
    for index in 0..count.min(PUSH_OPTIONS_MAX) {
        let Some(option) = variable(&format!("GIT_PUSH_OPTION_{index}")) else {
            cut = true;
            break;
        };
        let mut option = option.into_vec();
        cut |= option.len() > PUSH_OPTION_BYTES_MAX;
        option.truncate(PUSH_OPTION_BYTES_MAX);
        options.push(option);
    }
    (options, cut)
}

/// Returns a variable that is set to something, as text, cut to a name's length.
fn text(variable: &Variables<'_>, name: &str) -> Option<String> {
    let value = variable(name).filter(|value| !value.is_empty())?;
    let mut value = String::from_utf8_lossy(&value.into_vec()).into_owned();
    let end = value.floor_char_boundary(Pusher::NAME_BYTES_MAX);
    value.truncate(end);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        Environment::read(&|name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[track_caller]
    fn check(
        variables: &[(&str, &str)],
        server: Server,
        repository: Option<&str>,
        pusher: (Option<&str>, PusherSource, Trust),
    ) {
        let found = read(variables);
        assert_eq!(found.server, server);
        assert_eq!(found.repository_name.as_deref(), repository);
        let found = (found.pusher.name.as_deref(), found.pusher.source, found.pusher.trust);
        assert_eq!(found, pusher);
    }

    #[test]
    fn each_server_names_repository_and_pusher() {
        use PusherSource as Source;
        let server = |name, source| (Some(name), source, Trust::Server);
        check(&[], Server::Plain, None, (None, Source::Nobody, Trust::None));
        check(
            &[("USER", "git")],
            Server::Plain,
            None,
            (Some("git"), Source::UnixAccount, Trust::Account),
        );
        check(
            &[("USER", "daemon"), ("REMOTE_ADDR", "192.0.2.1")],
            Server::Plain,
            None,
            (None, Source::Nobody, Trust::None),
        );
        check(
            &[("REMOTE_USER", "ana"), ("REMOTE_ADDR", "192.0.2.1"), ("USER", "www-data")],
            Server::Plain,
            None,
            server("ana", Source::RemoteUser),
        );
        check(
            &[("GL_USER", "bo"), ("GL_REPO", "a/b"), ("USER", "git")],
            Server::Gitolite,
            Some("a/b"),
            server("bo", Source::Gitolite),
        );
        check(
            &[("GL_USERNAME", "cy"), ("GL_REPOSITORY", "project-1"), ("GL_PROJECT_PATH", "g/p")],
            Server::Gitlab,
            Some("g/p"),
            server("cy", Source::Gitlab),
        );
        check(
            &[
                ("GITEA_PUSHER_NAME", "di"),
                ("GITEA_REPO_USER_NAME", "org"),
                ("GITEA_REPO_NAME", "app"),
            ],
            Server::Gitea,
            Some("org/app"),
            server("di", Source::Gitea),
        );
        check(
            &[("GITHUB_USER_LOGIN", "ed"), ("GITHUB_REPO_NAME", "o/r")],
            Server::Ghes,
            Some("o/r"),
            server("ed", Source::Ghes),
        );
        check(
            &[("BB_USER_NAME", "fy"), ("BB_PROJECT_KEY", "P"), ("BB_REPO_SLUG", "r")],
            Server::Bitbucket,
            Some("P/r"),
            server("fy", Source::Bitbucket),
        );
        check(
            &[("SOFT_SERVE_USERNAME", "gi"), ("SOFT_SERVE_REPO_NAME", "s")],
            Server::SoftServe,
            Some("s"),
            server("gi", Source::SoftServe),
        );
    }

    #[test]
    fn a_good_push_certificate_outranks_the_server() {
        let mut variables = vec![
            ("GL_USER", "bo"),
            ("GL_REPO", "a"),
            ("GIT_PUSH_CERT_STATUS", "G"),
            ("GIT_PUSH_CERT_NONCE_STATUS", "OK"),
            ("GIT_PUSH_CERT_SIGNER", "Bo <bo@example.org>"),
        ];
        assert_eq!(read(&variables).pusher.trust, Trust::Signed);
        for stale in ["BAD", "MISSING", "SLOP"] {
            variables[3].1 = stale;
            assert_eq!(read(&variables).pusher.source, PusherSource::Gitolite);
        }
    }

    #[test]
    fn the_ssh_key_is_named_by_its_fingerprint() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let key = encode_base64(&[7; 51]);
        std::fs::write(&file, format!("publickey ssh-ed25519 {key}\n")).expect("written");
        let path = file.path().to_str().expect("text").to_owned();
        let found = read(&[("SSH_USER_AUTH", &path), ("USER", "git")]).pusher;
        assert_eq!(found.source, PusherSource::SshKey);
        // sha256 of 51 bytes of value 7, as ssh-keygen prints a digest
        let name = found.name.expect("a name");
        assert!(name.starts_with("SHA256:") && name.len() == 7 + 43, "{name}");
    }

    #[test]
    fn base64_goes_both_ways() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foob", "Zm9vYg")] {
            assert_eq!(encode_base64(bytes), text);
            assert_eq!(decode_base64(text).as_deref(), Some(bytes));
        }
        assert_eq!(decode_base64("Zm8=").as_deref(), Some(&b"fo"[..]));
        assert_eq!(decode_base64("Z-"), None);
    }

    #[test]
    fn only_allowed_variables_travel_and_never_the_password() {
        let found = read(&[
            ("HTTP_AUTHORIZATION", "Basic dXNlcjpwYXNz"),
            ("REMOTE_USER", "ana"),
            ("PATH", "/bin"),
            ("USER", &"x".repeat(5000)),
        ]);
        let names: Vec<_> = found.allowed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["REMOTE_USER", "USER"]);
        assert_eq!(found.allowed[1].1.len(), VALUE_BYTES_MAX);
        assert!(!ALLOWED.iter().any(|name| name.contains("AUTH")));
    }

    #[test]
    fn push_options_come_in_order_and_missing_ones_are_noticed() {
        let found = read(&[
            ("GIT_PUSH_OPTION_COUNT", "2"),
            ("GIT_PUSH_OPTION_0", "a=1"),
            ("GIT_PUSH_OPTION_1", "b"),
        ]);
        assert_eq!(found.push_options, [b"a=1".to_vec(), b"b".to_vec()]);
        assert!(found.push_options_advertised && !found.push_options_cut);
        assert!(read(&[("GIT_PUSH_OPTION_COUNT", "1")]).push_options_cut);
        assert!(!read(&[]).push_options_advertised);
    }
}
