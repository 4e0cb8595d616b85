//! The push socket: who may knock; the rest is the session's.

use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::peer::Admitted;
use crate::service::screen_push::{Gate, screen_push};

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
                if let Some(account) = account(&admitted, &stream) {
                    let gate = Arc::clone(&gate);
                    tasks.spawn(async move {
                        let outcome = screen_push(&gate, stream, account).await;
                        tracing::debug!(?outcome, "a push ended");
                    });
                }
            }
            Err(error) => super::pause_after_accept_error(&error).await,
        }
    }
}

/// A stranger's stream closes without a hello: for the hook the daemon is away.
fn account(admitted: &Admitted, stream: &UnixStream) -> Option<u32> {
    let checked = admitted.check(stream);
    if let Err(error) = &checked {
        tracing::warn!(error = error as &dyn std::error::Error, "a peer was turned away");
    }
    checked.ok()
}
