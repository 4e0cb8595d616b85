//! Fuzzed: what a push is read from. Each entry point takes any bytes, and panics where a promise is
//! broken.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::wire::{
    HashKind, LocateEnd, Object, Oid, PIECE_BYTES_MAX, Place, Reach, RefUpdate, Unscanned,
    UnscannedReason,
};

use super::commit::{Commit, subject, tag_target};
use super::inflate::Zlib;
use super::refs::Refs;
use super::seek::Packs;
use super::tree::{Join, TreeEntries, is_whole};
use super::{Answers, Limits, Push, Repository, Sink, loose};

/// Small limits, so that they are reached.
const LIMITS: Limits = Limits {
    objects_max: 1_000,
    inflated_bytes_max: 4 << 20,
    delta_depth_max: 50,
    memory_bytes_max: 64 << 10,
    scratch_bytes_max: 1 << 20,
    places_per_object_max: 5,
    versions_per_object_max: 10,
    offer_objects_min: 8,
    offer_bytes_min: 1 << 10,
    offer_outside_min: 4,
    entries_max: 1_000,
};

/// The most entries of a pack.
const ENTRIES_MAX: usize = 64;

/// Reads a commit or a tag.
pub(crate) fn commit(bytes: &[u8]) {
    for hash in [HashKind::Sha1, HashKind::Sha256] {
        if let Ok(commit) = Commit::parse(bytes, hash) {
            assert!(commit.parents.len() * 48 <= bytes.len(), "each parent has a line");
        }
        tag_target(bytes, hash).ok();
    }
    assert!(subject(bytes).len() <= bytes.len(), "a subject is part of its message");
}

/// Reads a tree, and two of them side by side.
pub(crate) fn tree(bytes: &[u8]) {
    for hash in [HashKind::Sha1, HashKind::Sha256] {
        let named: usize = TreeEntries::new(bytes, hash).map(|entry| entry.name.len()).sum();
        assert!(named <= bytes.len(), "names are part of their tree");
        let (old, new) = bytes.split_at(bytes.len() / 2);
        let joined = Join::new(old, new, hash).count();
        assert!(joined <= bytes.len(), "each entry stands once");
        if is_whole(bytes, hash) {
            let longest = bytes.len();
            assert!(TreeEntries::new(bytes, hash).all(|entry| entry.name.len() < longest));
        }
    }
}

/// Reads ref updates as git writes them to a hook.
pub(crate) fn stdin(bytes: &[u8]) {
    let Ok(updates) = super::stdin::parse(bytes) else { return };
    let mut again = Vec::new();
    for RefUpdate { old, new, name } in &updates {
        again.extend(format!("{old} {new} ").into_bytes());
        again.extend(name);
        again.push(b'\n');
    }
    assert_eq!(super::stdin::parse(&again), Ok(updates), "what was read reads the same");
}

/// Reads the refs of a repository: packed ones, `HEAD` and `shallow` are these bytes.
pub(crate) fn refs(bytes: &[u8]) {
    let ground = Ground::new();
    let (head, packed) = bytes.split_at(bytes.len().min(41));
    ground.write("packed-refs", packed);
    ground.write("HEAD", head);
    ground.write("shallow", packed);
    let Ok(repository) = Repository::at(&ground.git_dir) else { return };
    let mut refs = Refs::new(&repository, &[]);
    let tips = refs.all().to_vec();
    assert!(tips.len() <= bytes.len(), "a ref takes more than a byte");
    assert!(tips.iter().take(10).all(|tip| refs.is_tip(*tip)), "a tip is one");
    drop((refs.names_of(id(0x61), 3), refs.default_branch()));
    stream(&ground, None);
}

/// Reads a loose object.
pub(crate) fn loose(bytes: &[u8]) {
    let ground = Ground::new();
    let quarantine = ground.quarantine();
    let path = loose::path_of(&quarantine, id(1));
    fs::create_dir_all(path.parent().unwrap_or(&quarantine)).expect("a directory");
    fs::write(&path, bytes).expect("written");
    let mut content = Vec::new();
    if let Ok(Some(_)) = loose::read(&path, 1_000, &mut Zlib::new(), &mut content) {
        assert!(content.len() <= 1_000, "the limit is kept");
    }
    stream(&ground, Some(&quarantine));
}

/// Reads a pack and its index: the index first, then the pack, cut where the first two bytes say.
pub(crate) fn pack_files(bytes: &[u8]) {
    let (cut, rest) = bytes.split_at_checked(2).unwrap_or_default();
    let cut = cut.iter().fold(0, |cut, byte| cut << 8 | usize::from(*byte));
    let (index, pack) = rest.split_at(cut.min(rest.len()));
    read_pack(index, pack);
}

/// Reads a pack whose entries are these: kind, base, length, and what is inflated of it. The index
/// is right; sizes and data are as wrong as the bytes say.
pub(crate) fn pack_entries(bytes: &[u8]) {
    let (mut pack, mut offsets) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while let Some((&[kind, base, length], after)) = rest.split_first_chunk::<3>()
        && offsets.len() < ENTRIES_MAX
    {
        let (data, later) = after.split_at(usize::from(length).min(after.len()));
        rest = later;
        let start = 12 + pack.len();
        pack.extend(entry(kind, base, data, start, &offsets));
        offsets.push(start);
    }
    let count = u32::try_from(offsets.len()).expect("few");
    let pack = [b"PACK", &[0, 0, 0, 2][..], &count.to_be_bytes(), &pack, &[0; 20]].concat();
    read_pack(&index(&offsets), &pack);
}

/// One entry of a pack. A high bit of `kind` makes its size wrong by one.
fn entry(kind: u8, base: u8, data: &[u8], start: usize, before: &[usize]) -> Vec<u8> {
    let size = data.len() + usize::from(kind >> 7);
    let (low, high) = (size & 15, size >> 4);
    let more = if high > 0 { 0x80 } else { 0 };
    let mut bytes = vec![(kind & 7) << 4 | u8::try_from(low).unwrap_or(0) | more];
    if high > 0 {
        bytes.push(u8::try_from(high).unwrap_or(0x7f));
    }
    match kind & 7 {
        6 => {
            let target = before.get(usize::from(base)).copied();
            bytes.extend(distance(target.map_or(usize::from(base), |target| start - target)));
        }
        7 => bytes.extend([base; 20]),
        _ => {}
    }
    let mut packed = flate2::write::ZlibEncoder::new(bytes, flate2::Compression::fast());
    packed.write_all(data).expect("memory has room");
    packed.finish().expect("memory has room")
}

/// How far back a base lies, as gitformat-pack(5) writes it.
fn distance(mut far: usize) -> Vec<u8> {
    let byte = |far: usize| u8::try_from(far & 0x7f).unwrap_or(0);
    let mut bytes = vec![byte(far)];
    far >>= 7;
    while far > 0 {
        far -= 1;
        bytes.insert(0, byte(far) | 0x80);
        far >>= 7;
    }
    bytes
}

/// The index of a pack whose entries have the ids 0x00…, 0x01… and so on.
fn index(offsets: &[usize]) -> Vec<u8> {
    let count = u32::try_from(offsets.len()).expect("few");
    let number = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let fan = (0..256_u32).flat_map(|byte| count.min(byte + 1).to_be_bytes());
    let ids = (0..offsets.len()).flat_map(|n| [number(n); 20]);
    let crcs = vec![0; offsets.len() * 4];
    let starts = offsets.iter().flat_map(|at| u32::try_from(*at).unwrap_or(0).to_be_bytes());
    let head = b"\xfftOc\0\0\0\x02".iter().copied();
    head.chain(fan).chain(ids).chain(crcs).chain(starts).chain([0; 40]).collect()
}

fn read_pack(index: &[u8], pack: &[u8]) {
    let ground = Ground::new();
    let quarantine = ground.quarantine();
    for store in [quarantine.join("pack"), ground.git_dir.join("objects/pack")] {
        fs::create_dir_all(&store).expect("a directory");
        fs::write(store.join("pack-x.idx"), index).expect("written");
        fs::write(store.join("pack-x.pack"), pack).expect("written");
    }
    let mut packs = Packs::list(&ground.git_dir.join("objects"), HashKind::Sha1);
    let mut content = Vec::new();
    for number in 0..4 {
        if packs.read(id(number), 10_000, &mut Zlib::new(), &mut content).is_some() {
            assert!(content.len() <= 10_000, "the limit is kept");
        }
    }
    stream(&ground, Some(&quarantine));
}

/// Streams a push of what lies there, and asks where the objects come from.
fn stream(ground: &Ground, quarantine: Option<&Path>) {
    let updates = [
        RefUpdate { old: id(0), new: id(1), name: b"refs/heads/main".to_vec() },
        RefUpdate { old: id(2), new: id(3), name: b"refs/heads/other".to_vec() },
    ];
    let variable = |name: &str| -> Option<OsString> {
        match name {
            "GIT_DIR" => Some(ground.git_dir.clone().into()),
            "GIT_QUARANTINE_PATH" => quarantine.map(Into::into),
            _ => None,
        }
    };
    let repository = Repository::from_environment(&variable, &ground.git_dir, &updates);
    let repository = repository.expect("the variables are set");
    let mut push = Push::new(&repository, &updates, LIMITS);
    let mut checked = Checked::default();
    push.stream(&mut checked).expect("the sink takes all");
    assert!(checked.bytes <= LIMITS.inflated_bytes_max, "the limit is kept");
    let mut wanted = Checked::default();
    push.stream_wanted(&checked.windowed, &mut wanted).expect("the sink takes all");
    assert!(wanted.windowed.is_empty() && wanted.bytes <= checked.bytes, "they come whole");
    let objects: Vec<Oid> = (0..4).map(id).collect();
    push.locate(&objects, &mut checked).expect("the sink takes all");
    assert!(checked.is_ended, "each question is answered");
}

fn id(byte: u8) -> Oid {
    Oid::from_bytes(&[byte; 20]).expect("20 bytes")
}

/// A git directory below a temporary one.
struct Ground {
    _root: TempDir,
    git_dir: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let git_dir = root.path().to_path_buf();
        fs::create_dir_all(git_dir.join("objects/pack")).expect("a directory");
        fs::create_dir_all(git_dir.join("refs/heads")).expect("a directory");
        let ground = Self { _root: root, git_dir };
        ground.write("HEAD", b"ref: refs/heads/main\n");
        ground
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.git_dir.join(name), bytes).expect("written");
    }

    fn quarantine(&self) -> PathBuf {
        let quarantine = self.git_dir.join("objects/tmp_objdir-incoming-x");
        fs::create_dir_all(&quarantine).expect("a directory");
        quarantine
    }
}

/// Takes a stream, and holds it to its shape.
#[derive(Default)]
struct Checked {
    /// What is to come of the object that was started.
    left: Option<u64>,
    bytes: u64,
    /// How many objects came.
    taken: u32,
    /// Which of them came as windows.
    windowed: Vec<u32>,
    is_ended: bool,
}

impl Checked {
    fn take(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= PIECE_BYTES_MAX, "pieces are short");
        self.bytes += bytes.len() as u64;
    }
}

impl Sink for Checked {
    fn object(&mut self, object: &Object, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(self.left.take().unwrap_or(0), 0, "the one before came whole");
        assert_eq!(object.size, bytes.len() as u64, "an object is as long as it says");
        self.taken += 1;
        self.take(bytes);
        Ok(())
    }

    fn start(&mut self, object: &Object) -> io::Result<()> {
        assert_eq!(self.left.replace(object.size).unwrap_or(0), 0, "the one before came whole");
        self.taken += 1;
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.left.as_mut().expect("an object was started");
        *left = left.checked_sub(bytes.len() as u64).expect("no longer than it says");
        self.take(bytes);
        Ok(())
    }

    fn broken(&mut self, _reason: UnscannedReason) -> io::Result<()> {
        assert!(self.left.take().is_some(), "an object was started");
        Ok(())
    }

    fn windows(
        &mut self,
        object: &Object,
        base: u32,
        text: &[u8],
        windows: &[Range<usize>],
    ) -> io::Result<()> {
        assert_eq!(self.left.take().unwrap_or(0), 0, "the one before came whole");
        assert_eq!(object.size, text.len() as u64, "an object is as long as it says");
        assert!(base < self.taken, "its base came before it");
        assert!(windows.is_sorted_by(|one, next| one.end < next.start), "in order and apart");
        assert!(windows.iter().all(|window| text.get(window.clone()).is_some()), "and inside");
        self.windowed.push(self.taken);
        self.taken += 1;
        self.bytes += object.size;
        Ok(())
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach { bytes: 3, line_bytes: 20, head_bytes: 0 })
    }

    fn unscanned(&mut self, _unscanned: Unscanned) -> io::Result<()> {
        Ok(())
    }

    fn known(&mut self, objects: &[Oid]) -> io::Result<Vec<bool>> {
        assert_eq!(self.left.take().unwrap_or(0), 0, "the one before came whole");
        // Some are known, as the input will have it.
        Ok(objects
            .iter()
            .map(|id| id.as_bytes().first().is_some_and(|byte| byte & 1 == 0))
            .collect())
    }

    fn is_late(&self) -> bool {
        false
    }
}

impl Answers for Checked {
    fn place(&mut self, _place: Place) -> io::Result<()> {
        assert!(!self.is_ended, "the end comes last");
        Ok(())
    }

    fn end(&mut self, _end: LocateEnd) -> io::Result<()> {
        self.is_ended = true;
        Ok(())
    }
}
