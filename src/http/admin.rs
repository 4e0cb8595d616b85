//! The admin socket: a JSON API for triage, whose client is the command line.
//!
//! Every answer is the JSON that `--format json` prints. Who acts is the peer's uid, which the
//! kernel vouches for; there is no other log-in here.

mod error;
mod extract;
mod routes;

use std::sync::Arc;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::peer::{Admitted, account_name};
use crate::incident::Actor;
use crate::service::inventory::Inventory;
use crate::service::triage::Triage;
use crate::store::Store;

pub use error::{ApiError, ErrorBody, ErrorDetail};

/// What the routes work on.
#[derive(Clone)]
pub struct Admin {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The verbs that need a second person.
    pub triage: Triage,
    /// Known secrets.
    pub inventory: Arc<Inventory>,
}

/// Serves the API until `stop` is cancelled; requests under way live on in `tasks`.
pub async fn serve(
    listener: UnixListener,
    admitted: Admitted,
    admin: Admin,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let router = routes::router().with_state(admin);
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => {
                let (router, admitted) = (router.clone(), admitted.clone());
                tasks.spawn(receive(stream, admitted, router, stop.clone()));
            }
            Err(error) => super::pause_after_accept_error(&error).await,
        }
    }
}

async fn receive(stream: UnixStream, admitted: Admitted, router: Router, stop: CancellationToken) {
    let actor = match admitted.check(&stream) {
        Ok(uid) => Actor::Admin(account_name(uid)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a peer was turned away");
            return;
        }
    };
    let service = TowerToHyperService::new(router.layer(Extension(actor)));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(error = &error as &dyn std::error::Error, "an admin connection broke");
    }
}
