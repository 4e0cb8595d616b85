//! What hooks and daemons say, and what hooks leave in the spool.

use crate::service::spool::Claim;
use crate::wire::{Accepted, DecodeError, FromDaemon, ToDaemon, escape, read_frame};

/// Reads a frame to the daemon: its kind, then its payload.
pub(super) fn to_daemon(bytes: &[u8]) {
    both_ways(bytes, ToDaemon::decode, ToDaemon::write);
}

/// Reads a frame from the daemon.
pub(super) fn from_daemon(bytes: &[u8]) {
    both_ways(bytes, FromDaemon::decode, FromDaemon::write);
}

/// What decodes is written as a frame that decodes to the same.
fn both_ways<M: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    decode: fn(u8, &[u8]) -> Result<M, DecodeError>,
    write: fn(&M, &mut Vec<u8>) -> std::io::Result<()>,
) {
    let mut payload = Vec::new();
    // The same bytes as a stream of frames, whatever their lengths say.
    let mut stream = bytes;
    while let Ok(kind) = read_frame(&mut stream, &mut payload) {
        drop(decode(kind, &payload));
    }
    let Some((&kind, content)) = bytes.split_first() else { return };
    let Ok(message) = decode(kind, content) else { return };
    let mut frame = Vec::new();
    write(&message, &mut frame).expect("memory has room");
    let again = read_frame(&mut frame.as_slice(), &mut payload).expect("a frame was written");
    assert_eq!(decode(again, &payload), Ok(message), "what is written reads the same");
}

/// Reads the record of a push that was let in unscanned.
pub(super) fn accepted(bytes: &[u8]) {
    let Ok(accepted) = Accepted::read(&mut &*bytes) else { return };
    let mut again = Vec::new();
    accepted.write(&mut again).expect("memory has room");
    let again = Accepted::read(&mut again.as_slice()).expect("what is written can be read");
    assert_eq!(again, accepted, "and reads the same");
}

/// Reads a claim that a local screening left, once it is unsealed.
pub(super) fn claim(bytes: &[u8]) {
    if let Ok(claim) = Claim::parse(bytes) {
        claim.findings.iter().for_each(|finding| drop(finding.clear()));
    }
}

/// Prints names that a pusher chose.
pub(super) fn names(bytes: &[u8]) {
    for columns_max in [10, 72, 1_000] {
        let line = escape::line(bytes, columns_max);
        assert!(escape::columns(&line) <= columns_max, "a line is no longer than it may be");
        assert!(!line.contains(char::is_control), "nothing moves the cursor");
    }
    if let Some(word) = escape::shell(bytes) {
        assert!(!word.contains(char::is_control), "nothing moves the cursor");
    }
}
