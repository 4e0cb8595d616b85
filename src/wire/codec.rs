//! Frames, and the few shapes that payloads are made of.

use std::io::{self, Read, Write};

use super::FRAME_BYTES_MAX;

/// Why a payload does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It ends before the named field does.
    Short(&'static str),
    /// The named field has a value outside its range.
    Range(&'static str),
    /// It goes on after its last field.
    Trailing,
    /// Its type is not known in this version.
    UnknownType(u8),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Short(field) => write!(f, "the frame ends inside `{field}`"),
            Self::Range(field) => write!(f, "`{field}` is out of range"),
            Self::Trailing => f.write_str("the frame goes on after its last field"),
            Self::UnknownType(kind) => write!(f, "frame type {kind} is unknown"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Why a frame could not be read.
#[derive(Debug)]
pub enum FrameError {
    /// The stream failed or ended.
    Io(io::Error),
    /// The frame is longer than [`FRAME_BYTES_MAX`].
    TooLong(u32),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(_) => f.write_str("cannot read a frame"),
            Self::TooLong(bytes) => {
                write!(f, "a frame of {bytes} bytes is over the limit of {FRAME_BYTES_MAX}")
            }
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::TooLong(_) => None,
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads one frame into `payload`, whose old content is dropped, and returns the frame's type.
pub fn read_frame(stream: &mut impl Read, payload: &mut Vec<u8>) -> Result<u8, FrameError> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [kind, a, b, c, d] = head;
    let bytes = u32::from_le_bytes([a, b, c, d]);
    let length = usize::try_from(bytes).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(bytes));
    }
    payload.clear();
    payload.resize(length, 0);
    stream.read_exact(payload)?;
    Ok(kind)
}

/// Writes one frame.
///
/// # Panics
/// If `payload` is longer than [`FRAME_BYTES_MAX`]: encoders keep to it.
pub fn write_frame(stream: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    assert!(payload.len() <= FRAME_BYTES_MAX, "encoders keep payloads below the frame limit");
    let length = u32::try_from(payload.len()).expect("checked against the frame limit");
    let [a, b, c, d] = length.to_le_bytes();
    stream.write_all(&[kind, a, b, c, d])?;
    stream.write_all(payload)
}

/// Builds a payload.
#[derive(Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Returns what was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).expect("fields are far below 4 GiB"));
        self.raw(bytes);
    }

    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(super) fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.u32(u32::try_from(values.len()).expect("lists are far below 4 billion"));
        for value in values {
            write(self, value);
        }
    }
}

/// Reads a payload, field by field.
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Starts at the beginning of `payload`.
    pub fn new(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    /// Checks that nothing is left.
    pub fn end(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn raw(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short(field))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let taken = self.raw(N, field)?;
        Ok(taken.try_into().expect("`raw` returned N bytes"))
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Range(field)),
        }
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub(super) fn nonce(&mut self) -> Result<[u8; 16], DecodeError> {
        self.array("nonce")
    }

    pub(super) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.u32(field)?).map_err(|_| DecodeError::Range(field))?;
        self.raw(length, field)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<String, DecodeError> {
        let bytes = self.bytes(field)?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::Range(field))?;
        Ok(text.to_owned())
    }

    pub(super) fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.bool(field)? { read(self).map(Some) } else { Ok(None) }
    }

    /// Reads a list. Its capacity follows what is really there, not what the count claims.
    pub(super) fn list<T>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u32(field)?;
        let mut list = Vec::new();
        for _ in 0..count {
            if self.0.is_empty() {
                return Err(DecodeError::Short(field));
            }
            list.push(read(self)?);
        }
        Ok(list)
    }
}
