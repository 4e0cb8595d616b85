//! The spool: what a local screening leaves for the daemon.
//!
//! ```text
//! child of the hook ──PushRecord + values──► JSON ──seal to spool.pub──► NONCE.claim (durable)
//! daemon            ──spool.key──► Claim ──fingerprint──► store, once for each nonce
//! ```
//!
//! The child runs as the git account and holds the daemon's *public* key alone: it can leave a
//! claim and read none. A claim proves nothing, so it opens incidents and closes, clears or grants
//! nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crypto_box::aead::OsRng;
use crypto_box::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::finding::{Facts, Occurrence};
use crate::identity::Owner;
use crate::policy::Action;
use crate::rule::{Confidence, RuleId, Severity};
use crate::secret::{Fingerprint, Secret};
use crate::service::recorder::{RecordError, Recorder};
use crate::store::{FiledFinding, PushRecord, Standing, StandingQuery};

/// The longest claim that is read, in bytes, sealed. A push of a thousand findings makes less.
pub const CLAIM_BYTES_MAX: u64 = 32 << 20;

/// How the name of a claim ends.
pub const CLAIM_SUFFIX: &str = ".claim";

/// Why the spool did not take or give a claim.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file could not be written or read.
    #[error("cannot {attempted} `{}`", path.display())]
    File {
        /// What was attempted.
        attempted: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is over the limit.
    #[error("`{}` is longer than {CLAIM_BYTES_MAX} bytes", .0.display())]
    TooLong(PathBuf),
    /// It is no claim, or sealed to another key.
    #[error("`{}` is no claim that this daemon can open", .0.display())]
    Sealed(PathBuf),
    /// The claim could not be sealed.
    #[error("the claim could not be sealed")]
    Seal,
    /// What was sealed makes no sense.
    #[error("`{}` holds a claim that makes no sense", path.display())]
    Garbage {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// What a local screening claims. It holds values in clear and exists sealed or in memory.
#[derive(Serialize, Deserialize)]
pub struct Claim {
    /// The push's nonce in hex.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The git directory's path, escaped for display.
    pub repository: String,
    /// What the server calls the repository.
    pub repository_name: Option<String>,
    /// The server software.
    pub server: String,
    /// The pusher's name, its source and how far it is believed.
    pub pusher: (Option<String>, String, String),
    /// Whether the push was refused.
    pub is_refused: bool,
    /// Why.
    pub reason: String,
    /// How many objects came.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// What was found.
    pub findings: Vec<ClaimedFinding>,
    /// What was not scanned.
    pub unscanned: Vec<ClaimedItem>,
}

/// Something of a [`Claim`] that was not scanned.
#[derive(Serialize, Deserialize)]
pub struct ClaimedItem {
    /// The object in hex, where it is one.
    pub object: Option<String>,
    /// For the new tip of a ref: its old one in hex.
    pub old: Option<String>,
    /// Why, as one of the protocol's words.
    pub reason: String,
    /// More, in words; the child knew no known secrets to mask in it.
    pub detail: String,
}

/// One secret of a [`Claim`].
#[derive(Serialize, Deserialize)]
pub struct ClaimedFinding {
    /// The rule that found it.
    pub rule: RuleId,
    /// The value in base64.
    pub value: Zeroizing<String>,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// How bad a leak is.
    pub severity: Severity,
    /// What the value tells.
    pub facts: Facts,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub occurrences: Vec<Occurrence>,
    /// The owner as far as the child could tell: it has CODEOWNERS alone.
    pub owner: Owner,
}

impl ClaimedFinding {
    /// Returns the value.
    pub fn clear(&self) -> Option<Secret<Vec<u8>>> {
        BASE64_STANDARD.decode(self.value.as_bytes()).ok().map(Secret::new)
    }
}

impl Claim {
    fn of(push: &PushRecord, clear: &[Secret<Vec<u8>>]) -> Self {
        let findings = push.findings.iter().zip(clear).map(|(found, clear)| ClaimedFinding {
            rule: found.finding.rule.clone(),
            value: Zeroizing::new(BASE64_STANDARD.encode(clear.expose())),
            confidence: found.finding.confidence,
            severity: found.finding.severity,
            facts: found.finding.facts.clone(),
            action: found.decision.action,
            reason: found.decision.reason.clone(),
            occurrences: found.occurrences.clone(),
            owner: found.owner.clone(),
        });
        let pusher = &push.pusher;
        let unscanned = push.unscanned.iter().map(|item| ClaimedItem {
            object: item.object.clone(),
            old: item.old.clone(),
            reason: item.reason.clone(),
            detail: item.detail.clone(),
        });
        Self {
            id: push.id.to_string(),
            at: push.at,
            repository: push.repository.clone(),
            repository_name: push.repository_name.clone(),
            server: push.server.clone(),
            pusher: (pusher.name.clone(), pusher.source.clone(), pusher.trust.clone()),
            is_refused: push.verdict == crate::incident::PushVerdict::Refused,
            reason: push.reason.clone(),
            objects: push.objects,
            bytes: push.bytes,
            duration_ms: push.duration_ms,
            findings: findings.collect(),
            unscanned: unscanned.collect(),
        }
    }

    /// Opens the claim in `path` with the daemon's key.
    ///
    /// # Errors
    /// If it cannot be read, is too long, is sealed to another key or makes no sense.
    pub fn open(path: &Path, key: &Secret<[u8; 32]>) -> Result<Self, SpoolError> {
        let sealed = read_bounded(path)?;
        let key = SecretKey::from(*key.expose());
        let clear = key.unseal(&sealed).map_err(|_| SpoolError::Sealed(path.to_owned()))?;
        let clear = Zeroizing::new(clear);
        Self::parse(&clear).map_err(|source| SpoolError::Garbage { path: path.to_owned(), source })
    }

    /// Reads a claim that is not sealed any more.
    pub(crate) fn parse(clear: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(clear)
    }
}

/// Reads a spool entry: a plain file that the git account wrote, never through a link.
///
/// # Errors
/// If it cannot be read or is longer than [`CLAIM_BYTES_MAX`].
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, SpoolError> {
    let failed = |source| file_error("read", path, source);
    let no_follow = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(no_follow.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let mut bytes = Vec::new();
    let mut limited = io::Read::take(file, CLAIM_BYTES_MAX + 1);
    io::Read::read_to_end(&mut limited, &mut bytes).map_err(failed)?;
    if bytes.len() as u64 > CLAIM_BYTES_MAX {
        return Err(SpoolError::TooLong(path.to_owned()));
    }
    Ok(bytes)
}

/// Records in the spool, sealed to the daemon.
pub struct SpoolRecorder {
    /// Where entries lie.
    pub directory: PathBuf,
    /// The daemon's public key.
    pub public_key: [u8; 32],
}

impl Recorder for SpoolRecorder {
    /// A child knows nothing of what stands.
    fn standings(
        &self,
        _query: StandingQuery<'_>,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Standing>, RecordError> {
        Ok(vec![Standing::default(); fingerprints.len()])
    }

    fn record(
        &self,
        push: &PushRecord,
        clear: &[Secret<Vec<u8>>],
    ) -> Result<Vec<FiledFinding>, RecordError> {
        let claim = serde_json::to_vec(&Claim::of(push, clear)).map_err(|_| SpoolError::Seal)?;
        let claim = Zeroizing::new(claim);
        let sealed = PublicKey::from(self.public_key).seal(&mut OsRng, &claim);
        let sealed = sealed.map_err(|_| SpoolError::Seal)?;
        write_durably(&self.directory, &format!("{}{CLAIM_SUFFIX}", push.id), &sealed)?;
        Ok(Vec::new())
    }

    fn records_clean(&self) -> bool {
        true
    }
}

/// Writes a file that is there whole, after a power cut too, or not at all.
fn write_durably(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    let (path, unfinished) = (directory.join(name), directory.join(format!(".{name}.tmp")));
    let written = (|| {
        // The daemon runs under another account: what is sealed may be read.
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(&unfinished)?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(directory)?.sync_all()
    })();
    written.map_err(|source| {
        // What is left of it is worth nothing and may not be there at all.
        drop(fs::remove_file(&unfinished));
        file_error("write", &path, source)
    })
}

fn file_error(attempted: &'static str, path: &Path, source: io::Error) -> SpoolError {
    SpoolError::File { attempted, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
