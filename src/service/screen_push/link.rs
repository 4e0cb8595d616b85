//! Frames over an asynchronous stream.

use std::io;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::wire::{DecodeError, FRAME_BYTES_MAX, FromDaemon, ToDaemon};

/// How much is read from the socket at once: several frames of a large push, one gulp of a small
/// one.
const READ_BYTES: usize = 128 << 10;

/// Why the hook's next message is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The stream failed or ended.
    #[error("the hook went away")]
    Gone(#[from] io::Error),
    /// A frame is longer than the limit.
    #[error("a frame of {0} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLong(usize),
    /// A frame does not decode.
    #[error("the hook sent a frame that does not decode")]
    Garbage(#[from] DecodeError),
}

/// The daemon's end of a push.
pub(super) struct Link<S> {
    stream: BufReader<S>,
    payload: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufReader::with_capacity(READ_BYTES, stream), payload: Vec::new() }
    }

    /// Waits for the hook's next message.
    pub(super) async fn hear(&mut self) -> Result<ToDaemon, LinkError> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).await?;
        let [kind, a, b, c, d] = head;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(LinkError::TooLong(length));
        }
        self.payload.resize(length, 0);
        self.stream.read_exact(&mut self.payload).await?;
        Ok(ToDaemon::decode(kind, &self.payload)?)
    }

    /// Says something to the hook.
    pub(super) async fn say(&mut self, message: &FromDaemon) -> Result<(), LinkError> {
        let mut frame = Vec::new();
        message.write(&mut frame)?;
        self.stream.get_mut().write_all(&frame).await?;
        Ok(self.stream.get_mut().flush().await?)
    }

    /// Reads whatever the hook still sends and drops it, so that a refusal in the middle of a
    /// stream is read and not lost to a reset connection.
    pub(super) async fn drain(&mut self) {
        loop {
            match tokio::io::AsyncBufReadExt::fill_buf(&mut self.stream).await {
                Ok([]) | Err(_) => return,
                Ok(bytes) => {
                    let length = bytes.len();
                    AsyncBufRead::consume(std::pin::Pin::new(&mut self.stream), length);
                }
            }
        }
    }
}
