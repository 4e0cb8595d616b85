//! The spool entry that stands for a push which policy let in unscanned.
//!
//! ```text
//! pushwarden-accepted 1\n
//! frame Begin, frame RefUpdates, frame RefUpdates, …      (to the end of the file)
//! ```
//!
//! The hook writes it when the daemon is away and `on_unavailable = accept`; the daemon reads it
//! when it is back. Its author is the git account: what it claims is recorded, and proves nothing.

use std::io::{self, Read, Write};

use super::{Begin, DecodeError, FrameError, Nonce, RefUpdate, ToDaemon, read_frame};

/// The first line of a spool entry, with the version of its format.
pub const ACCEPTED_MAGIC: &[u8] = b"pushwarden-accepted 1\n";

/// The most ref updates in an entry: what a hook takes from git.
pub const REF_UPDATES_MAX: usize = 100_000;

/// The most tips that a push may have which is let in without a full scan: each is scanned later, and
/// none may be left out.
pub const TIPS_MAX: usize = 1_000;

/// The bytes of ref updates after which another frame begins; far below the frame limit, so that
/// the last one always fits.
const FRAME_BYTES_AIM: usize = 512 << 10;

/// A push that was let in unscanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The push's head.
    pub begin: Begin,
    /// Its ref updates, in the client's order.
    pub updates: Vec<RefUpdate>,
}

/// Why a spool entry cannot be read.
#[derive(Debug)]
pub enum AcceptedError {
    /// The file fails or ends too early.
    Read(io::Error),
    /// It does not begin with [`ACCEPTED_MAGIC`].
    Magic,
    /// A frame does not decode.
    Decode(DecodeError),
    /// A frame is over the limit.
    Frame(FrameError),
    /// A frame of another kind stands where `Begin` or ref updates should.
    Order,
    /// It holds more than [`REF_UPDATES_MAX`] ref updates.
    TooMany,
}

impl std::fmt::Display for AcceptedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read(_) => "cannot read the spool entry",
            Self::Magic => "the spool entry has an unknown format",
            Self::Decode(_) | Self::Frame(_) => "the spool entry is damaged",
            Self::Order => "the spool entry holds frames that do not belong there",
            Self::TooMany => "the spool entry holds too many ref updates",
        })
    }
}

impl std::error::Error for AcceptedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Frame(error) => Some(error),
            Self::Magic | Self::Order | Self::TooMany => None,
        }
    }
}

impl Accepted {
    /// Returns the name of the entry's file.
    pub fn file_name(nonce: Nonce) -> String {
        format!("{nonce}.accepted")
    }

    /// Writes the entry.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(ACCEPTED_MAGIC)?;
        ToDaemon::Begin(self.begin.clone()).write(out)?;
        write_ref_updates(&self.updates, out)
    }

    /// Reads an entry, to the end of `input`.
    pub fn read(input: &mut impl Read) -> Result<Self, AcceptedError> {
        let mut magic = [0; ACCEPTED_MAGIC.len()];
        input.read_exact(&mut magic).map_err(AcceptedError::Read)?;
        if magic != ACCEPTED_MAGIC {
            return Err(AcceptedError::Magic);
        }
        let mut payload = Vec::new();
        let kind = read_frame(input, &mut payload).map_err(AcceptedError::Frame)?;
        let ToDaemon::Begin(begin) = decode(kind, &payload)? else {
            return Err(AcceptedError::Order);
        };
        let updates = Self::read_updates(input, payload)?;
        Ok(Self { begin, updates })
    }

    fn read_updates(
        input: &mut impl Read,
        mut payload: Vec<u8>,
    ) -> Result<Vec<RefUpdate>, AcceptedError> {
        let mut updates = Vec::new();
        loop {
            let mut first = [0];
            if input.read(&mut first).map_err(AcceptedError::Read)? == 0 {
                return Ok(updates);
            }
            let mut frame = first.as_slice().chain(&mut *input);
            let kind = read_frame(&mut frame, &mut payload).map_err(AcceptedError::Frame)?;
            let ToDaemon::RefUpdates(more) = decode(kind, &payload)? else {
                return Err(AcceptedError::Order);
            };
            updates.extend(more);
            if updates.len() > REF_UPDATES_MAX {
                return Err(AcceptedError::TooMany);
            }
        }
    }
}

/// Returns the ref updates that bring something.
pub fn tips(updates: &[RefUpdate]) -> impl Iterator<Item = &RefUpdate> {
    updates.iter().filter(|update| !update.new.is_null())
}

fn decode(kind: u8, payload: &[u8]) -> Result<ToDaemon, AcceptedError> {
    ToDaemon::decode(kind, payload).map_err(AcceptedError::Decode)
}

/// Writes ref updates in as many frames as they take.
///
/// A single update must fit a frame: names are at most 64 KiB long, git's own packet limit.
pub fn write_ref_updates(updates: &[RefUpdate], out: &mut impl Write) -> io::Result<()> {
    let mut bytes = 0;
    let frames = updates.chunk_by(|update, _| {
        bytes += 128 + update.name.len();
        let fits = bytes < FRAME_BYTES_AIM;
        if !fits {
            bytes = 0;
        }
        fits
    });
    for frame in frames {
        ToDaemon::RefUpdates(frame.to_vec()).write(out)?;
    }
    Ok(())
}
