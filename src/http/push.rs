//! The push socket: an HTTP/1.1 upgrade, then the push protocol and nothing else.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::peer::Admitted;
use crate::service::screen_push::{Gate, screen_push};
use crate::wire::{UPGRADE_PATH, UPGRADE_PROTOCOL};

/// How long a peer may take to send its upgrade request.
const HEADER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Serves pushes until `stop` is cancelled; pushes under way live on in `tasks`.
pub async fn serve(
    listener: UnixListener,
    admitted: Admitted,
    gate: Arc<Gate>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => {
                let door = Door { admitted: admitted.clone(), gate: Arc::clone(&gate) };
                tasks.spawn(door.receive(stream, tasks.clone()));
            }
            Err(error) => super::pause_after_accept_error(&error).await,
        }
    }
}

/// What one connection needs.
struct Door {
    admitted: Admitted,
    gate: Arc<Gate>,
}

impl Door {
    async fn receive(self, stream: UnixStream, tasks: TaskTracker) {
        if let Err(error) = self.admitted.check(&stream) {
            // The stream closes without a hello: for the hook the daemon is away.
            tracing::warn!(error = &error as &dyn std::error::Error, "a peer was turned away");
            return;
        }
        let answer = service_fn(|request| {
            let response = self.upgrade(request, &tasks);
            async move { Ok::<_, Infallible>(response) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades();
        if let Err(error) = served.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke");
        }
    }

    /// Answers the upgrade request and hands the stream to the session.
    fn upgrade(&self, request: Request<Incoming>, tasks: &TaskTracker) -> Response<Empty<Bytes>> {
        let mut response = Response::new(Empty::new());
        if !is_push(&request) {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        }
        let gate = Arc::clone(&self.gate);
        tasks.spawn(async move {
            match hyper::upgrade::on(request).await {
                Ok(stream) => {
                    let outcome = screen_push(&gate, TokioIo::new(stream)).await;
                    tracing::debug!(?outcome, "a push ended");
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "no upgrade");
                }
            }
        });
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, hyper::header::HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, hyper::header::HeaderValue::from_static(UPGRADE_PROTOCOL));
        response
    }
}

fn is_push(request: &Request<Incoming>) -> bool {
    let protocol = request.headers().get(UPGRADE).map(hyper::header::HeaderValue::as_bytes);
    request.uri().path() == UPGRADE_PATH && protocol == Some(UPGRADE_PROTOCOL.as_bytes())
}
