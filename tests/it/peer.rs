//! One side of the push socket, played by a test: a daemon that lies, a hook that attacks, and
//! someone in between.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use pushwarden::wire::{
    Begin, FromDaemon, HashKind, Nonce, Object, ObjectKind, Oid, Pusher, PusherSource, Server,
    ToDaemon, Trust, UPGRADE_REQUEST, VERSION, Verdict, VerdictKind, read_frame,
};

use crate::forge::PATIENCE;

/// What a daemon answers to the upgrade request.
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: pushwarden-push\r\n\r\n";

/// Someone who listens on a socket until dropped.
pub struct Listening {
    socket: PathBuf,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Plays `part` with each caller in turn.
    pub fn at(socket: &Path, mut part: impl FnMut(UnixStream) + Send + 'static) -> Self {
        drop(std::fs::remove_file(socket));
        let listener = UnixListener::bind(socket).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            while let Ok((caller, _)) = listener.accept() {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                part(caller);
            }
        });
        Self { socket: socket.to_owned(), is_over, thread: Some(thread) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(UnixStream::connect(&self.socket));
        // A part that failed has failed its test already.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Passes everything on from `front` to `back`, and calls `then` once `bytes` have passed.
pub fn between(
    front: &Path,
    back: &Path,
    bytes: usize,
    then: impl Fn() + Send + 'static,
) -> Listening {
    let back = back.to_owned();
    Listening::at(front, move |hook| {
        let Ok(daemon) = UnixStream::connect(&back) else {
            return;
        };
        let (answers, mut caller) = (daemon.try_clone().unwrap(), hook.try_clone().unwrap());
        let answering = std::thread::spawn(move || {
            drop(io::copy(&mut &answers, &mut caller));
            drop(caller.shutdown(std::net::Shutdown::Both));
        });
        let passed = io::copy(&mut (&hook).take(bytes as u64), &mut &daemon);
        if passed.is_ok_and(|passed| passed == bytes as u64) {
            then();
        }
        drop(io::copy(&mut &hook, &mut &daemon));
        drop(daemon.shutdown(std::net::Shutdown::Both));
        answering.join().unwrap();
    })
}

/// A daemon's end of one push.
pub struct Liar(UnixStream);

impl Liar {
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Reads the upgrade request, and answers it.
    pub fn upgrade(&mut self) {
        let mut request = vec![0; UPGRADE_REQUEST.len()];
        self.0.read_exact(&mut request).unwrap();
        self.write(UPGRADED);
    }

    /// Reads the upgrade request, and says hello as a daemon does.
    pub fn hello(&mut self) {
        self.upgrade();
        self.say(&FromDaemon::Hello { version: VERSION, reach: None });
    }

    /// Writes bytes; a hook that hung up is its own affair.
    pub fn write(&mut self, bytes: &[u8]) {
        drop(self.0.write_all(bytes));
    }

    pub fn say(&mut self, message: &FromDaemon) {
        drop(message.write(&mut self.0));
    }

    /// Hears the hook until it hangs up.
    pub fn hear_rest(&mut self) {
        drop(self.0.read_to_end(&mut Vec::new()));
    }

    /// Hears the push to its end, and returns its nonce and the number of its objects.
    pub fn hear_push(&mut self) -> (Nonce, u64) {
        let mut nonce = None;
        loop {
            let mut payload = Vec::new();
            let kind = read_frame(&mut self.0, &mut payload).unwrap();
            match ToDaemon::decode(kind, &payload).unwrap() {
                ToDaemon::Begin(begin) => nonce = Some(begin.nonce),
                ToDaemon::End { objects } => return (nonce.unwrap(), objects),
                _ => {}
            }
        }
    }

    pub fn accept(&mut self, nonce: Nonce, objects: u64) {
        let kind = VerdictKind::Accept;
        self.say(&FromDaemon::Verdict(Verdict { nonce, objects, kind, text: String::new() }));
    }
}

/// A hook's end of one push.
pub struct Attacker(pub UnixStream);

impl Attacker {
    /// Connects, asks for the push protocol and hears the hello.
    pub fn connect(socket: &Path) -> Self {
        let mut attacker = Self::silent(socket);
        attacker.0.write_all(UPGRADE_REQUEST.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            attacker.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(matches!(attacker.hear(), Some(FromDaemon::Hello { version: VERSION, .. })));
        attacker
    }

    /// Connects, and says nothing.
    pub fn silent(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Begins a push and returns its nonce.
    pub fn begin(&mut self) -> Nonce {
        let nobody = Pusher { name: None, source: PusherSource::Nobody, trust: Trust::None };
        self.begin_as("/srv/git/attack.git", nobody)
    }

    /// Begins a push to a repository by somebody, and returns its nonce.
    pub fn begin_as(&mut self, repository: &str, pusher: Pusher) -> Nonce {
        let mut nonce = [0; 16];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut nonce).unwrap();
        let nonce = Nonce(nonce);
        self.say(&ToDaemon::Begin(Begin {
            nonce,
            hash: HashKind::Sha1,
            repository: repository.as_bytes().to_vec(),
            repository_name: None,
            server: Server::Plain,
            pusher,
            push_options_advertised: false,
            dry_run: false,
            environment: Vec::new(),
        }));
        nonce
    }

    /// Brings a blob of some id.
    pub fn blob(&mut self, id: u8, bytes: &[u8]) {
        let id = Oid::from_bytes(&[id; 20]).unwrap();
        let object = Object { id, kind: ObjectKind::Blob, size: bytes.len() as u64 };
        self.say(&ToDaemon::Object(object, bytes.to_vec()));
    }

    /// Brings the beginning of a blob of `size` bytes, and no more of it.
    pub fn stall(&mut self, id: u8, size: u64) {
        let id = Oid::from_bytes(&[id; 20]).unwrap();
        self.say(&ToDaemon::ObjectStart(Object { id, kind: ObjectKind::Blob, size }));
        self.say(&ToDaemon::Piece(b"the beginning, and nothing more\n".repeat(1_000)));
    }

    pub fn say(&mut self, message: &ToDaemon) {
        message.write(&mut self.0).unwrap();
    }

    /// Hears the next message; none if the daemon hung up.
    pub fn hear(&mut self) -> Option<FromDaemon> {
        let mut payload = Vec::new();
        let kind = read_frame(&mut self.0, &mut payload).ok()?;
        Some(FromDaemon::decode(kind, &payload).unwrap())
    }
}
