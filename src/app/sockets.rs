//! The daemon's listening sockets: systemd's, or its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;

use anyhow::Context as _;
use listenfd::ListenFd;
use tokio::net::UnixListener;

/// The two sockets.
pub(super) struct Sockets {
    pub(super) push: UnixListener,
    pub(super) admin: UnixListener,
}

/// Where a socket is and who may connect to it.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) mode: u32,
}

impl Sockets {
    /// Takes the sockets that systemd passes (push first, admin second, as the units name them), or
    /// binds them.
    pub(super) fn open(push: &Place<'_>, admin: &Place<'_>) -> anyhow::Result<Self> {
        let mut passed = ListenFd::from_env();
        let (first, second) = (take(&mut passed, 0)?, take(&mut passed, 1)?);
        let (passed_push, passed_admin) = sort(first, second, push.path);
        let push = passed_push.map_or_else(|| bind(push), Ok)?;
        let admin = passed_admin.map_or_else(|| bind(admin), Ok)?;
        Ok(Self { push: into_tokio(push)?, admin: into_tokio(admin)? })
    }
}

fn take(passed: &mut ListenFd, place: usize) -> anyhow::Result<Option<StdListener>> {
    if place >= passed.len() {
        return Ok(None);
    }
    passed.take_unix_listener(place).context("systemd passed something that is no Unix socket")
}

/// Tells by their paths which of two sockets is which: units may be started in either order.
fn sort(
    first: Option<StdListener>,
    second: Option<StdListener>,
    push: &Path,
) -> (Option<StdListener>, Option<StdListener>) {
    let is_push = |listener: &StdListener| {
        let address = listener.local_addr().ok();
        address.and_then(|address| address.as_pathname().map(|path| path == push)).unwrap_or(false)
    };
    match (first, second) {
        (Some(one), None) if !is_push(&one) => (None, Some(one)),
        (Some(one), Some(two)) if !is_push(&one) && is_push(&two) => (Some(two), Some(one)),
        pair => pair,
    }
}

/// Binds a socket where nothing listens, clearing away one that a dead daemon left.
fn bind(place: &Place<'_>) -> anyhow::Result<StdListener> {
    let path = place.path;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!("another daemon listens on {}; stop it first", path.display());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let listener =
        StdListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(place.mode))
        .with_context(|| format!("cannot set the mode of {}", path.display()))?;
    Ok(listener)
}

fn into_tokio(listener: StdListener) -> anyhow::Result<UnixListener> {
    listener.set_nonblocking(true).context("cannot use the socket without blocking")?;
    UnixListener::from_std(listener).context("cannot use the socket")
}
