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

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod finding;
pub mod hook;
pub mod http;
pub mod identity;
pub mod incident;
pub mod job;
pub mod policy;
pub mod push;
pub mod rule;
pub mod scan;
pub mod secret;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod ticket;
pub mod wire;
