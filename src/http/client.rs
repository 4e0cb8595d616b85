//! The command line's end of the admin socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::admin::{ErrorBody, ErrorDetail};

/// How long a request may take; verifying a long audit chain is the slowest.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The longest answer: a page of the largest list.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The daemon is not there.
    #[error("cannot reach the daemon on {socket}")]
    Away {
        /// The admin socket.
        socket: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It closed the connection without an answer.
    #[error("the daemon on {socket} turned this account away")]
    TurnedAway {
        /// The admin socket.
        socket: PathBuf,
    },
    /// It did not answer in time.
    #[error("the daemon did not answer within {} seconds", TIMEOUT.as_secs())]
    Slow,
    /// Its answer makes no sense.
    #[error("the daemon's answer makes no sense: {0}")]
    Garbage(String),
    /// It said no.
    #[error("{}", .0.message)]
    Refused(ErrorDetail),
}

impl ClientError {
    /// Returns the error as the API would say it.
    pub fn detail(&self) -> ErrorDetail {
        let (code, remedy) = match self {
            Self::Refused(detail) => return detail.clone(),
            Self::Away { .. } => ("daemon-away", "start it: `pushwarden serve`, or systemctl"),
            Self::TurnedAway { .. } => {
                ("turned-away", "name your account under [admin] `accounts` and restart the daemon")
            }
            Self::Slow => ("slow", "ask again; `pushwarden doctor` tells more"),
            Self::Garbage(_) => ("garbage", "use the same version of command line and daemon"),
        };
        let message = self.to_string();
        ErrorDetail { code: code.to_owned(), message, remedy: remedy.to_owned() }
    }
}

/// A client of the admin socket.
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// Names the socket; nothing is connected yet.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If the daemon is away or says no.
    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.ask(Method::GET, path, Bytes::new())
    }

    /// Tells something.
    ///
    /// # Errors
    /// If the daemon is away or says no.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(Method::POST, path, Bytes::from(body.to_string()))
    }

    fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Value, ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(hyper::header::HOST, "pushwarden")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| ClientError::Garbage(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let away = |source| ClientError::Away { socket: self.socket.clone(), source };
        let exchange = async { tokio::time::timeout(TIMEOUT, self.exchange(request)).await };
        runtime.map_err(away)?.block_on(exchange).map_err(|_| ClientError::Slow)?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Value, ClientError> {
        let away = |source| ClientError::Away { socket: self.socket.clone(), source };
        let turned_away = |_| ClientError::TurnedAway { socket: self.socket.clone() };
        let stream = UnixStream::connect(&self.socket).await.map_err(away)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(turned_away)?;
        let mut driven = tokio::task::JoinSet::new();
        driven.spawn(connection);
        let response = sender.send_request(request).await.map_err(turned_away)?;
        let good = response.status().is_success();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| ClientError::Garbage(error.to_string()))?.to_bytes();
        let garbage = |error: serde_json::Error| ClientError::Garbage(error.to_string());
        if good {
            return serde_json::from_slice(&body).map_err(garbage);
        }
        let refused: ErrorBody = serde_json::from_slice(&body).map_err(garbage)?;
        Err(ClientError::Refused(refused.error))
    }
}
