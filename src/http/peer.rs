//! Who is at the other end of a Unix socket: the kernel's word, not the peer's.

use std::collections::BTreeSet;

use tokio::net::UnixStream;

/// The uids that may use a socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted(BTreeSet<u32>);

impl Admitted {
    /// Admits these uids and no others.
    pub fn new(uids: impl IntoIterator<Item = u32>) -> Self {
        Self(uids.into_iter().collect())
    }

    /// Returns the peer's uid if it is admitted (`SO_PEERCRED`, unix(7)).
    ///
    /// # Errors
    /// If it is not, or if the kernel does not tell.
    pub fn check(&self, stream: &UnixStream) -> Result<u32, PeerError> {
        let uid = stream.peer_cred().map_err(PeerError::Unknown)?.uid();
        if self.0.contains(&uid) { Ok(uid) } else { Err(PeerError::Stranger(uid)) }
    }
}

/// Why a peer is turned away.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The kernel did not tell who it is.
    #[error("cannot tell who is at the other end of the socket")]
    Unknown(#[source] std::io::Error),
    /// Its uid is not on the list.
    #[error("uid {0} is not admitted to this socket; name its account under `accounts`")]
    Stranger(u32),
}

/// Returns the name of an account, or `uid:N` where the machine's user database has none.
pub fn account_name(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid));
    user.ok().flatten().map_or_else(|| format!("uid:{uid}"), |user| user.name)
}
