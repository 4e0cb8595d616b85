//! Within what a row counts.

use std::fs;
use std::os::unix::fs::MetadataExt;

use sha2::{Digest, Sha256};

use crate::rule::Ruleset;
use crate::scan::layer;
use crate::store::KnownEpoch;

/// What decides, beside the content and the known values, whether a scan finds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanner {
    digest: [u8; 32],
}

impl Scanner {
    /// Describes this program with these rules and limits.
    pub fn new(ruleset: &Ruleset, layers: &layer::Limits) -> Self {
        Self::of_program(&this_program(), ruleset, layers)
    }

    pub(super) fn of_program(program: &str, ruleset: &Ruleset, layers: &layer::Limits) -> Self {
        // A limit that is added must be thought of here.
        let layer::Limits { depth_max, bytes_max, parts_max } = layers;
        let mut hash = Sha256::new();
        hash.update(ruleset.digest());
        hash.update((*depth_max as u64).to_le_bytes());
        hash.update(bytes_max.to_le_bytes());
        hash.update((*parts_max as u64).to_le_bytes());
        hash.update(program);
        Self { digest: hash.finalize().into() }
    }

    /// Names the scope: what `account`'s hooks tell, compared with what is known in `epoch`.
    ///
    /// The account is part of it because it is the hook that says which id some bytes have: whoever
    /// can lie about that runs programs as the account, and could write into its repositories
    /// without any hook. The rows of another account they must not touch.
    pub(super) fn scope(&self, account: u32, KnownEpoch(epoch): KnownEpoch) -> [u8; 52] {
        let mut scope = [0; 52];
        let parts = self.digest.iter().chain(&epoch).copied().chain(account.to_le_bytes());
        scope.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        scope
    }
}

/// Tells this build of the program from any other: decoders and validators are code, and a version's
/// number is not changed with every line. Where the file cannot be asked, no run is like another.
fn this_program() -> String {
    let file = fs::metadata("/proc/self/exe").map(|file| {
        let (changed, changed_ns) = (file.ctime(), file.ctime_nsec());
        format!("{} {} {} {changed} {changed_ns}", file.dev(), file.ino(), file.size())
    });
    let file = file.unwrap_or_else(|_| uuid::Uuid::now_v7().to_string());
    format!("{} {file}", env!("CARGO_PKG_VERSION"))
}
