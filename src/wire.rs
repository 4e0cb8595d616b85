//! What hook and daemon say to each other on the push socket.
//!
//! The hook opens with an HTTP/1.1 upgrade request ([`UPGRADE_REQUEST`]); from then on both sides
//! speak frames: one byte of type, four bytes of length (little endian), the payload.
//!
//! ```text
//! hook                                   daemon
//!   upgrade, Begin, RefUpdates…,
//!   PushOption…, Object…     ─────────►
//!                            ◄─────────  101, Hello          within hello_timeout
//!   Offer                    ─────────►                      many objects: which are known?
//!                            ◄─────────  Known               those are not sent
//!   Object…, Windows…, End   ─────────►
//!                            ◄─────────  Want                windows that say too little
//!   Object…, End             ─────────►
//!                            ◄─────────  Verdict             clean: done
//!                            ◄─────────  Locate              hits: where do they come from?
//!   Place…, Object…, LocateEnd ───────►                      parents' versions as objects
//!                            ◄─────────  Verdict
//! ```
//!
//! At any moment the daemon may answer [`FromDaemon::Failure`] instead. A peer's bytes are hostile:
//! each length is checked against a named limit before anything is allocated, and what does not
//! decode is a [`DecodeError`], never a guess.

mod codec;
mod count;
pub mod escape;
mod frame;
mod message;
mod spool;
#[cfg(test)]
mod tests;

pub use codec::{DecodeError, Decoder, Encoder, FrameError, read_frame, write_frame};
pub use count::count;
pub use message::{
    Begin, CommitPlace, Entry, Failure, FailureCode, FromDaemon, HashKind, Locate, LocateEnd,
    Nonce, OFFERED_MAX, Object, ObjectKind, Oid, OwnersFile, Place, Pusher, PusherSource, Reach,
    RefUpdate, Route, Server, ToDaemon, Topology, Trust, Unscanned, UnscannedReason, Verdict,
    VerdictKind, Want, Windows,
};
pub use spool::{
    ACCEPTED_MAGIC, Accepted, AcceptedError, REF_UPDATES_MAX, TIPS_MAX, tips, write_ref_updates,
};

/// The version of the protocol; the two sides of a push are installed together, so it must match.
pub const VERSION: u16 = 2;

/// The longest payload of a frame, in bytes. Bounds what a peer can make us allocate.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// The longest object, in bytes, that travels in one frame, and the length of a piece of a longer
/// one.
pub const PIECE_BYTES_MAX: usize = 64 << 10;

/// The path of the upgrade request.
pub const UPGRADE_PATH: &str = "/push";

/// The protocol's name in the `Upgrade` header.
pub const UPGRADE_PROTOCOL: &str = "pushwarden-push";

/// What the hook writes first.
pub const UPGRADE_REQUEST: &str = "GET /push HTTP/1.1\r\nHost: pushwarden\r\n\
     Connection: Upgrade\r\nUpgrade: pushwarden-push\r\n\r\n";
