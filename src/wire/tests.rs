//! Decoding undoes encoding, and no bytes of a peer can make it panic or allocate more than they
//! are.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn oid() -> impl Strategy<Value = Oid> {
    let of = |length| vec(any::<u8>(), length).prop_map(|id| Oid::from_bytes(&id).expect("an id"));
    prop_oneof![of(20), of(32)]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn nonce() -> impl Strategy<Value = Nonce> {
    any::<[u8; 16]>().prop_map(Nonce)
}

fn update() -> impl Strategy<Value = RefUpdate> {
    (oid(), oid(), bytes()).prop_map(|(old, new, name)| RefUpdate { old, new, name })
}

fn pusher() -> impl Strategy<Value = Pusher> {
    (option::of(".{0,20}"), select(PusherSource::ALL), select(Trust::ALL))
        .prop_map(|(name, source, trust)| Pusher { name, source, trust })
}

fn begin() -> impl Strategy<Value = Begin> {
    let hash = select(&[HashKind::Sha1, HashKind::Sha256][..]);
    let environment = vec((".{0,9}", bytes()), 0..4);
    let head = (nonce(), hash, bytes(), option::of(".{0,20}"), select(Server::ALL));
    (head, pusher(), any::<(bool, bool)>(), environment).prop_map(
        |((nonce, hash, repository, repository_name, server), pusher, flags, environment)| Begin {
            nonce,
            hash,
            repository,
            repository_name,
            server,
            pusher,
            push_options_advertised: flags.0,
            dry_run: flags.1,
            environment,
        },
    )
}

fn object() -> impl Strategy<Value = Object> {
    (oid(), select(ObjectKind::ALL), any::<u64>()).prop_map(|(id, kind, size)| Object {
        id,
        kind,
        size,
    })
}

fn whole_object() -> impl Strategy<Value = ToDaemon> {
    (object(), bytes()).prop_map(|(object, bytes)| {
        ToDaemon::Object(Object { size: bytes.len() as u64, ..object }, bytes)
    })
}

fn windows() -> impl Strategy<Value = ToDaemon> {
    let texts = vec((0..9_u64, bytes()), 0..5);
    (oid(), any::<u32>(), texts, 0..9_u64).prop_map(|(id, base, texts, rest)| {
        let mut at = 0;
        let place = |(apart, bytes): (u64, Vec<u8>)| {
            let start = at + apart;
            at = start + bytes.len() as u64;
            (start, bytes)
        };
        let texts = texts.into_iter().map(place).collect();
        let object = Object { id, kind: ObjectKind::Blob, size: at + rest };
        ToDaemon::Windows(Windows { object, base, texts })
    })
}

fn commit_place() -> impl Strategy<Value = CommitPlace> {
    let topology = (any::<[bool; 6]>(), any::<u32>()).prop_map(|(flags, commits_above)| {
        let [is_tip, is_root, is_merge, below_merge, at_tip, is_forced] = flags;
        Topology { is_tip, is_root, is_merge, below_merge, at_tip, is_forced, commits_above }
    });
    (oid(), any::<u32>(), bytes(), bytes(), topology).prop_map(
        |(id, order, subject, ref_name, topology)| CommitPlace {
            id,
            order,
            subject,
            ref_name,
            topology,
        },
    )
}

fn route() -> impl Strategy<Value = Route> {
    let entry = (commit_place(), bytes(), vec(option::of(oid()), 0..4))
        .prop_map(|(commit, path, parents)| Route::Entry(Entry { commit, path, parents }));
    prop_oneof![
        Just(Route::ReachableBefore),
        entry,
        commit_place().prop_map(Route::Commit),
        bytes().prop_map(|ref_name| Route::Tag { ref_name }),
        bytes().prop_map(|ref_name| Route::Ref { ref_name }),
        Just(Route::Unreached),
    ]
}

fn locate_end() -> impl Strategy<Value = LocateEnd> {
    let owners = (".{0,20}", bytes()).prop_map(|(path, bytes)| OwnersFile { path, bytes });
    (option::of(owners), any::<bool>())
        .prop_map(|(owners, complete)| LocateEnd { owners, complete })
}

fn to_daemon() -> impl Strategy<Value = ToDaemon> {
    let reason = || select(UnscannedReason::ALL);
    prop_oneof![
        begin().prop_map(ToDaemon::Begin),
        vec(update(), 0..5).prop_map(ToDaemon::RefUpdates),
        bytes().prop_map(ToDaemon::PushOption),
        whole_object(),
        object().prop_map(ToDaemon::ObjectStart),
        vec(oid(), 0..5).prop_map(ToDaemon::Offer),
        bytes().prop_map(ToDaemon::Piece),
        reason().prop_map(ToDaemon::ObjectBroken),
        (option::of(oid()), reason())
            .prop_map(|(object, reason)| ToDaemon::Unscanned(Unscanned { object, reason })),
        any::<u64>().prop_map(|objects| ToDaemon::End { objects }),
        windows(),
        (oid(), route()).prop_map(|(object, route)| ToDaemon::Place(Place { object, route })),
        locate_end().prop_map(ToDaemon::LocateEnd),
    ]
}

fn from_daemon() -> impl Strategy<Value = FromDaemon> {
    let kind = select(&[VerdictKind::Accept, VerdictKind::Refuse][..]);
    let verdict = (nonce(), any::<u64>(), kind, ".{0,40}")
        .prop_map(|(nonce, objects, kind, text)| Verdict { nonce, objects, kind, text });
    prop_oneof![
        any::<u16>().prop_map(|version| FromDaemon::Hello { version, reach: None }),
        option::of(any::<[u32; 3]>()).prop_map(|reach| FromDaemon::Hello {
            version: VERSION,
            reach: reach.map(|[bytes, line_bytes, head_bytes]| Reach {
                bytes,
                line_bytes,
                head_bytes
            }),
        }),
        proptest::collection::btree_set(any::<u32>(), 0..9)
            .prop_map(|wanted| FromDaemon::Want(Want { objects: wanted.into_iter().collect() })),
        vec(oid(), 0..5).prop_map(|objects| FromDaemon::Locate(Locate { objects })),
        verdict.prop_map(FromDaemon::Verdict),
        (select(FailureCode::ALL), ".{0,40}")
            .prop_map(|(code, message)| FromDaemon::Failure(Failure { code, message })),
    ]
}

/// Takes one frame apart.
fn frame(mut stream: &[u8]) -> (u8, Vec<u8>) {
    let mut payload = Vec::new();
    let kind = read_frame(&mut stream, &mut payload).expect("a frame");
    assert!(stream.is_empty(), "one message, one frame");
    (kind, payload)
}

proptest! {
    #[test]
    fn what_the_hook_says_arrives(message in to_daemon()) {
        let mut stream = Vec::new();
        message.write(&mut stream).expect("memory");
        let (kind, payload) = frame(&stream);
        prop_assert_eq!(ToDaemon::decode(kind, &payload), Ok(message));
    }

    #[test]
    fn what_the_daemon_says_arrives(message in from_daemon()) {
        let mut stream = Vec::new();
        message.write(&mut stream).expect("memory");
        let (kind, payload) = frame(&stream);
        prop_assert_eq!(FromDaemon::decode(kind, &payload), Ok(message));
    }

    #[test]
    fn a_message_that_is_cut_or_goes_on_does_not_decode(message in from_daemon(), cut: usize) {
        // Of a hello in another version no more is read than that it is one.
        let is_foreign = |version| version != VERSION;
        prop_assume!(!matches!(message, FromDaemon::Hello { version, .. } if is_foreign(version)));
        let mut stream = Vec::new();
        message.write(&mut stream).expect("memory");
        let (kind, mut payload) = frame(&stream);
        let short = &payload[..cut % payload.len().max(1)];
        prop_assert_ne!(FromDaemon::decode(kind, short), Ok(message));
        payload.push(0);
        prop_assert!(FromDaemon::decode(kind, &payload).is_err());
    }

    #[test]
    fn any_bytes_decode_or_fail(kind: u8, payload in vec(any::<u8>(), 0..300)) {
        drop(ToDaemon::decode(kind % 12, &payload));
        drop(FromDaemon::decode(100 + kind % 6, &payload));
        drop(Accepted::read(&mut payload.as_slice()));
    }

    #[test]
    fn messages_with_a_byte_changed_decode_or_fail(
        message in to_daemon(), at: prop::sample::Index, byte: u8,
    ) {
        let mut stream = Vec::new();
        message.write(&mut stream).expect("memory");
        let (kind, mut payload) = frame(&stream);
        if !payload.is_empty() {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        drop(ToDaemon::decode(kind, &payload));
    }

    #[test]
    fn spool_entries_read_back(begin in begin(), updates in vec(update(), 0..20)) {
        let entry = Accepted { begin, updates };
        let mut file = Vec::new();
        entry.write(&mut file).expect("memory");
        prop_assert_eq!(Accepted::read(&mut file.as_slice()).expect("whole"), entry);
    }
}

/// A count of four billion in a frame of a few bytes must fail at its end, not reserve room for it.
#[test]
fn claimed_counts_allocate_nothing() {
    let claim = u32::MAX.to_le_bytes();
    assert_eq!(ToDaemon::decode(10, &claim), Err(DecodeError::Short("updates")));
    assert_eq!(FromDaemon::decode(102, &claim), Err(DecodeError::Short("objects")));
    let failure = [&[1][..], &claim, b"text"].concat();
    assert_eq!(FromDaemon::decode(104, &failure), Err(DecodeError::Short("message")));
}

#[test]
fn frames_over_the_limit_are_refused_unread() {
    let mut payload = Vec::new();
    for length in [FRAME_BYTES_MAX + 1, u32::MAX as usize] {
        let bytes = u32::try_from(length).expect("fits");
        let head = [&[4][..], &bytes.to_le_bytes()].concat();
        let outcome = read_frame(&mut head.as_slice(), &mut payload);
        assert!(matches!(outcome, Err(FrameError::TooLong(claimed)) if claimed == bytes));
        assert_eq!(payload.capacity(), 0);
    }
}

#[test]
fn many_ref_updates_take_several_frames_in_order() {
    let id = Oid::from_bytes(&[1; 20]).expect("20 bytes");
    let update =
        |n: usize| RefUpdate { old: id, new: id, name: format!("{n:0>60000}").into_bytes() };
    let updates: Vec<_> = (0..40).map(update).collect();
    let mut stream = Vec::new();
    write_ref_updates(&updates, &mut stream).expect("memory");
    let (mut rest, mut payload, mut read) = (stream.as_slice(), Vec::new(), Vec::new());
    let mut frames = 0;
    while !rest.is_empty() {
        let kind = read_frame(&mut rest, &mut payload).expect("a frame");
        let ToDaemon::RefUpdates(more) = ToDaemon::decode(kind, &payload).expect("decodes") else {
            panic!("another message");
        };
        read.extend(more);
        frames += 1;
    }
    assert_eq!(read, updates);
    assert!(frames > 1);
}
