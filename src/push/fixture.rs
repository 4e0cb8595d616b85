//! Real repositories for the tests, and a push as git's receive-pack lays it out.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::wire::{
    LocateEnd, Object, ObjectKind, Oid, PIECE_BYTES_MAX, Place, Reach, RefUpdate, Route, Unscanned,
    UnscannedReason,
};

use super::{Answers, Limits, Push, Repository, Sink};

/// How git writes what it receives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unpacked {
    /// As loose objects.
    Loose,
    /// As one pack.
    Pack,
}

/// A bare repository that is pushed to, and one with a work tree that pushes.
pub(crate) struct Fixture {
    root: tempfile::TempDir,
    pushes: std::cell::Cell<u32>,
}

/// A push that git holds in quarantine.
pub(crate) struct Received {
    pub(crate) repository: Repository,
    pub(crate) updates: Vec<RefUpdate>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with_format("sha1")
    }

    pub(crate) fn with_format(format: &str) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let fixture = Self { root, pushes: std::cell::Cell::new(0) };
        let format = format!("--object-format={format}");
        let root = fixture.root.path().to_path_buf();
        run(&root, &["init", "-q", "--bare", "-b", "main", &format, "server.git"], b"");
        run(&root, &["init", "-q", "-b", "main", &format, "client"], b"");
        fixture
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.root.path().join("server.git")
    }

    pub(crate) fn client(&self) -> PathBuf {
        self.root.path().join("client")
    }

    /// Runs git where the pusher works, and returns its output's first line.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        line(&run(&self.client(), arguments, b""))
    }

    /// Runs git with input.
    pub(crate) fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        line(&run(&self.client(), arguments, input))
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.client().join(path);
        std::fs::create_dir_all(path.parent().expect("below the client")).expect("a directory");
        std::fs::write(path, content).expect("written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.client().join(path)).expect("a file of text")
    }

    /// Commits all files as they are.
    pub(crate) fn commit(&self, message: &str) -> Oid {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.id("HEAD")
    }

    pub(crate) fn id(&self, revision: &str) -> Oid {
        let hex = self.git(&["rev-parse", "--verify", revision]);
        Oid::from_hex(hex.as_bytes()).expect("git prints ids")
    }

    /// Pushes for good.
    pub(crate) fn land(&self, refspec: &str) {
        let server = self.server();
        self.git(&["push", "-q", "-f", server.to_str().expect("text"), refspec]);
    }

    /// Receives a push of `refs` (name on the server, revision here) up to where hooks run.
    pub(crate) fn receive(&self, refs: &[(&str, &str)], unpacked: Unpacked) -> Received {
        let tips: Vec<(&str, Oid)> =
            refs.iter().map(|&(name, revision)| (name, self.id(revision))).collect();
        let wanted: Vec<String> = tips.iter().map(|(_, id)| id.to_string()).collect();
        let had = run(&self.server(), &["for-each-ref", "--format=^%(objectname)"], b"");
        let known = String::from_utf8(had).expect("ids");
        let known = known.lines().filter(|id| self.has(id.trim_start_matches('^')));
        let list = wanted.iter().map(String::as_str).chain(known).collect::<Vec<_>>().join("\n");
        let thin = ["pack-objects", "-q", "--revs", "--thin", "--delta-base-offset", "--stdout"];
        let pack = run(&self.client(), &thin, (list + "\n").as_bytes());
        self.receive_pack(&tips, &pack, unpacked)
    }

    /// Receives a pack as it is.
    pub(crate) fn receive_pack(
        &self,
        tips: &[(&str, Oid)],
        pack: &[u8],
        unpacked: Unpacked,
    ) -> Received {
        let server = self.server();
        self.pushes.set(self.pushes.get() + 1);
        let name = format!("tmp_objdir-incoming-{}", self.pushes.get());
        let quarantine = server.join("objects").join(name);
        std::fs::create_dir(&quarantine).expect("a directory");
        let arguments: &[&str] = match unpacked {
            Unpacked::Loose => &["unpack-objects", "-q"],
            Unpacked::Pack => &["index-pack", "--stdin", "--fix-thin"],
        };
        std::fs::create_dir(quarantine.join("pack")).expect("a directory");
        let mut unpack = git(&server, arguments);
        unpack
            .env("GIT_OBJECT_DIRECTORY", &quarantine)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", server.join("objects"));
        feed(&mut unpack, pack);
        let updates = tips.iter().map(|&(name, new)| self.update(name, new)).collect();
        self.received(updates, &quarantine)
    }

    pub(crate) fn received(&self, updates: Vec<RefUpdate>, quarantine: &Path) -> Received {
        let objects = self.server().join("objects");
        let variable = |name: &str| -> Option<OsString> {
            match name {
                "GIT_DIR" => Some(".".into()),
                "GIT_QUARANTINE_PATH" => Some(quarantine.into()),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES" => Some(objects.clone().into()),
                _ => None,
            }
        };
        let repository = Repository::from_environment(&variable, &self.server(), &updates);
        Received { repository: repository.expect("variables are set"), updates }
    }

    fn update(&self, name: &str, new: Oid) -> RefUpdate {
        let old = Command::new("git")
            .args([
                "-C",
                self.server().to_str().expect("text"),
                "rev-parse",
                "-q",
                "--verify",
                name,
            ])
            .output()
            .expect("git runs");
        let null = "0".repeat(new.as_bytes().len() * 2);
        let hex = line(&old.stdout);
        let old = Oid::from_hex(hex.as_bytes()).or_else(|| Oid::from_hex(null.as_bytes()));
        RefUpdate { old: old.expect("an id"), new, name: name.as_bytes().to_vec() }
    }

    fn has(&self, id: &str) -> bool {
        let check = git(&self.client(), &["cat-file", "-e", id]).stderr(Stdio::null()).status();
        check.expect("git runs").success()
    }
}

impl Received {
    pub(crate) fn quarantine(&self) -> &Path {
        self.repository.quarantine.as_deref().expect("a quarantine")
    }

    pub(crate) fn stream(&self, limits: &Limits) -> Collected {
        self.stream_to(limits, Collected::default())
    }

    /// Streams to a sink that knows some objects.
    pub(crate) fn stream_to(&self, limits: &Limits, mut collected: Collected) -> Collected {
        let mut push = Push::new(&self.repository, &self.updates, limits.clone());
        push.stream(&mut collected).expect("collecting cannot fail");
        collected
    }

    /// Streams in windows, asks for those that `want` names, and returns both answers.
    pub(crate) fn windows(
        &self,
        limits: &Limits,
        reach: Reach,
        want: impl FnOnce(&Collected) -> Vec<u32>,
    ) -> (Collected, Collected) {
        let mut streamed = Collected { reach: Some(reach), ..Collected::default() };
        let mut push = Push::new(&self.repository, &self.updates, limits.clone());
        push.stream(&mut streamed).expect("collecting cannot fail");
        let mut wanted = Collected { reach: Some(reach), ..Collected::default() };
        push.stream_wanted(&want(&streamed), &mut wanted).expect("collecting cannot fail");
        (streamed, wanted)
    }

    /// Streams, asks where `objects` come from, and returns the answers.
    pub(crate) fn locate(&self, objects: &[Oid]) -> Collected {
        let mut streamed = Collected::default();
        let mut push = Push::new(&self.repository, &self.updates, Limits::default());
        push.stream(&mut streamed).expect("collecting cannot fail");
        let mut answers = Collected::default();
        push.locate(objects, &mut answers).expect("collecting cannot fail");
        answers
    }

    /// Returns what git itself finds in the quarantine.
    pub(crate) fn listed_by_git(&self) -> Vec<(Oid, ObjectKind, Vec<u8>)> {
        let batch = ["cat-file", "--batch-all-objects", "--batch", "--unordered"];
        let output = git(&self.repository.git_dir, &batch)
            .env("GIT_OBJECT_DIRECTORY", self.quarantine())
            .output()
            .expect("git runs");
        let mut rest = output.stdout.as_slice();
        let mut objects = Vec::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n').expect("a header");
            let header = std::str::from_utf8(&rest[..end]).expect("text").to_owned();
            let fields: Vec<&str> = header.split(' ').collect();
            let size: usize = fields[2].parse().expect("a size");
            let kind = ObjectKind::ALL.iter().find(|kind| kind.as_str() == fields[1]);
            let id = Oid::from_hex(fields[0].as_bytes()).expect("an id");
            objects.push((id, *kind.expect("a kind"), rest[end + 1..end + 1 + size].to_vec()));
            rest = &rest[end + 2 + size..];
        }
        objects.sort();
        objects
    }
}

/// Takes a stream apart, and checks its shape.
#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) objects: Vec<(Oid, ObjectKind, Vec<u8>)>,
    pub(crate) unscanned: Vec<(Option<Oid>, UnscannedReason)>,
    pub(crate) places: Vec<Place>,
    pub(crate) end: Option<LocateEnd>,
    /// What is known to be clean.
    pub(crate) known: HashSet<Oid>,
    /// What was asked about.
    pub(crate) offered: Vec<Oid>,
    open: Option<u64>,
    /// What windows it takes.
    pub(crate) reach: Option<Reach>,
    /// Of each object that came as windows: its number, its base's, the windows.
    pub(crate) windows: Vec<(u32, u32, Vec<Range<usize>>)>,
}

impl Collected {
    pub(crate) fn knowing(known: HashSet<Oid>) -> Self {
        Self { known, ..Self::default() }
    }

    pub(crate) fn sorted(mut self) -> Vec<(Oid, ObjectKind, Vec<u8>)> {
        assert_eq!(self.unscanned, []);
        self.objects.sort();
        self.objects
    }

    pub(crate) fn ids(&self) -> Vec<Oid> {
        let mut ids: Vec<Oid> = self.objects.iter().map(|(id, _, _)| *id).collect();
        ids.sort();
        ids
    }

    pub(crate) fn routes(&self, object: Oid) -> Vec<&Route> {
        let of = self.places.iter().filter(|place| place.object == object);
        of.map(|place| &place.route).collect()
    }
}

impl Sink for Collected {
    fn object(&mut self, object: &Object, bytes: &[u8]) -> io::Result<()> {
        assert!(self.open.is_none());
        assert!(bytes.len() <= PIECE_BYTES_MAX);
        assert_eq!(bytes.len() as u64, object.size);
        self.objects.push((object.id, object.kind, bytes.to_vec()));
        Ok(())
    }

    fn start(&mut self, object: &Object) -> io::Result<()> {
        assert!(self.open.is_none());
        assert!(object.size > PIECE_BYTES_MAX as u64);
        self.objects.push((object.id, object.kind, Vec::new()));
        self.open = Some(object.size);
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert!(!bytes.is_empty() && bytes.len() <= PIECE_BYTES_MAX);
        let left = self.open.expect("an object is open") - bytes.len() as u64;
        self.open = (left > 0).then_some(left);
        self.objects.last_mut().expect("it was started").2.extend_from_slice(bytes);
        Ok(())
    }

    fn broken(&mut self, reason: UnscannedReason) -> io::Result<()> {
        assert!(self.open.take().is_some());
        let (id, _, _) = self.objects.pop().expect("it was started");
        self.unscanned.push((Some(id), reason));
        Ok(())
    }

    fn windows(
        &mut self,
        object: &Object,
        base: u32,
        text: &[u8],
        windows: &[Range<usize>],
    ) -> io::Result<()> {
        assert!(self.open.is_none());
        assert_eq!(object.size, text.len() as u64);
        assert!((base as usize) < self.objects.len());
        let number = u32::try_from(self.objects.len()).expect("few");
        self.windows.push((number, base, windows.to_vec()));
        self.objects.push((object.id, object.kind, text.to_vec()));
        Ok(())
    }

    fn reach(&self) -> Option<Reach> {
        self.reach
    }

    fn unscanned(&mut self, unscanned: Unscanned) -> io::Result<()> {
        assert!(self.open.is_none());
        self.unscanned.push((unscanned.object, unscanned.reason));
        Ok(())
    }

    fn known(&mut self, objects: &[Oid]) -> io::Result<Vec<bool>> {
        assert!(self.open.is_none());
        self.offered.extend_from_slice(objects);
        Ok(objects.iter().map(|id| self.known.contains(id)).collect())
    }

    fn is_late(&self) -> bool {
        false
    }
}

impl Answers for Collected {
    fn place(&mut self, place: Place) -> io::Result<()> {
        assert!(self.end.is_none() && self.objects.is_empty());
        self.places.push(place);
        Ok(())
    }

    fn end(&mut self, end: LocateEnd) -> io::Result<()> {
        assert!(self.end.replace(end).is_none());
        Ok(())
    }
}

fn git(directory: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory).args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
        .env("HOME", directory)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ann Author")
        .env("GIT_AUTHOR_EMAIL", "ann@example.org")
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_NAME", "Carl Committer")
        .env("GIT_COMMITTER_EMAIL", "carl@example.org")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000");
    command
}

pub(crate) fn run(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    feed(&mut git(directory, arguments), input)
}

fn feed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("git ends");
    drop(writer.join());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    output.stdout
}

fn line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().next().unwrap_or_default().to_owned()
}
