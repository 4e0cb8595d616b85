//! `pre-receive.pushwarden`: how the hook behaves, in the file beside it.
//!
//! ```text
//! # written by `pushwarden hooks install`
//! socket = /run/pushwarden/push.sock
//! on_unavailable = scan-locally
//! chained = pre-receive.before-pushwarden
//! ```
//!
//! Whoever can write this file can switch the gate off, so a file that others can write, or that
//! belongs to neither root nor the owner of the hook's directory, is not followed. Nor is one with a
//! line that makes no sense: it may have been the line that names a chained hook. Every push is
//! refused until the file is mended. Where no file is, the defaults hold, unless a hook that was kept
//! for the chain lies there.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// What the name of the hook that an installation kept adds to that of the settings.
const KEPT_SUFFIX: &str = "-chained";

/// Write permission for group and others.
const OTHERS_WRITE: u32 = 0o022;

/// What happens to a push while the daemon is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnavailable {
    /// It is refused.
    Reject,
    /// It is let in with a warning, and recorded in the spool.
    Accept,
    /// A child process scans it.
    ScanLocally,
}

/// The hook's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The daemon's push socket.
    pub socket: PathBuf,
    /// The directory for what the daemon reads when it is back.
    pub spool: PathBuf,
    /// The time for a push, before what its size adds.
    pub deadline: Duration,
    /// The time that every 20 MB sent add.
    pub deadline_per_20_mb: Duration,
    /// How long the daemon may take to say hello.
    pub hello_timeout: Duration,
    /// What happens while the daemon is away.
    pub on_unavailable: OnUnavailable,
    /// The main binary, for `scan-locally`.
    pub program: Option<PathBuf>,
    /// The rules for `scan-locally`.
    pub rules_snapshot: Option<PathBuf>,
    /// The daemon's public key for `scan-locally`.
    pub public_key: Option<PathBuf>,
    /// The hook that runs after this one has accepted.
    pub chained: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            socket: "/run/pushwarden/push.sock".into(),
            spool: "/var/spool/pushwarden".into(),
            deadline: Duration::from_secs(20),
            deadline_per_20_mb: Duration::from_secs(1),
            hello_timeout: Duration::from_millis(500),
            on_unavailable: OnUnavailable::Reject,
            program: None,
            rules_snapshot: None,
            public_key: None,
            chained: None,
        }
    }
}

/// What is wrong with the settings.
#[derive(Debug)]
pub enum Problem {
    /// The file is there and cannot be read.
    Read(PathBuf, io::Error),
    /// The file is over 64 KiB.
    TooLong(PathBuf),
    /// Group or others can write it.
    Writable(PathBuf),
    /// It belongs to neither root nor the owner of the directory.
    Owner(PathBuf),
    /// There is none, though it was named.
    Missing(PathBuf),
    /// There is none, and the hook that it must have chained lies beside its place.
    Lost {
        /// The file.
        path: PathBuf,
        /// The hook that was kept.
        kept: PathBuf,
    },
    /// A line makes no sense.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what would be right.
        what: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::TooLong(path) => {
                write!(f, "{} is over {FILE_BYTES_MAX} bytes; shorten it", path.display())
            }
            Self::Writable(path) => {
                let path = path.display();
                write!(f, "others can write {path}; run `chmod go-w {path}`")
            }
            Self::Owner(path) => {
                let path = path.display();
                write!(
                    f,
                    "{path} belongs to neither root nor the owner of its directory; run \
                     `chown root {path}`"
                )
            }
            Self::Missing(path) => write!(f, "there is no {}; write it", path.display()),
            Self::Lost { path, kept } => write!(
                f,
                "{} is gone, and with it whether {} shall run; run `pushwarden hooks install` for \
                 this repository",
                path.display(),
                kept.display()
            ),
            Self::Line { path, line, what } => write!(f, "{}:{line}: {what}", path.display()),
        }
    }
}

impl std::error::Error for Problem {}

impl Settings {
    /// Reads the file at `path`, beside the hook; a missing one leaves the defaults.
    ///
    /// # Errors
    /// If the file is not to be trusted or makes no sense, or lost: it may have named a hook that
    /// must run.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        match read_trusted(path).map_err(one)? {
            Some(bytes) => Self::parse(&bytes, path),
            None => match kept_hook(path) {
                Some(kept) => Err(one(Problem::Lost { path: path.to_path_buf(), kept })),
                None => Ok(Self::default()),
            },
        }
    }

    /// Reads the file at `path`, which somebody named: it must be there.
    ///
    /// # Errors
    /// If it is missing, not to be trusted, or makes no sense.
    pub fn load_named(path: &Path) -> Result<Self, Vec<Problem>> {
        let bytes = read_trusted(path).map_err(one)?;
        let bytes = bytes.ok_or_else(|| one(Problem::Missing(path.to_path_buf())))?;
        Self::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, Vec<Problem>> {
        let mut settings = Self::default();
        let mut problems = Vec::new();
        let mut keys = Vec::new();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if let Err(what) = settings.set(line, path, &mut keys) {
                let path = path.to_path_buf();
                problems.push(Problem::Line { path, line: index + 1, what });
            }
        }
        if settings.on_unavailable == OnUnavailable::ScanLocally && !settings.can_scan() {
            let what = "`on_unavailable = scan-locally` needs `program`, `rules_snapshot` and \
                        `public_key`; add them";
            let (path, what) = (path.to_path_buf(), what.to_owned());
            problems.push(Problem::Line { path, line: 1, what });
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    fn can_scan(&self) -> bool {
        self.program.is_some() && self.rules_snapshot.is_some() && self.public_key.is_some()
    }

    fn set<'l>(
        &mut self,
        line: &'l [u8],
        file: &Path,
        keys: &mut Vec<&'l [u8]>,
    ) -> Result<(), String> {
        let equals = line.iter().position(|&byte| byte == b'=');
        let (key, value) = equals
            .and_then(|at| line.split_at_checked(at))
            .ok_or("not a `key = value` line; begin a comment with `#`")?;
        let key = key.trim_ascii();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if keys.contains(&key) {
            return Err(format!(
                "`{}` is set twice; keep one",
                crate::wire::escape::line(key, 120)
            ));
        }
        keys.push(key);
        match key {
            b"socket" => self.socket = absolute(value)?,
            b"spool" => self.spool = absolute(value)?,
            b"deadline_ms" => self.deadline = milliseconds(value, 100, 3_600_000)?,
            b"deadline_ms_per_20_mb" => self.deadline_per_20_mb = milliseconds(value, 0, 600_000)?,
            b"hello_timeout_ms" => self.hello_timeout = milliseconds(value, 10, 60_000)?,
            b"on_unavailable" => self.on_unavailable = policy(value)?,
            b"program" => self.program = Some(absolute(value)?),
            b"rules_snapshot" => self.rules_snapshot = Some(absolute(value)?),
            b"public_key" => self.public_key = Some(absolute(value)?),
            b"chained" => self.chained = Some(beside(value, file)?),
            _ => {
                let key = crate::wire::escape::line(key, 120);
                return Err(format!("`{key}` is unknown; known keys are {KEYS}"));
            }
        }
        Ok(())
    }
}

const KEYS: &str = "socket, spool, deadline_ms, deadline_ms_per_20_mb, hello_timeout_ms, \
                    on_unavailable, program, rules_snapshot, public_key, chained";

fn one(problem: Problem) -> Vec<Problem> {
    vec![problem]
}

/// Returns the hook that an installation kept for the chain, beside the settings at `path`. What
/// cannot be looked at counts as there.
fn kept_hook(path: &Path) -> Option<PathBuf> {
    let mut kept = path.as_os_str().to_owned();
    kept.push(KEPT_SUFFIX);
    let kept = PathBuf::from(kept);
    let absent = kept.symlink_metadata().is_err_and(|error| {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    });
    (!absent).then_some(kept)
}

fn read_trusted(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    let failed = |error| Problem::Read(path.to_path_buf(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let status = file.metadata().map_err(failed)?;
    if status.mode() & OTHERS_WRITE != 0 {
        return Err(Problem::Writable(path.to_path_buf()));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = std::fs::metadata(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    if status.uid() != 0 && status.uid() != directory.uid() {
        return Err(Problem::Owner(path.to_path_buf()));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Problem::TooLong(path.to_path_buf()));
    }
    Ok(Some(bytes))
}

fn absolute(value: &[u8]) -> Result<PathBuf, String> {
    let path = Path::new(std::ffi::OsStr::from_bytes(value));
    if path.is_absolute() {
        return Ok(path.to_path_buf());
    }
    Err("not an absolute path; begin it with `/`".to_owned())
}

/// Reads a path that counts from the settings file's directory.
fn beside(value: &[u8], file: &Path) -> Result<PathBuf, String> {
    if value.is_empty() {
        return Err("no path; name the hook to run, or delete the line".to_owned());
    }
    let directory = file.parent().unwrap_or(Path::new(""));
    let path = directory.join(std::ffi::OsStr::from_bytes(value));
    // A bare name would be looked up in PATH.
    std::path::absolute(&path).map_err(|_| "not a path".to_owned())
}

fn milliseconds(value: &[u8], min: u64, max: u64) -> Result<Duration, String> {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    match number {
        Some(number) if (min..=max).contains(&number) => Ok(Duration::from_millis(number)),
        _ => Err(format!("not a number of milliseconds from {min} to {max}")),
    }
}

fn policy(value: &[u8]) -> Result<OnUnavailable, String> {
    match value {
        b"reject" => Ok(OnUnavailable::Reject),
        b"accept" => Ok(OnUnavailable::Accept),
        b"scan-locally" => Ok(OnUnavailable::ScanLocally),
        _ => Err("`on_unavailable` is `reject`, `accept` or `scan-locally`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: &Settings) {
        let settings = Settings::parse(text.as_bytes(), Path::new("/h/p.pushwarden"));
        assert_eq!(settings.expect("makes sense"), *want);
    }

    #[track_caller]
    fn refused(text: &str, want: &str) {
        let settings = Settings::parse(text.as_bytes(), Path::new("/h/p.pushwarden"));
        let problems = settings.expect_err("makes no sense");
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, [want]);
    }

    #[test]
    fn every_key_is_read() {
        check("", &Settings::default());
        check("# a comment\n\n  \r\n", &Settings::default());
        check(
            "socket=/s\nspool = /q\ndeadline_ms = 5000\ndeadline_ms_per_20_mb = 0\n\
             hello_timeout_ms = 100\non_unavailable = scan-locally\nprogram = /p\n\
             rules_snapshot = /r\npublic_key = /k\nchained = old hook\n",
            &Settings {
                socket: "/s".into(),
                spool: "/q".into(),
                deadline: Duration::from_secs(5),
                deadline_per_20_mb: Duration::ZERO,
                hello_timeout: Duration::from_millis(100),
                on_unavailable: OnUnavailable::ScanLocally,
                program: Some("/p".into()),
                rules_snapshot: Some("/r".into()),
                public_key: Some("/k".into()),
                chained: Some("/h/old hook".into()),
            },
        );
    }

    #[test]
    fn what_makes_no_sense_is_named_and_not_followed() {
        refused(
            "on_unavailable = accept\nspool",
            "/h/p.pushwarden:2: not a `key = value` line; begin a comment with `#`",
        );
        refused("socket = run/s", "/h/p.pushwarden:1: not an absolute path; begin it with `/`");
        refused(
            "on_unavailable = maybe",
            "/h/p.pushwarden:1: `on_unavailable` is `reject`, `accept` or `scan-locally`",
        );
        refused(
            "deadline_ms = 20s",
            "/h/p.pushwarden:1: not a number of milliseconds from 100 to 3600000",
        );
        refused("spool = /a\nspool = /b", "/h/p.pushwarden:2: `spool` is set twice; keep one");
        refused(
            "on_unavailable = scan-locally\nprogram = /p",
            "/h/p.pushwarden:1: `on_unavailable = scan-locally` needs `program`, `rules_snapshot` \
             and `public_key`; add them",
        );
        let problems = Settings::parse(b"chaned = /s", Path::new("/h/p.pushwarden")).unwrap_err();
        assert!(problems[0].to_string().contains("`chaned` is unknown; known keys are socket,"));
    }

    #[test]
    fn a_file_that_others_can_write_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pre-receive.pushwarden");
        std::fs::write(&path, "on_unavailable = accept\n").expect("written");
        for (mode, trusted) in [(0o644, true), (0o664, false), (0o646, false), (0o600, true)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).expect("own file");
            assert_eq!(Settings::load(&path).is_ok(), trusted, "{mode:o}");
        }
    }

    #[test]
    fn a_missing_file_leaves_the_defaults_unless_it_was_named_or_chained_a_hook() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pre-receive.pushwarden");
        assert_eq!(Settings::load(&path).expect("nothing is lost"), Settings::default());
        let problems = Settings::load_named(&path).unwrap_err();
        assert!(matches!(problems[..], [Problem::Missing(_)]), "{problems:?}");
        std::fs::write(directory.path().join("pre-receive.pushwarden-chained"), "").expect("kept");
        let problems = Settings::load(&path).unwrap_err();
        assert!(matches!(problems[..], [Problem::Lost { .. }]), "{problems:?}");
    }
}
