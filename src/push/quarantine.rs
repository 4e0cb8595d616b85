//! Everything that git received, whether a ref reaches it or not.
//!
//! Below `receive.unpackLimit` objects git writes loose ones, above it one pack with its index.
//! Thin-pack bases and objects that the client sent again lie here as well: whether a hit in them
//! is old is decided on the hit. Files that git itself could not read as objects are passed over.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::wire::{HashKind, ObjectKind, Oid, UnscannedReason};

use super::id;
use super::inflate::Zlib;
use super::limits::Limits;
use super::loose;
use super::pack::Pack;
use super::sink::{Emitter, ReadError, close};

/// The most packs. git writes one for a push.
const PACKS_MAX: usize = 64;

/// The quarantine of a push, listed.
pub(super) struct Quarantine {
    directory: PathBuf,
    loose: HashSet<Oid>,
    packs: Vec<Pack>,
    damage: Vec<UnscannedReason>,
}

impl Quarantine {
    /// Lists the quarantine. None, or one that does not exist, holds nothing.
    pub(super) fn open(directory: Option<&Path>, hash: HashKind) -> Self {
        let mut quarantine = Self {
            directory: directory.map(Path::to_path_buf).unwrap_or_default(),
            loose: HashSet::new(),
            packs: Vec::new(),
            damage: Vec::new(),
        };
        if directory.is_some() && quarantine.list(hash).is_err() {
            quarantine.damage.push(UnscannedReason::Unreadable);
        }
        quarantine
    }

    pub(super) fn contains(&self, id: Oid) -> bool {
        self.loose.contains(&id) || self.packs.iter().any(|pack| pack.contains(id))
    }

    pub(super) fn is_loose(&self, id: Oid) -> bool {
        self.loose.contains(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.loose.is_empty() && self.packs.is_empty()
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Streams all objects, but for those of `kinds` that are known. Returns whether the stream went
    /// to its end.
    pub(super) fn stream(
        &mut self,
        kinds: &[ObjectKind],
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> io::Result<bool> {
        let outcome = self.stream_all(kinds, zlib, emitter, limits);
        close(outcome, emitter)
    }

    fn stream_all(
        &mut self,
        kinds: &[ObjectKind],
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        for &reason in &self.damage {
            emitter.unscanned(None, reason)?;
        }
        for &id in &self.loose {
            let path = loose::path_of(&self.directory, id);
            let outcome = match loose::stream(&path, id, zlib, emitter) {
                Ok(true) => Ok(()),
                Ok(false) => Err(ReadError::Object(UnscannedReason::Missing)),
                Err(error) => Err(error),
            };
            emitter.settle(id, outcome)?;
        }
        let mut packs = self.packs.iter_mut();
        packs.try_for_each(|pack| pack.stream(kinds, zlib, emitter, limits))
    }

    /// Streams the objects of these numbers, ascending, that were sent as windows.
    pub(super) fn stream_wanted(
        &self,
        numbers: &[u32],
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> io::Result<bool> {
        let mut packs = self.packs.iter();
        let outcome = packs.try_for_each(|pack| pack.stream_wanted(numbers, zlib, emitter, limits));
        close(outcome, emitter)
    }

    /// Streams one object.
    pub(super) fn stream_one(
        &self,
        id: Oid,
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        let path = loose::path_of(&self.directory, id);
        if self.loose.contains(&id) && loose::stream(&path, id, zlib, emitter)? {
            return Ok(());
        }
        for pack in &self.packs {
            if pack.stream_one(id, zlib, emitter, limits)? {
                return Ok(());
            }
        }
        Err(ReadError::Object(UnscannedReason::Missing))
    }

    fn list(&mut self, hash: HashKind) -> io::Result<()> {
        for entry in read_dir(&self.directory.clone())? {
            let entry = entry?;
            let name = entry.file_name();
            if name.len() == 2 && name.as_bytes().iter().all(u8::is_ascii_hexdigit) {
                self.list_loose(&entry.path(), name.as_bytes(), hash)?;
            } else if name == "pack" {
                self.list_packs(&entry.path(), hash)?;
            }
        }
        Ok(())
    }

    fn list_loose(&mut self, directory: &Path, prefix: &[u8], hash: HashKind) -> io::Result<()> {
        for entry in read_dir(directory)? {
            let name = entry?.file_name();
            let hex = [prefix, name.as_bytes()].concat();
            let id = Oid::from_hex(&hex).filter(|id| id.as_bytes().len() == id::length(hash));
            self.loose.extend(id);
        }
        Ok(())
    }

    /// Opens each pack. One without an index is damage: its objects are there, but not readable.
    fn list_packs(&mut self, directory: &Path, hash: HashKind) -> io::Result<()> {
        for entry in read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "pack") {
                continue;
            }
            match Pack::open(&path.with_extension("idx"), hash) {
                Ok(pack) if self.packs.len() < PACKS_MAX => self.packs.push(pack),
                Ok(_) => self.damage.push(UnscannedReason::ObjectCount),
                Err(_) => self.damage.push(UnscannedReason::Unreadable),
            }
        }
        Ok(())
    }
}

/// Lists a directory; one that is not there is empty.
fn read_dir(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}
