//! A frame of Zstandard, read so that damage does not take back what was read before it.
//!
//! ruzstd keeps a window of what it decoded until the frame ends or more comes, and a frame that
//! breaks off does neither. It is then ended by an empty last block of ours, and gives what it has.

use std::io::{self, Read};

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Input, ZSTD_WINDOW_BYTES_MAX};

/// A block that is the last and holds nothing, and a checksum, which is not looked at.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(super) struct Frame<'a> {
    decoder: FrameDecoder,
    input: Input<'a>,
    damage: Option<FrameDecoderError>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(mut input: Input<'a>) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_BYTES_MAX);
        decoder.init(&mut input).map_err(|error| io::Error::from(kind(&error)))?;
        Ok(Self { decoder, input, damage: None })
    }

    fn decode_block(&mut self) {
        let one = || BlockDecodingStrategy::UptoBlocks(1);
        if let Err(damage) = self.decoder.decode_blocks(&mut self.input, one()) {
            // Whether that works makes no difference to what is told.
            let _ended = self.decoder.decode_blocks(LAST_BLOCK.as_slice(), one()).is_ok();
            self.damage = Some(damage);
        }
    }
}

impl Read for Frame<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            if let Some(damage) = &self.damage {
                return Err(kind(damage).into());
            }
            if self.decoder.is_finished() {
                return Ok(0);
            }
            self.decode_block();
        }
    }
}

fn kind(error: &FrameDecoderError) -> io::ErrorKind {
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } => io::ErrorKind::OutOfMemory,
        FrameDecoderError::DictNotProvided { .. } => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::InvalidData,
    }
}
