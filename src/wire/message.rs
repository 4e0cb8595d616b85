//! The messages, as types.

use std::fmt;

use super::codec::{DecodeError, Decoder};

/// What binds a verdict to its push: 16 random bytes of the hook's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 16]);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

/// The hash function of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashKind {
    /// 20-byte object ids.
    Sha1,
    /// 32-byte object ids.
    Sha256,
}

/// An object id: 20 or 32 bytes. Displays as hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid {
    length: u8,
    bytes: [u8; 32],
}

impl Oid {
    /// Takes 20 or 32 bytes; other lengths are no id.
    pub fn from_bytes(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        let length = match id.len() {
            20 => 20,
            32 => 32,
            _ => return None,
        };
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self { length, bytes })
    }

    /// Reads 40 or 64 hex digits.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 40 && hex.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let digit = |at: usize| pair.get(at).and_then(|&d| char::from(d).to_digit(16));
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Self::from_bytes(bytes.get(..hex.len() / 2)?)
    }

    /// Returns the 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Tells whether this is the id of nothing (all zeros), as in creations and deletions of refs.
    pub fn is_null(&self) -> bool {
        self.bytes.iter().all(|&byte| byte == 0)
    }

    /// Returns the id of nothing, as long as this one.
    #[must_use]
    pub fn to_null(&self) -> Self {
        Self { bytes: [0; 32], ..*self }
    }

    /// Returns the first seven hex digits, as people write ids.
    pub fn short(&self) -> String {
        self.to_string().chars().take(7).collect()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line of the hook's standard input: a ref that moves from `old` to `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// Where the ref stands; null when it is created.
    pub old: Oid,
    /// Where it shall stand; null when it is deleted.
    pub new: Oid,
    /// Its full name, in git's bytes: `refs/heads/main`.
    pub name: Vec<u8>,
}

/// Enums that travel as one byte.
macro_rules! byte_enum {
    ($(#[$doc:meta])* $name:ident, $field:literal { $($(#[$vdoc:meta])* $variant:ident = $byte:literal $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All values, in the order of their bytes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word for it in records, JSON and messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(super) fn byte(self) -> u8 {
                match self { $(Self::$variant => $byte),+ }
            }

            pub(super) fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                match decoder.u8($field)? {
                    $($byte => Ok(Self::$variant),)+
                    _ => Err(DecodeError::Range($field)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

byte_enum! {
    /// What an object is.
    ObjectKind, "object kind" {
        /// File content, link target, note.
        Blob = 1 "blob",
        /// A folder's listing.
        Tree = 2 "tree",
        /// A commit.
        Commit = 3 "commit",
        /// An annotated tag.
        Tag = 4 "tag",
    }
}

byte_enum! {
    /// The server software that the hook finds itself under.
    Server, "server" {
        /// git alone: ssh, `git daemon`, a local path, `git http-backend`.
        Plain = 1 "plain",
        /// gitolite 3.
        Gitolite = 2 "gitolite",
        /// GitLab.
        Gitlab = 3 "gitlab",
        /// Gitea or Forgejo.
        Gitea = 4 "gitea",
        /// GitHub Enterprise Server.
        Ghes = 5 "ghes",
        /// Bitbucket Data Center.
        Bitbucket = 6 "bitbucket",
        /// Soft Serve.
        SoftServe = 7 "soft-serve",
    }
}

byte_enum! {
    /// Where the pusher's name comes from.
    PusherSource, "pusher source" {
        /// Nothing names the pusher.
        Nobody = 1 "nobody",
        /// A signed push that git verified (`GIT_PUSH_CERT_*`).
        PushCertificate = 2 "push-certificate",
        /// gitolite's `GL_USER`.
        Gitolite = 3 "gitolite",
        /// GitLab's `GL_USERNAME`.
        Gitlab = 4 "gitlab",
        /// Gitea's or Forgejo's `GITEA_PUSHER_NAME`.
        Gitea = 5 "gitea",
        /// GitHub Enterprise Server's `GITHUB_USER_LOGIN`.
        Ghes = 6 "ghes",
        /// Bitbucket's `BB_USER_NAME`.
        Bitbucket = 7 "bitbucket",
        /// Soft Serve's `SOFT_SERVE_USERNAME`.
        SoftServe = 8 "soft-serve",
        /// The web server's `REMOTE_USER`.
        RemoteUser = 9 "remote-user",
        /// The public key that sshd exposed (`SSH_USER_AUTH`).
        SshKey = 10 "ssh-key",
        /// The Unix account that git runs as: a person only where each has one.
        UnixAccount = 11 "unix-account",
    }
}

byte_enum! {
    /// How far a claim about the pusher can be believed.
    Trust, "trust" {
        /// Nobody vouches for it.
        None = 1 "none",
        /// An account that may be shared names itself.
        Account = 2 "account",
        /// The server software authenticated the pusher and passed the name on.
        Server = 3 "server",
        /// A signature proves it.
        Signed = 4 "signed",
    }
}

/// Who pushes, and how we come to believe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pusher {
    /// The name, as its source writes it; at most [`Pusher::NAME_BYTES_MAX`] bytes.
    pub name: Option<String>,
    /// Who says so.
    pub source: PusherSource,
    /// How far that is believed.
    pub trust: Trust,
}

impl Pusher {
    /// The longest name that is passed on, in bytes.
    pub const NAME_BYTES_MAX: usize = 256;
}

/// What opens a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Binds the verdict to this push.
    pub nonce: Nonce,
    /// The repository's hash function.
    pub hash: HashKind,
    /// The git directory's absolute path.
    pub repository: Vec<u8>,
    /// What the server software calls the repository, where it says so.
    pub repository_name: Option<String>,
    /// The server software.
    pub server: Server,
    /// Who pushes.
    pub pusher: Pusher,
    /// Whether the server takes push options at all (it advertises them).
    pub push_options_advertised: bool,
    /// Whether the server only asks what would happen (Bitbucket's dry run).
    pub dry_run: bool,
    /// The allow-listed part of the environment, as name and value.
    pub environment: Vec<(String, Vec<u8>)>,
}

/// A whole object, or the head of one that follows in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its id.
    pub id: Oid,
    /// What it is.
    pub kind: ObjectKind,
    /// Its size, in bytes.
    pub size: u64,
}

byte_enum! {
    /// Why something was not scanned.
    UnscannedReason, "unscanned reason" {
        /// The object cannot be read: damaged, truncated, wrong size.
        Unreadable = 1 "unreadable",
        /// A delta chain is deeper than the limit.
        DeltaDepth = 2 "delta-depth",
        /// Inflated bytes are over the limit of the push.
        InflatedBytes = 3 "inflated-bytes",
        /// The hook's deadline came first.
        Deadline = 4 "deadline",
        /// More objects than the limit.
        ObjectCount = 5 "object-count",
        /// An object is missing that should be there.
        Missing = 6 "missing",
        /// The daemon was away and policy let the push through.
        DaemonAway = 7 "daemon-away",
        /// Known secrets could not be looked up (local screening has no inventory).
        Inventory = 8 "inventory",
        /// The place of a hit could not be worked out in time.
        Unlocated = 9 "unlocated",
        /// More findings than the limit.
        FindingCount = 10 "finding-count",
        /// A push of more bytes than the limit.
        PushBytes = 11 "push-bytes",
        /// Scratch space for large deltas ran out.
        Scratch = 12 "scratch",
        /// A text was made to exhaust a rule, which gave part of it up.
        Exhausted = 13 "exhausted",
        /// More layers lie inside each other than the limit.
        LayerDepth = 14 "layer-depth",
        /// More bytes come out of an object's layers than the limit.
        LayerBytes = 15 "layer-bytes",
        /// More texts come out of an object's layers than the limit.
        LayerParts = 16 "layer-parts",
        /// A file in it is encrypted.
        Encrypted = 17 "encrypted",
        /// A file in it is damaged: what could be read of it was scanned.
        Damaged = 18 "damaged",
        /// A file in it is packed by a method that is not known here.
        UnknownMethod = 19 "unknown-method",
        /// A commit, tree or tag is too long to be followed to what it names.
        ObjectBytes = 20 "object-bytes",
        /// A chain of tags is longer than the limit.
        TagDepth = 21 "tag-depth",
    }
}

impl UnscannedReason {
    /// Tells whether the content itself keeps its inside closed, whoever scans it: it was received
    /// and looked at as it stands, and there is no more to be had.
    #[must_use]
    pub fn is_unopened(self) -> bool {
        matches!(self, Self::Encrypted | Self::Damaged | Self::UnknownMethod)
    }

    /// Tells whether a scan of the same objects later may get further.
    #[must_use]
    pub fn may_pass_later(self) -> bool {
        !self.is_unopened() && self != Self::FindingCount
    }
}

/// Something that was not scanned, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscanned {
    /// The object, where it is one.
    pub object: Option<Oid>,
    /// Why.
    pub reason: UnscannedReason,
}

/// How far around what a delta changes a window goes, so that nothing which matters lies partly in it.
/// The daemon derives it from its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Bytes on either side of a seam, at least.
    pub bytes: u32,
    /// How far the line goes on which a seam stands, in bytes, at most: beyond it there are no
    /// windows, and the object is sent whole.
    pub line_bytes: u32,
    /// The beginning of an object that is seen whole if a seam stands in it, in bytes.
    pub head_bytes: u32,
}

/// The parts of a blob that differ from another of the same push, with some text around them.
///
/// It is a delta that was applied: where it is not, the blob holds what its base holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The blob.
    pub object: Object,
    /// Its base, by the order in which this push's objects were sent, from 0; sent before it.
    pub base: u32,
    /// Where each window begins in the blob, and its bytes; in order and apart.
    pub texts: Vec<(u64, Vec<u8>)>,
}

/// What the daemon asks: which objects does it need whole?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Objects that were sent as [`Windows`], by the order in which objects were sent, ascending; at
    /// most [`Want::OBJECTS_MAX`].
    pub objects: Vec<u32>,
}

impl Want {
    /// The most objects that a daemon asks for at a time.
    pub const OBJECTS_MAX: usize = 200_000;
}

/// What the daemon asks: where do these objects come from?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locate {
    /// Objects that hold hits; at most [`Locate::OBJECTS_MAX`].
    pub objects: Vec<Oid>,
}

impl Locate {
    /// The most objects a daemon asks for.
    pub const OBJECTS_MAX: usize = 10_000;
}

/// How a commit stands among the commits of its push; chooses the commands that mend it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each asked by name")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// It is the new tip of a ref.
    pub is_tip: bool,
    /// It has no parent.
    pub is_root: bool,
    /// It has more than one parent.
    pub is_merge: bool,
    /// A merge lies between it and the tip.
    pub below_merge: bool,
    /// The object is still in place at the tip (a later commit did not remove or change it).
    pub at_tip: bool,
    /// Its ref does not go on from where it stood: only a forced push moves it so.
    pub is_forced: bool,
    /// How many new commits lie above it up to the tip.
    pub commits_above: u32,
}

/// A commit in which an object appears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPlace {
    /// The commit.
    pub id: Oid,
    /// Its rank among the push's commits, ancestors first.
    pub order: u32,
    /// The first line of its message, in git's bytes; at most [`CommitPlace::SUBJECT_BYTES_MAX`].
    pub subject: Vec<u8>,
    /// The ref whose update brings it; empty where no ref of the push reaches it.
    pub ref_name: Vec<u8>,
    /// How it stands in the push.
    pub topology: Topology,
}

impl CommitPlace {
    /// The longest subject that is passed on, in bytes.
    pub const SUBJECT_BYTES_MAX: usize = 200;
}

/// A blob or tree at a path of a commit's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The commit.
    pub commit: CommitPlace,
    /// The path from the root, in git's bytes; empty for the root tree.
    pub path: Vec<u8>,
    /// For each parent in order: what stands at that path there (or at the path that an exact
    /// rename took it from); `None` where nothing does.
    pub parents: Vec<Option<Oid>>,
}

/// How an object came into the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// It was reachable from this repository's own refs before the push: it is old.
    ReachableBefore,
    /// A commit of the push puts it at a path.
    Entry(Entry),
    /// It is a commit of the push.
    Commit(CommitPlace),
    /// It is an annotated tag, and this ref (empty: none) points at it.
    Tag {
        /// The ref.
        ref_name: Vec<u8>,
    },
    /// A ref points at it directly, as a tag of a blob does.
    Ref {
        /// The ref.
        ref_name: Vec<u8>,
    },
    /// No ref reaches it.
    Unreached,
}

/// One way in which one object came into the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The object that was asked for.
    pub object: Oid,
    /// How it came.
    pub route: Route,
}

/// A CODEOWNERS file of the default branch, as it stood before the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnersFile {
    /// Its path: `.github/CODEOWNERS`, `CODEOWNERS`, `docs/CODEOWNERS`, `.gitlab/CODEOWNERS`.
    pub path: String,
    /// Its bytes; at most [`OwnersFile::BYTES_MAX`].
    pub bytes: Vec<u8>,
}

impl OwnersFile {
    /// The longest file that is sent, in bytes. GitHub ignores files over 3 MB; a frame is shorter.
    pub const BYTES_MAX: usize = 512 << 10;
}

/// What closes the answer to [`Locate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocateEnd {
    /// CODEOWNERS of the default branch's old tip, where there is one.
    pub owners: Option<OwnersFile>,
    /// Whether all places were found in time; otherwise some hits have none.
    pub complete: bool,
}

/// What a push is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// Let it in.
    Accept,
    /// Keep it out.
    Refuse,
}

/// The end of a push: only this lets it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The push's nonce.
    pub nonce: Nonce,
    /// How many objects the daemon got.
    pub objects: u64,
    /// In or out.
    pub kind: VerdictKind,
    /// What the pusher shall read; printable lines, no escape codes.
    pub text: String,
}

byte_enum! {
    /// Why the daemon gives no verdict.
    FailureCode, "failure code" {
        /// Every place and every seat in the queue is taken.
        Busy = 1 "busy",
        /// It is going down.
        ShuttingDown = 2 "shutting-down",
        /// It could not make its record durable.
        Store = 3 "store",
        /// What it read made no sense.
        Protocol = 4 "protocol",
        /// Its own deadline for a push came first.
        Deadline = 5 "deadline",
        /// The hook speaks another version.
        Version = 6 "version",
        /// A worker died.
        Internal = 7 "internal",
        /// It found something, and something else kept it from a verdict.
        Found = 8 "found",
    }
}

/// The daemon's word that there will be no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why, for programs.
    pub code: FailureCode,
    /// Why, for people.
    pub message: String,
}

/// The most objects of one [`ToDaemon::Offer`]: half a frame of the longer ids.
pub const OFFERED_MAX: usize = 16_384;

/// What the hook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToDaemon {
    /// The push's head.
    Begin(Begin),
    /// Ref updates, in the client's order; a long list takes several frames.
    RefUpdates(Vec<RefUpdate>),
    /// One push option, in the client's order.
    PushOption(Vec<u8>),
    /// A whole object of at most [`super::PIECE_BYTES_MAX`] bytes.
    Object(Object, Vec<u8>),
    /// The head of a longer object; [`ToDaemon::Piece`]s follow until its size is reached.
    ObjectStart(Object),
    /// The next piece of the object that was started.
    Piece(Vec<u8>),
    /// The object that was started cannot be read on; what came of it was sent.
    ObjectBroken(UnscannedReason),
    /// Something is not sent, and why.
    Unscanned(Unscanned),
    /// Objects that lie in the push: which of them were scanned before and found clean? At most
    /// [`OFFERED_MAX`]; the answer is awaited before anything else is said.
    Offer(Vec<Oid>),
    /// What a blob adds to one that was sent before.
    Windows(Windows),
    /// All objects are sent, or all of those that were wanted.
    End {
        /// How many objects there are; those that were wanted count once.
        objects: u64,
    },
    /// One answer to [`Locate`].
    Place(Place),
    /// The last answer to [`Locate`].
    LocateEnd(LocateEnd),
}

/// What the daemon says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromDaemon {
    /// It is there and speaks this version.
    Hello {
        /// Its [`super::VERSION`].
        version: u16,
        /// How far windows go, if it takes any.
        reach: Option<Reach>,
    },
    /// For each object of an [`ToDaemon::Offer`], in order, whether it need not be sent.
    Known(Vec<bool>),
    /// It needs objects whole of which it got windows.
    Want(Want),
    /// It has hits and asks where they come from.
    Locate(Locate),
    /// The end.
    Verdict(Verdict),
    /// There will be no verdict.
    Failure(Failure),
}
