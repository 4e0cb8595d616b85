//! What an account may do with a file, by its mode bits.
//!
//! Access lists and security modules are not asked: they may forbid more, and seldom allow more.
//! The proof is `pushwarden hooks status`; this is for telling why it fails.

use std::ffi::CString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Uid, User, getgrouplist};

use crate::config::{Account, AccountError};

/// May read, as a bit of a mode.
pub(super) const READ: u32 = 0o4;
/// May write.
pub(super) const WRITE: u32 = 0o2;
/// May run, or pass through a directory.
pub(super) const PASS: u32 = 0o1;

/// An account with its groups.
pub(super) struct Person {
    uid: u32,
    gids: Vec<u32>,
}

impl Person {
    /// Looks up an account.
    pub(super) fn find(account: &Account) -> Result<Self, AccountError> {
        let uid = account.uid()?;
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let gids = user.map(|user| groups(&user.name, user.gid)).unwrap_or_default();
        Ok(Self { uid, gids })
    }

    /// Tells whether the account may do all of `wanted` with `path`, and pass to it.
    pub(super) fn may(&self, path: &Path, wanted: u32) -> io::Result<bool> {
        let path = path.canonicalize()?;
        for folder in path.ancestors().skip(1) {
            if !self.is_allowed(&fs::metadata(folder)?, PASS) {
                return Ok(false);
            }
        }
        Ok(self.is_allowed(&fs::metadata(&path)?, wanted))
    }

    fn is_allowed(&self, metadata: &Metadata, wanted: u32) -> bool {
        let mode = metadata.mode();
        let granted = if self.uid == 0 {
            return true;
        } else if metadata.uid() == self.uid {
            mode >> 6
        } else if self.gids.contains(&metadata.gid()) {
            mode >> 3
        } else {
            mode
        };
        granted & wanted == wanted
    }
}

fn groups(name: &str, gid: Gid) -> Vec<u32> {
    let name = CString::new(name).unwrap_or_default();
    let groups = getgrouplist(&name, gid).unwrap_or_else(|_| vec![gid]);
    groups.into_iter().map(Gid::as_raw).collect()
}
