//! pushwarden: a Git server's last gate.
//!
//! The pre-receive hook streams what a push brings to a local daemon. The daemon finds
//! credentials, refuses the push, and opens an incident and a revocation ticket against the owner
//! of the identity behind the credential.
//!
//! Modules form rings, and `use crate::…` points inwards only (`tests/it/house.rs` keeps it true):
//!
//! | ring | modules |
//! |---|---|
//! | 0 light, what the hook reaches | [`wire`], [`push`], [`hook`] |
//! | 1 core, no I/O, no async | [`secret`], [`clock`], [`rule`], [`finding`], [`identity`], [`policy`], [`incident`] |
//! | 2 engine, blocking | [`scan`] |
//! | 3 effects | [`store`], [`ticket`] |
//! | 4 use cases | [`service`], [`job`] |
//! | 5 edges | [`http`], [`cli`], [`config`], [`telemetry`], [`app`] |

#[cfg(feature = "daemon")]
pub mod app;
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod clock;
#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod finding;
#[cfg(any(all(test, feature = "daemon"), feature = "fuzzing"))]
pub mod fuzzing;
pub mod hook;
#[cfg(feature = "daemon")]
pub mod http;
#[cfg(feature = "daemon")]
pub mod identity;
#[cfg(feature = "daemon")]
pub mod incident;
#[cfg(feature = "daemon")]
pub mod job;
#[cfg(feature = "daemon")]
pub mod policy;
pub mod push;
#[cfg(feature = "daemon")]
pub mod rule;
#[cfg(feature = "daemon")]
pub mod scan;
#[cfg(feature = "daemon")]
pub mod secret;
#[cfg(feature = "daemon")]
pub mod service;
#[cfg(feature = "daemon")]
pub mod store;
#[cfg(feature = "daemon")]
pub mod telemetry;
#[cfg(feature = "daemon")]
pub mod ticket;
pub mod wire;
