//! The client against a scripted peer: only the right verdict lets a push in.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use crate::push::fixture::{Fixture, Received, Unpacked};
use crate::push::{Limits, Push};
use crate::wire::{
    Failure, FailureCode, FromDaemon, Locate, Nonce, Oid, Pusher, PusherSource, Server, ToDaemon,
    Trust, UPGRADE_REQUEST, VERSION, Verdict, VerdictKind, read_frame,
};

use super::client::{Head, run};
use super::connection::{Connection, ConnectionError, Timing, connect};
use super::*;

const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: pushwarden-push\r\n\r\n";

/// The daemon's side, by hand.
struct Scripted(UnixStream);

impl Scripted {
    fn hello(&mut self) {
        let mut request = vec![0; UPGRADE_REQUEST.len()];
        self.0.read_exact(&mut request).expect("a request");
        assert_eq!(request, UPGRADE_REQUEST.as_bytes());
        self.0.write_all(UPGRADED).expect("a listening hook");
        self.say(&FromDaemon::Hello { version: VERSION, reach: None });
    }

    fn say(&mut self, message: &FromDaemon) {
        message.write(&mut self.0).expect("a listening hook");
    }

    fn hear(&mut self) -> ToDaemon {
        let mut payload = Vec::new();
        let kind = read_frame(&mut self.0, &mut payload).expect("a frame");
        ToDaemon::decode(kind, &payload).expect("a message")
    }

    /// Listens to the end, and returns how many objects came.
    fn hear_push(&mut self) -> u64 {
        let mut objects = 0;
        loop {
            match self.hear() {
                ToDaemon::Object(..) | ToDaemon::ObjectStart(_) => objects += 1,
                ToDaemon::End { objects: claimed } => {
                    assert_eq!(claimed, objects);
                    return objects;
                }
                _ => {}
            }
        }
    }

    fn accept(&mut self, objects: u64) {
        self.say(&verdict(NONCE, objects, VerdictKind::Accept));
    }
}

const NONCE: Nonce = Nonce([9; 16]);

fn verdict(nonce: Nonce, objects: u64, kind: VerdictKind) -> FromDaemon {
    FromDaemon::Verdict(Verdict { nonce, objects, kind, text: "text\n".to_owned() })
}

fn begin(received: &Received) -> Begin {
    Begin {
        nonce: NONCE,
        hash: received.repository.hash,
        repository: b"/srv/git/a.git".to_vec(),
        repository_name: None,
        server: Server::Plain,
        pusher: Pusher { name: None, source: PusherSource::Nobody, trust: Trust::None },
        push_options_advertised: false,
        dry_run: false,
        environment: Vec::new(),
    }
}

fn received() -> (Fixture, Received) {
    let fixture = Fixture::new();
    fixture.write("file", "content");
    fixture.commit("root");
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    (fixture, received)
}

fn timing(milliseconds: u64) -> Timing {
    Timing {
        started: Instant::now(),
        deadline: Duration::from_millis(milliseconds),
        per_20_mb: Duration::ZERO,
        hello_timeout: Duration::from_millis(milliseconds / 2),
    }
}

/// Runs the client against a peer that plays `script`.
fn play(
    received: &Received,
    timing: Timing,
    script: impl FnOnce(Scripted) + Send,
) -> Result<Verdict, ConnectionError> {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    std::thread::scope(|scope| {
        scope.spawn(move || script(Scripted(theirs)));
        let mut talk = Vec::new();
        let connection = Connection::new(ours, timing, &mut talk);
        let mut push = Push::new(&received.repository, &received.updates, Limits::default());
        let begin = begin(received);
        let head = Head {
            begin: &begin,
            updates: &received.updates,
            push_options: &[b"option".to_vec()],
            push_options_cut: false,
        };
        run(&head, &mut push, connection)
    })
}

/// A peer that hears the push and then plays `script` must not let it in.
#[track_caller]
fn refused(want: &str, script: impl FnOnce(&mut Scripted, u64) + Send) {
    let (_fixture, received) = received();
    let outcome = play(&received, timing(10_000), |mut peer| {
        peer.hello();
        let objects = peer.hear_push();
        script(&mut peer, objects);
    });
    assert_eq!(outcome.expect_err("no verdict").to_string(), want);
}

#[test]
fn the_right_verdict_counts() {
    let (_fixture, received) = received();
    for kind in [VerdictKind::Accept, VerdictKind::Refuse] {
        let verdict = play(&received, timing(10_000), |mut peer| {
            peer.hello();
            assert!(matches!(peer.hear(), ToDaemon::Begin(begin) if begin.nonce == NONCE));
            assert!(matches!(peer.hear(), ToDaemon::RefUpdates(updates) if updates.len() == 1));
            assert!(matches!(peer.hear(), ToDaemon::PushOption(option) if option == b"option"));
            let objects = peer.hear_push();
            assert_eq!(objects, 3);
            peer.say(&verdict(NONCE, objects, kind));
        });
        assert_eq!(verdict.expect("a verdict").kind, kind);
    }
}

#[test]
fn no_other_verdict_does() {
    refused("the scanner's answer makes no sense (another push's verdict)", |peer, objects| {
        peer.say(&verdict(Nonce([8; 16]), objects, VerdictKind::Accept));
    });
    refused("the scanner's answer makes no sense (a verdict on other objects)", |peer, objects| {
        peer.accept(objects + 1);
    });
    refused("the scanner went away during the scan", |_, _| {});
    refused("the scanner's answer makes no sense (a second hello)", |peer, _| {
        peer.say(&FromDaemon::Hello { version: VERSION, reach: None });
    });
    refused("the scanner's answer makes no sense (a frame that does not decode)", |peer, _| {
        peer.0.write_all(&[200, 1, 0, 0, 0, 7]).expect("a listening hook");
    });
    refused("the scanner's answer makes no sense (a frame over the limit)", |peer, _| {
        peer.0.write_all(&[103, 255, 255, 255, 255]).expect("a listening hook");
    });
    refused("the scanner gave up (store)", |peer, _| {
        let code = FailureCode::Store;
        peer.say(&FromDaemon::Failure(Failure { code, message: "disk full".to_owned() }));
    });
}

#[test]
fn a_peer_without_hello_is_away() {
    let (_fixture, received) = received();
    let silent = play(&received, timing(1000), |mut peer| peer.hear_rest());
    assert!(matches!(silent, Err(ConnectionError::NoHello)), "{silent:?}");
    let other = play(&received, timing(5000), |mut peer| {
        peer.0.write_all(UPGRADED).expect("a listening hook");
        peer.say(&FromDaemon::Hello { version: VERSION + 1, reach: None });
        peer.hear_rest();
    });
    assert!(matches!(other, Err(ConnectionError::Version(_))), "{other:?}");
    let garbage = play(&received, timing(5000), |mut peer| {
        peer.0.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").expect("a listening hook");
        peer.hear_rest();
    });
    assert!(matches!(garbage, Err(ConnectionError::Garbage(_))), "{garbage:?}");
}

impl Scripted {
    /// Reads until the hook hangs up.
    fn hear_rest(&mut self) {
        drop(self.0.read_to_end(&mut Vec::new()));
    }
}

#[test]
fn a_verdict_after_the_deadline_is_none() {
    let (_fixture, received) = received();
    let late = play(&received, timing(1000), |mut peer| {
        peer.hello();
        peer.hear_push();
        peer.hear_rest();
    });
    assert!(matches!(late, Err(ConnectionError::Deadline)), "{late:?}");
}

#[test]
fn nobody_listening_is_told_apart() {
    let outcome = connect(Path::new("/nonexistent/push.sock"), Duration::from_secs(5));
    assert!(matches!(outcome, Err(ConnectionError::Connect(_))), "{outcome:?}");
    let too_long = "/x".repeat(100);
    let outcome = connect(Path::new(&too_long), Duration::from_secs(5));
    assert!(matches!(outcome, Err(ConnectionError::Connect(_))), "{outcome:?}");
}

#[test]
fn a_full_backlog_is_waited_for_and_no_longer() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("push.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    rustix::net::listen(&listener, 0).expect("a shorter backlog");
    let _first = connect(&socket, Duration::from_secs(5)).expect("room for one");
    let outcome = connect(&socket, Duration::from_millis(20));
    assert!(matches!(outcome, Err(ConnectionError::NoHello)), "{outcome:?}");
    drop(listener.accept().expect("the first"));
    connect(&socket, Duration::from_secs(5)).expect("room again");
}

#[test]
fn a_failure_said_before_the_end_is_heard() {
    let fixture = Fixture::new();
    let noise: Vec<u8> =
        (0..4_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fixture.write("large", noise);
    fixture.commit("root");
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    let outcome = play(&received, timing(20_000), |mut peer| {
        peer.hello();
        let code = FailureCode::Busy;
        let message = "wait for\x1b[2J those to end".to_owned();
        peer.say(&FromDaemon::Failure(Failure { code, message }));
    });
    let failure = outcome.expect_err("no verdict").to_string();
    assert_eq!(failure, r"the scanner gave up (busy): wait for\x1b[2J those to end");
}

#[test]
fn questions_are_answered_before_the_verdict() {
    let (fixture, received) = received();
    let file = fixture.id("HEAD:file");
    let verdict = play(&received, timing(20_000), |mut peer| {
        peer.hello();
        let objects = peer.hear_push();
        peer.say(&FromDaemon::Locate(Locate { objects: vec![file] }));
        assert!(matches!(peer.hear(), ToDaemon::Place(place) if place.object == file));
        assert!(matches!(peer.hear(), ToDaemon::LocateEnd(end) if end.complete));
        peer.accept(objects);
    });
    assert_eq!(verdict.expect("a verdict").kind, VerdictKind::Accept);
}

type Daemon = Result<UnixStream, ConnectionError>;

/// Runs the hook's decision.
fn decide(received: &Received, settings: &Settings, daemon: Daemon) -> (Decision, String) {
    let mut talk = Vec::new();
    let begin = begin(received);
    let head = Head {
        begin: &begin,
        updates: &received.updates,
        push_options: &[],
        push_options_cut: false,
    };
    let mut push = Push::new(&received.repository, &received.updates, Limits::default());
    let hook = Hook { started: Instant::now(), settings, updates: &received.updates };
    let decision = hook.decide(&head, &mut push, daemon, &mut talk);
    (decision, String::from_utf8(talk).expect("text"))
}

#[test]
fn without_a_daemon_policy_decides() {
    let (_fixture, received) = received();
    let spool = tempfile::tempdir().expect("a directory");
    let settings = |on_unavailable, spool: &Path| Settings {
        socket: "/nonexistent/push.sock".into(),
        spool: spool.to_path_buf(),
        on_unavailable,
        ..Settings::default()
    };
    let away = || connect(Path::new("/nonexistent/push.sock"), Duration::from_secs(5));
    let (decision, text) =
        decide(&received, &settings(OnUnavailable::Reject, spool.path()), away());
    assert_eq!(decision, Decision::Refused);
    assert!(text.starts_with("error: push refused - "), "{text}");
    let accept = settings(OnUnavailable::Accept, spool.path());
    let (decision, text) = decide(&received, &accept, away());
    assert_eq!(decision, Decision::Accepted);
    assert!(text.starts_with("warning: push accepted, but NOT scanned"), "{text}");
    assert_eq!(std::fs::read_dir(spool.path()).expect("a directory").count(), 1);
    let no_spool = settings(OnUnavailable::Accept, Path::new("/nonexistent"));
    assert_eq!(decide(&received, &no_spool, away()).0, Decision::Refused);
    let local = Settings {
        program: Some("/bin/false".into()),
        rules_snapshot: Some("/dev/null".into()),
        public_key: Some("/dev/null".into()),
        ..settings(OnUnavailable::ScanLocally, spool.path())
    };
    let (decision, text) = decide(&received, &local, away());
    assert_eq!(decision, Decision::Refused);
    assert!(text.contains("locally"), "{text}");
}

#[test]
fn what_was_found_is_never_accepted_for_want_of_a_verdict() {
    let (fixture, received) = received();
    let file = fixture.id("HEAD:file");
    let spool = tempfile::tempdir().expect("a directory");
    let accept = Settings {
        spool: spool.path().to_path_buf(),
        on_unavailable: OnUnavailable::Accept,
        ..Settings::default()
    };
    let scripts: [fn(&mut Scripted, u64, Oid); 3] = [
        |peer, _, _| {
            let code = FailureCode::Store;
            peer.say(&FromDaemon::Failure(Failure { code, message: String::new() }));
        },
        |peer, _, file| peer.say(&FromDaemon::Locate(Locate { objects: vec![file] })),
        |peer, objects, file| {
            peer.say(&FromDaemon::Locate(Locate { objects: vec![file] }));
            peer.say(&verdict(Nonce([8; 16]), objects, VerdictKind::Accept));
        },
    ];
    for script in scripts {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let (decision, text) = std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut peer = Scripted(theirs);
                peer.hello();
                let objects = peer.hear_push();
                script(&mut peer, objects, file);
            });
            decide(&received, &accept, Ok(ours))
        });
        assert_eq!(decision, Decision::Refused, "{text}");
        assert!(text.starts_with("error: push refused - its scan is not on record."), "{text}");
        assert_eq!(std::fs::read_dir(spool.path()).expect("a directory").count(), 0);
    }
}

#[test]
fn a_daemon_on_its_socket_is_reached_once() {
    let (_fixture, received) = received();
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("push.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let settings = Settings { socket: socket.clone(), ..Settings::default() };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (stream, _) = listener.accept().expect("a hook");
            let mut peer = Scripted(stream);
            peer.hello();
            let objects = peer.hear_push();
            peer.accept(objects);
        });
        let (decision, text) =
            decide(&received, &settings, connect(&socket, Duration::from_secs(5)));
        assert_eq!((decision, text.as_str()), (Decision::Accepted, "text\n"));
    });
}

#[test]
fn nonces_differ() {
    assert_ne!(nonce(), nonce());
    assert_ne!(nonce().0, [0; 16]);
    assert_ne!(nonce().0[..8], nonce().0[8..]);
}

#[test]
fn settings_stand_beside_the_hook() {
    let path = |arguments: &[&str]| {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        settings_path(&arguments)
    };
    let beside = Path::new("hooks/pre-receive.pushwarden");
    assert_eq!(path(&["hooks/pre-receive"]), beside);
    assert_eq!(path(&["pushwarden", "hook"]), Path::new("./hooks/pre-receive.pushwarden"));
    assert_eq!(
        path(&["hooks/pre-receive.h00-pushwarden"]),
        Path::new("hooks/pre-receive.h00-pushwarden.pushwarden")
    );
}
