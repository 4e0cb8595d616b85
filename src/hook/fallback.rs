//! What happens to a push while the daemon is away, if it is not refused.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::wire::{Accepted, Begin, RefUpdate};

use super::settings::Settings;

/// The variables that the local scanner gets. It needs no more to read two files and write one.
const CHILD_VARIABLES: [&str; 3] = ["TMPDIR", "LANG", "TZ"];

/// How long the local scanner may take to end once it has answered.
const CHILD_EXIT_TIMEOUT: Duration = Duration::from_millis(500);

/// How often its end is looked for.
const CHILD_EXIT_POLL: Duration = Duration::from_millis(2);

/// Records durably that a push is let in unscanned. Only if this succeeds may it be.
///
/// The file gets its name only when it is whole and on disk, and the name is on disk too before
/// git hears anything.
pub(super) fn record_accepted(
    spool: &Path,
    begin: &Begin,
    updates: &[RefUpdate],
) -> io::Result<()> {
    let name = Accepted::file_name(begin.nonce);
    let unfinished = spool.join(format!(".{name}.new"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&unfinished)?;
    // Whatever the umask says: the daemon runs under another account, and others than it and the
    // git account cannot enter the spool.
    file.set_permissions(Permissions::from_mode(0o644))?;
    let entry = Accepted { begin: begin.clone(), updates: updates.to_vec() };
    let written = write_durably(&entry, &mut file)
        .and_then(|()| std::fs::rename(&unfinished, spool.join(&name)))
        .and_then(|()| File::open(spool)?.sync_all());
    if written.is_err() {
        // The push is refused: nothing may claim that it was let in.
        drop(std::fs::remove_file(&unfinished));
        drop(std::fs::remove_file(spool.join(&name)));
    }
    written
}

fn write_durably(entry: &Accepted, file: &mut File) -> io::Result<()> {
    let mut bytes = Vec::new();
    entry.write(&mut bytes)?;
    file.write_all(&bytes)?;
    file.sync_all()
}

/// A local scanner: a child with the other end of a stream as its standard input.
pub(super) struct LocalScanner(Child);

impl LocalScanner {
    /// Starts it. Its environment holds next to nothing, and it cannot talk to the pusher.
    pub(super) fn start(settings: &Settings) -> io::Result<(Self, UnixStream)> {
        let unset = || io::Error::from(io::ErrorKind::NotFound);
        let program = settings.program.as_ref().ok_or_else(unset)?;
        let rules = settings.rules_snapshot.as_ref().ok_or_else(unset)?;
        let public_key = settings.public_key.as_ref().ok_or_else(unset)?;
        let (ours, theirs) = UnixStream::pair()?;
        let kept = CHILD_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(program)
            .arg("screen-locally")
            .args([Path::new("--rules"), rules])
            .args([Path::new("--public-key"), public_key])
            .args([Path::new("--spool"), &settings.spool])
            .env_clear()
            .envs(kept)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok((Self(child), ours))
    }

    /// Waits for its end, and brings it about if need be.
    pub(super) fn finish(mut self) {
        let until = Instant::now() + CHILD_EXIT_TIMEOUT;
        while Instant::now() < until {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(CHILD_EXIT_POLL);
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HashKind, Nonce, Oid, Pusher, PusherSource, Server, Trust};

    fn begin() -> Begin {
        Begin {
            nonce: Nonce([0xab; 16]),
            hash: HashKind::Sha1,
            repository: b"/srv/git/a.git".to_vec(),
            repository_name: None,
            server: Server::Plain,
            pusher: Pusher { name: None, source: PusherSource::Nobody, trust: Trust::None },
            push_options_advertised: false,
            dry_run: false,
            environment: Vec::new(),
        }
    }

    #[test]
    fn the_record_is_whole_under_its_name() {
        let spool = tempfile::tempdir().expect("a directory");
        let update = RefUpdate {
            old: Oid::from_bytes(&[0; 20]).expect("20 bytes"),
            new: Oid::from_bytes(&[1; 20]).expect("20 bytes"),
            name: b"refs/heads/main".to_vec(),
        };
        record_accepted(spool.path(), &begin(), std::slice::from_ref(&update)).expect("recorded");
        let names: Vec<_> = std::fs::read_dir(spool.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, [format!("{}.accepted", "ab".repeat(16)).as_str()]);
        let mut file = File::open(spool.path().join(&names[0])).expect("there");
        let entry = Accepted::read(&mut file).expect("whole");
        assert_eq!(entry, Accepted { begin: begin(), updates: vec![update] });
    }

    #[test]
    fn without_a_spool_nothing_is_recorded() {
        assert!(record_accepted(Path::new("/nonexistent/spool"), &begin(), &[]).is_err());
    }
}
