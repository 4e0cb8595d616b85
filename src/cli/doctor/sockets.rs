//! The two sockets: whether somebody answers, and whether the right accounts reach them.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::super::shell::word;
use super::Check;
use super::access::{PASS, Person};
use super::files::{self, blocked};
use crate::config::Config;
use crate::wire::UPGRADE_REQUEST;

/// How long the daemon may take; a hook waits for less, but this is not about speed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// What every HTTP answer begins with.
const ANSWER_START: &[u8] = b"HTTP/1.1 ";

/// How the end of a connection shows, before or after it took our bytes.
const HANG_UPS: [io::ErrorKind; 3] =
    [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];

const ADMIN_REQUEST: &str = "GET / HTTP/1.1\r\nHost: pushwarden\r\nConnection: close\r\n\r\n";

pub(super) fn push(config: &Config) -> Check {
    let (id, path) = ("push-socket", &config.push.socket);
    let pushes = files::may_push(config, rustix::process::geteuid().as_raw());
    match ask(path, UPGRADE_REQUEST) {
        Ok(Answer::Http) => {}
        // The daemon knows who connects; whoever may not push learns nothing more.
        Ok(Answer::HungUp) if !pushes => {}
        Ok(Answer::HungUp) => return silent(id, config, path, &hung_up()),
        Err(error) => return silent(id, config, path, &error),
    }
    let Some(directory) = path.parent() else {
        return Check::ok(id, path.display().to_string());
    };
    let no_way = blocked(config, directory, PASS);
    match no_way.or_else(|| blocked(config, path, super::access::WRITE)) {
        None => Check::ok(id, path.display().to_string()),
        Some(account) => {
            let reason = format!("{account} cannot connect to {}", path.display());
            let (account, path) = (word(&account), word(path));
            Check::fail(id, reason, format!("chgrp {account} {path} && chmod 660 {path}"))
        }
    }
}

pub(super) fn admin(config: &Config) -> Check {
    let (id, path) = ("admin-socket", &config.admin.socket);
    match ask(path, ADMIN_REQUEST) {
        Ok(Answer::Http) => Check::ok(id, path.display().to_string()),
        Ok(Answer::HungUp) => silent(id, config, path, &hung_up()),
        Err(error) => silent(id, config, path, &error),
    }
}

/// Sees that accounts that push cannot administer, unless the configuration says so.
pub(super) fn admin_closed(config: &Config) -> Check {
    let id = "admin-closed";
    let Some(directory) = config.admin.socket.parent() else {
        return Check::ok(id, "the socket has no directory");
    };
    let open = config.push.accounts.iter().find(|account| {
        let admits = config.admin.accounts.contains(account) && config.admin.allow_self_approval;
        let person = Person::find(account).ok();
        !admits && person.is_some_and(|person| person.may(directory, PASS).unwrap_or(false))
    });
    match open {
        None => Check::ok(id, directory.display().to_string()),
        Some(account) => {
            let reason = format!("{account}, which pushes, reaches {}", directory.display());
            Check::fail(id, reason, format!("chmod 700 {}", word(directory)))
        }
    }
}

/// What came back.
enum Answer {
    /// Any answer in HTTP: a refusal shows as well that somebody is there.
    Http,
    /// The end of the connection.
    HungUp,
}

fn ask(path: &Path, request: &str) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    let mut start = [0; ANSWER_START.len()];
    let asked = stream.write_all(request.as_bytes());
    match asked.and_then(|()| stream.read_exact(&mut start)) {
        Ok(()) if start == ANSWER_START => Ok(Answer::Http),
        Ok(()) => Err(io::Error::other("something else listens there")),
        Err(error) if HANG_UPS.contains(&error.kind()) => Ok(Answer::HungUp),
        Err(error) => Err(error),
    }
}

fn hung_up() -> io::Error {
    io::Error::other("it hangs up on this account")
}

fn silent(id: &'static str, config: &Config, path: &Path, error: &io::Error) -> Check {
    let reason = match error.kind() {
        // systemd accepts connections on behalf of a daemon that does not run.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("{} is open, and nobody says hello", path.display())
        }
        _ => format!("nobody answers at {}: {error}", path.display()),
    };
    let remedy = if config.is_system() {
        "systemctl restart pushwarden-push.socket pushwarden-admin.socket pushwarden".to_owned()
    } else {
        format!("pushwarden serve --config {}", word(&config.file))
    };
    Check::fail(id, reason, remedy)
}
