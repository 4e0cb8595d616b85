//! The daemon's two doors.
//!
//! | socket | who | speaks |
//! |---|---|---|
//! | push | the git account, by its uid | the push protocol alone ([`push`]) |
//! | admin | administrators, by their uid | a JSON API ([`admin`]), whose client is the CLI |
//!
//! Nothing here decides anything: requests become calls of [`crate::service`], answers become bytes.

pub mod admin;
pub mod client;
pub mod peer;
pub mod push;

/// Waits a moment after a failed accept: what failed (file descriptors run out, most often) needs
/// time to pass, and a loop that spins would not give it any.
async fn pause_after_accept_error(error: &std::io::Error) {
    tracing::error!(error = error as &dyn std::error::Error, "cannot accept a connection");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}
