//! Frames over an asynchronous stream, once the hook has asked for them in HTTP.
//!
//! The upgrade request is read here and not by an HTTP server: a push is one connection, one request
//! of a fixed form and then no HTTP any more, and the answer travels with the hello, which saves a
//! small push a write, a wake-up of its hook, and a tenth of the daemon's work.

use std::io;
use std::time::Duration;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};

use crate::wire::{
    DecodeError, FRAME_BYTES_MAX, FromDaemon, ToDaemon, UPGRADE_PATH, UPGRADE_PROTOCOL,
};

/// How much is read from the socket at once: what the hook writes at once, and so one gulp of a
/// small push.
const READ_BYTES: usize = 64 << 10;

/// The longest upgrade request, in bytes; the hook's own has a hundred.
const REQUEST_BYTES_MAX: u64 = 4 << 10;

/// How long a peer may take to send its upgrade request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// What an upgrade request is answered with.
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    connection: Upgrade\r\nupgrade: pushwarden-push\r\n\r\n";

/// What any other request is answered with.
const NOT_A_PUSH: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

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
    /// It does not begin with the upgrade request.
    #[error("this is no hook: it did not ask for the push protocol")]
    NoUpgrade,
}

/// The daemon's end of a push.
pub(super) struct Link<S> {
    stream: BufReader<S>,
    payload: Vec<u8>,
    /// What goes out before the next message.
    answer: &'static [u8],
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(super) fn new(stream: S) -> Self {
        let stream = BufReader::with_capacity(READ_BYTES, stream);
        Self { stream, payload: Vec::new(), answer: &[] }
    }

    /// Reads the upgrade request. Its answer goes out with the first message.
    pub(super) async fn upgrade(&mut self) -> Result<(), LinkError> {
        let request = tokio::time::timeout(REQUEST_TIMEOUT, self.request()).await;
        let request = request.map_err(|_| LinkError::Gone(io::ErrorKind::TimedOut.into()))??;
        if !is_push(&request) {
            // Who is no hook may not be there to read it either.
            drop(self.stream.get_mut().write_all(NOT_A_PUSH).await);
            return Err(LinkError::NoUpgrade);
        }
        self.answer = UPGRADED;
        Ok(())
    }

    /// Reads up to the empty line; what follows is frames.
    async fn request(&mut self) -> Result<Vec<u8>, LinkError> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let room = REQUEST_BYTES_MAX - request.len() as u64;
            if (&mut self.stream).take(room).read_until(b'\n', &mut request).await? == 0 {
                return Err(LinkError::Gone(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Ok(request)
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
        let mut frame = std::mem::take(&mut self.answer).to_vec();
        message.write(&mut frame)?;
        self.stream.get_mut().write_all(&frame).await?;
        Ok(self.stream.get_mut().flush().await?)
    }

    /// Reads whatever the hook still sends and drops it, so that a refusal in the middle of a
    /// stream is read and not lost to a reset connection.
    pub(super) async fn drain(&mut self) {
        loop {
            match self.stream.fill_buf().await {
                Ok([]) | Err(_) => return,
                Ok(bytes) => {
                    let length = bytes.len();
                    AsyncBufRead::consume(std::pin::Pin::new(&mut self.stream), length);
                }
            }
        }
    }
}

/// Tells whether a request asks for the push protocol (RFC 9110, section 7.8).
fn is_push(request: &[u8]) -> bool {
    let Ok(request) = std::str::from_utf8(request) else {
        return false;
    };
    let mut lines = request.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let is_get = words.next() == Some("GET") && words.next() == Some(UPGRADE_PATH);
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let names_us = |(name, value): (&str, &str)| {
        name.eq_ignore_ascii_case("upgrade") && value.trim() == UPGRADE_PROTOCOL
    };
    is_get && words.next() == Some("HTTP/1.1") && headers.any(names_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UPGRADE_REQUEST;

    #[track_caller]
    fn check(request: &str, want: bool) {
        assert_eq!(is_push(request.as_bytes()), want, "{request}");
    }

    #[test]
    fn only_the_push_protocol_is_spoken() {
        check(UPGRADE_REQUEST, true);
        check("GET /push HTTP/1.1\r\nUPGRADE:pushwarden-push\r\n\r\n", true);
        check("GET /push HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", false);
        check("GET /push HTTP/1.1\r\nHost: x\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nUpgrade: pushwarden-push\r\n\r\n", false);
        check("POST /push HTTP/1.1\r\nUpgrade: pushwarden-push\r\n\r\n", false);
        check("GET /push HTTP/1.0\r\nUpgrade: pushwarden-push\r\n\r\n", false);
        check("\r\n\r\n", false);
    }

    #[tokio::test]
    async fn a_request_is_bounded_and_what_follows_it_is_kept() {
        let (mut theirs, ours) = tokio::io::duplex(64 << 10);
        let mut link = Link::new(ours);
        theirs.write_all(&[UPGRADE_REQUEST.as_bytes(), b"\x7f\0\0\0\0"].concat()).await.unwrap();
        link.upgrade().await.unwrap();
        assert!(matches!(link.hear().await, Err(LinkError::Garbage(_))));
        let (mut theirs, ours) = tokio::io::duplex(64 << 10);
        let mut link = Link::new(ours);
        theirs.write_all(&[b'x'; 8 << 10]).await.unwrap();
        assert!(matches!(link.upgrade().await, Err(LinkError::Gone(_))));
    }
}
