//! The contents of delta bases: in memory up to a budget, beyond it in an unlinked scratch file.
//!
//! A delta can copy from anywhere in its base, so the base must be at hand whole. The scratch file
//! lies outside the repository (`TMPDIR`) and has no name: nothing of it is left behind, even when
//! the hook is killed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::rc::Rc;

use super::limits::Limits;

/// How much of a spilled base is read at a time, in bytes.
const READ_BYTES: usize = 16 << 10;

/// How much room in memory a content is given at once, in bytes, whatever it claims to need.
const ROOM_BYTES_MAX: usize = 64 << 10;

/// How often a free name for the scratch file is sought.
const NAMES_MAX: u32 = 16;

/// Room for contents.
pub(super) struct Scratch {
    memory_left: u64,
    memory_bytes_max: u64,
    file: Option<Rc<File>>,
    file_bytes_max: u64,
    top: u64,
    directory: PathBuf,
}

/// A content, whole.
pub(super) struct Content {
    reserved: u64,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    Spilled { file: Rc<File>, start: u64, length: u64 },
}

impl Scratch {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            memory_left: limits.memory_bytes_max,
            memory_bytes_max: limits.memory_bytes_max,
            file: None,
            file_bytes_max: limits.scratch_bytes_max,
            top: 0,
            directory: std::env::temp_dir(),
        }
    }

    /// Reserves room for a content of `size` bytes; none if there is too little.
    pub(super) fn reserve(&mut self, size: u64) -> Option<Content> {
        if let Some(left) = self.memory_left.checked_sub(size) {
            self.memory_left = left;
            let room = usize::try_from(size).unwrap_or(ROOM_BYTES_MAX).min(ROOM_BYTES_MAX);
            let place = Place::Memory(Vec::with_capacity(room));
            return Some(Content { reserved: size, place });
        }
        let end = self.top.checked_add(size).filter(|&end| end <= self.file_bytes_max)?;
        let file = Rc::clone(self.file()?);
        let place = Place::Spilled { file, start: self.top, length: 0 };
        self.top = end;
        Some(Content { reserved: size, place })
    }

    /// Gives a content's room back. Room in the file is free again once all above it is.
    pub(super) fn release(&mut self, content: Content) {
        match content.place {
            Place::Memory(bytes) => {
                drop(bytes);
                self.memory_left += content.reserved;
            }
            Place::Spilled { start, .. } if start + content.reserved == self.top => {
                self.top = start;
            }
            Place::Spilled { .. } => {}
        }
    }

    /// Declares all room free: no content is held any more.
    pub(super) fn rewind(&mut self) {
        self.memory_left = self.memory_bytes_max;
        self.top = 0;
    }

    fn file(&mut self) -> Option<&Rc<File>> {
        if self.file.is_none() {
            self.file = self.create().ok().map(Rc::new);
        }
        self.file.as_ref()
    }

    fn create(&self) -> io::Result<File> {
        let process = std::process::id();
        let mut attempt = 0;
        loop {
            let path = self.directory.join(format!("pushwarden-{process}-{attempt}"));
            let mut options = OpenOptions::new();
            match options.read(true).write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return std::fs::remove_file(&path).map(|()| file),
                Err(error) if attempt == NAMES_MAX => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }
}

impl Content {
    /// Appends bytes. Fails if the scratch file does, or if they are more than was reserved.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length() + bytes.len() as u64 > self.reserved {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match &mut self.place {
            Place::Memory(content) => content.extend_from_slice(bytes),
            Place::Spilled { file, start, length } => {
                file.write_all_at(bytes, *start + *length)?;
                *length += bytes.len() as u64;
            }
        }
        Ok(())
    }

    /// Returns the bytes, if they are in memory.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Memory(bytes) => Some(bytes),
            Place::Spilled { .. } => None,
        }
    }

    pub(super) fn length(&self) -> u64 {
        match &self.place {
            Place::Memory(content) => content.len() as u64,
            Place::Spilled { length, .. } => *length,
        }
    }

    /// Passes `count` bytes from `offset` on to `take`. Fails with `outside` if they do not exist.
    pub(super) fn copy<E>(
        &self,
        offset: u64,
        count: u64,
        outside: impl Fn() -> E,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = offset.checked_add(count).filter(|&end| end <= self.length());
        let end = end.ok_or_else(&outside)?;
        match &self.place {
            Place::Memory(content) => {
                let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
                let bytes = range.and_then(|(from, to)| content.get(from..to));
                take(bytes.ok_or_else(&outside)?)
            }
            Place::Spilled { file, start, .. } => {
                let mut buffer = [0; READ_BYTES];
                let mut at = offset;
                while at < end {
                    let length = READ_BYTES.min(usize::try_from(end - at).unwrap_or(READ_BYTES));
                    let bytes = buffer.get_mut(..length).ok_or_else(&outside)?;
                    file.read_exact_at(bytes, start + at).map_err(|_| outside())?;
                    take(bytes)?;
                    at += length as u64;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(memory_bytes_max: u64, scratch_bytes_max: u64) -> Scratch {
        Scratch::new(&Limits { memory_bytes_max, scratch_bytes_max, ..Limits::default() })
    }

    fn read(content: &Content, offset: u64, count: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let take = |more: &[u8]| {
            bytes.extend_from_slice(more);
            Ok(())
        };
        content.copy(offset, count, || (), take).ok().map(|()| bytes)
    }

    #[track_caller]
    fn check(scratch: &mut Scratch, bytes: &[u8]) -> Content {
        let mut content = scratch.reserve(bytes.len() as u64).expect("room");
        bytes.chunks(1000).for_each(|piece| content.push(piece).expect("reserved"));
        assert_eq!(read(&content, 0, bytes.len() as u64).as_deref(), Some(bytes));
        assert_eq!(read(&content, 1, 2).as_deref(), bytes.get(1..3));
        assert_eq!(read(&content, 1, bytes.len() as u64), None);
        assert_eq!(read(&content, u64::MAX, 1), None);
        assert!(content.push(b"x").is_err());
        content
    }

    #[test]
    fn contents_read_the_same_in_memory_and_spilled() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let memory = check(&mut scratch(1 << 20, 0), &bytes);
        assert!(matches!(memory.place, Place::Memory(_)));
        let spilled = check(&mut scratch(10, 1 << 20), &bytes);
        assert!(matches!(spilled.place, Place::Spilled { .. }));
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let mut scratch = scratch(100, 1000);
        let in_memory = check(&mut scratch, &[1; 100]);
        let low = check(&mut scratch, &[2; 600]);
        let high = check(&mut scratch, &[3; 400]);
        assert!(scratch.reserve(1).is_none());
        assert!(scratch.reserve(u64::MAX).is_none());
        scratch.release(high);
        scratch.release(low);
        assert_eq!(scratch.top, 0);
        scratch.release(in_memory);
        assert_eq!(scratch.memory_left, 100);
    }
}
