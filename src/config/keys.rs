//! Key files: made once from the system's random numbers, read at each start.
//!
//! ```text
//! fingerprint.key  0600  32 bytes   the key of all fingerprints
//! spool.key        0600  32 bytes   X25519: opens what hooks sealed while the daemon was away
//! spool.pub        0644  32 bytes   its public half, which hooks seal to
//! ```
//!
//! systemd can pass the two secret ones as credentials (`LoadCredential=`); then they are read
//! from `$CREDENTIALS_DIRECTORY` and the directory holds the public one alone. A lost
//! `fingerprint.key` cannot be made again, and every fingerprint on record is worthless without
//! it: so nothing here ever overwrites a key.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crypto_box::SecretKey;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::secret::{FingerprintKey, Secret};

/// The length of every key, in bytes.
pub const KEY_BYTES: usize = 32;

/// The name of the key of fingerprints.
pub const FINGERPRINT_KEY: &str = "fingerprint.key";
/// The name of the key that opens spool entries.
pub const SPOOL_KEY: &str = "spool.key";
/// The name of the public key that spool entries are sealed to.
pub const SPOOL_PUBLIC_KEY: &str = "spool.pub";

/// Where the keys lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    directory: PathBuf,
    credentials: Option<PathBuf>,
}

/// The keys that the daemon works with.
#[derive(Debug)]
pub struct Keys {
    /// The key of all fingerprints.
    pub fingerprint: FingerprintKey,
    /// The X25519 secret that opens spool entries.
    pub spool: Secret<[u8; KEY_BYTES]>,
}

/// Why a key cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be opened or read.
    #[error("cannot read the key `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can read it, or change it.
    #[error("the key `{0}` has mode {mode:04o}: others can reach it; run `chmod 600 {0}`, and consider it known to them", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to someone who is neither root nor this process.
    #[error("the key `{0}` belongs to user id {owner}; run `chown {ours} {0}`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who should.
        ours: u32,
    },
    /// It is no key.
    #[error("`{}` is no key: it must be a file of {KEY_BYTES} bytes", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("cannot make the key `{}`", path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl KeyFiles {
    /// Looks for secret keys in `credentials` first, where systemd passed such a directory.
    pub fn new(directory: PathBuf, credentials: Option<PathBuf>) -> Self {
        Self { directory, credentials }
    }

    /// Returns the file of the public key, which hooks read.
    pub fn public_key(&self) -> PathBuf {
        self.directory.join(SPOOL_PUBLIC_KEY)
    }

    /// Reads both secret keys.
    pub fn read(&self) -> Result<Keys, KeyError> {
        let fingerprint = self.secret(FINGERPRINT_KEY)?;
        let spool = self.secret(SPOOL_KEY)?;
        Ok(Keys { fingerprint: FingerprintKey::new(*fingerprint), spool: Secret::new(*spool) })
    }

    /// Tells whether no key exists yet, so that [`KeyFiles::create`] would not lose one.
    pub fn is_empty(&self) -> bool {
        let names = [FINGERPRINT_KEY, SPOOL_KEY];
        let somewhere =
            |name: &str| self.credential(name).is_some() || self.directory.join(name).exists();
        !names.into_iter().any(somewhere)
    }

    /// Makes the directory and all keys; a file that exists is an error and stays as it is.
    pub fn create(&self) -> Result<(), KeyError> {
        // Hooks of other accounts pass through to the public key; they cannot list.
        make_directory(&self.directory, 0o711)?;
        write_new(&self.directory.join(FINGERPRINT_KEY), &*random()?, 0o600)?;
        let spool = random()?;
        write_new(&self.directory.join(SPOOL_KEY), &spool, 0o600)?;
        self.publish(&spool)
    }

    /// Writes the public key again where it is missing, as after keys came as credentials.
    pub fn publish_missing(&self) -> Result<(), KeyError> {
        if self.public_key().exists() {
            return Ok(());
        }
        make_directory(&self.directory, 0o711)?;
        self.publish(&*self.secret(SPOOL_KEY)?)
    }

    /// Tells whether the public key belongs to the secret one, so that the daemon can open what
    /// hooks seal.
    pub fn is_pair(&self) -> Result<bool, KeyError> {
        let public = SecretKey::from_bytes(*self.secret(SPOOL_KEY)?).public_key();
        Ok(read_public(&self.public_key())? == *public.as_bytes())
    }

    fn publish(&self, spool: &[u8; KEY_BYTES]) -> Result<(), KeyError> {
        let public = SecretKey::from_bytes(*spool).public_key();
        write_new(&self.public_key(), public.as_bytes(), 0o644)
    }

    fn credential(&self, name: &str) -> Option<PathBuf> {
        let path = self.credentials.as_ref()?.join(name);
        path.exists().then_some(path)
    }

    fn secret(&self, name: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        match self.credential(name) {
            // systemd guards this directory itself, with an ACL that looks like a group's mode.
            Some(path) => read_key(&path, |_, _| Ok(())),
            None => read_key(&self.directory.join(name), private),
        }
    }
}

/// Reads a public key.
pub fn read_public(path: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    read_key(path, |_, _| Ok(())).map(|key| *key)
}

fn read_key(
    path: &Path,
    guard: impl Fn(&Path, &fs::Metadata) -> Result<(), KeyError>,
) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let failed = |source| KeyError::Read { path: path.to_path_buf(), source };
    // Without O_NONBLOCK a FIFO in the key's place would hang the start.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut file = opened.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() != KEY_BYTES as u64 {
        let path = path.to_path_buf();
        return Err(KeyError::Shape { path });
    }
    guard(path, &metadata)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    file.read_exact(&mut *key).map_err(failed)?;
    Ok(key)
}

fn private(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    let (path, mode) = (path.to_path_buf(), metadata.mode() & 0o7777);
    let (owner, ours) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path, mode });
    }
    // root may look at the daemon's keys, as `pushwarden doctor` does.
    if owner != ours && owner != 0 && ours != 0 {
        return Err(KeyError::Foreign { path, owner, ours });
    }
    Ok(())
}

fn random() -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let failed =
        |source: io::Error| KeyError::Make { path: PathBuf::from("(random numbers)"), source };
    let mut filled = 0;
    while let Some(rest) = key.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::rand::getrandom(rest, flags).map_err(|error| failed(error.into()))?;
    }
    Ok(key)
}

/// Makes the directory with exactly `mode`; one that exists keeps its own.
fn make_directory(path: &Path, mode: u32) -> Result<(), KeyError> {
    let make = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        match DirBuilder::new().mode(0o700).create(path) {
            // Past the umask, which under systemd is 0077.
            Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    };
    make().map_err(|source| KeyError::Make { path: path.to_path_buf(), source })
}

fn write_new(path: &Path, key: &[u8; KEY_BYTES], mode: u32) -> Result<(), KeyError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(key)?;
        // Past the umask: the public key must be readable by hooks of other accounts.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        sync_parent(path)
    };
    write().map_err(|source| KeyError::Make { path: path.to_path_buf(), source })
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, KeyFiles) {
        let scratch = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(scratch.path().join("keys"), None);
        assert!(files.is_empty());
        files.create().unwrap();
        (scratch, files)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn keys_that_were_made_can_be_read_and_belong_together() {
        let (_scratch, files) = made();
        let keys = files.read().unwrap();
        let public = SecretKey::from_bytes(*keys.spool.expose()).public_key();
        assert_eq!(read_public(&files.public_key()).unwrap(), *public.as_bytes());
        assert_eq!(mode(&files.directory.join(FINGERPRINT_KEY)), 0o600);
        assert_eq!(mode(&files.directory.join(SPOOL_KEY)), 0o600);
        assert_eq!(mode(&files.public_key()), 0o644);
        assert!(!files.is_empty());
        assert!(files.is_pair().unwrap());
        fs::write(files.public_key(), [1; KEY_BYTES]).unwrap();
        assert!(!files.is_pair().unwrap());
    }

    #[test]
    fn two_instances_have_different_keys() {
        let ((_one, one), (_two, two)) = (made(), made());
        let of = |files: &KeyFiles| files.read().unwrap().fingerprint.fingerprint(b"x");
        assert_ne!(of(&one), of(&two));
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let (_scratch, files) = made();
        let before = fs::read(files.directory.join(FINGERPRINT_KEY)).unwrap();
        assert!(matches!(files.create(), Err(KeyError::Make { .. })));
        assert_eq!(fs::read(files.directory.join(FINGERPRINT_KEY)).unwrap(), before);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let (_scratch, files) = made();
        let key = files.directory.join(SPOOL_KEY);
        fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
        let error = files.read().unwrap_err().to_string();
        assert!(error.contains("has mode 0640"), "{error}");
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (scratch, files) = made();
        let key = files.directory.join(FINGERPRINT_KEY);
        fs::write(&key, b"short").unwrap();
        assert!(matches!(files.read(), Err(KeyError::Shape { .. })));
        fs::remove_file(&key).unwrap();
        assert!(matches!(files.read(), Err(KeyError::Read { .. })));
        let target = scratch.path().join("elsewhere");
        fs::write(&target, [1; KEY_BYTES]).unwrap();
        std::os::unix::fs::symlink(&target, &key).unwrap();
        assert!(matches!(files.read(), Err(KeyError::Read { .. })), "a link is not followed");
    }

    #[test]
    fn credentials_of_systemd_come_first_and_the_public_half_is_derived() {
        let scratch = tempfile::tempdir().unwrap();
        for name in [FINGERPRINT_KEY, SPOOL_KEY] {
            let path = scratch.path().join(name);
            fs::write(&path, [7; KEY_BYTES]).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        }
        let credentials = Some(scratch.path().to_path_buf());
        let files = KeyFiles::new(scratch.path().join("keys"), credentials);
        assert!(!files.is_empty());
        assert_eq!(files.read().unwrap().spool.expose(), &[7; KEY_BYTES]);
        files.publish_missing().unwrap();
        files.publish_missing().unwrap();
        let public = SecretKey::from_bytes([7; KEY_BYTES]).public_key();
        assert_eq!(read_public(&files.public_key()).unwrap(), *public.as_bytes());
    }
}
