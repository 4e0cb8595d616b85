//! End-to-end tests: real git, real servers, the real daemon, hook and command line.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::format_collect,
    clippy::items_after_statements,
    clippy::missing_panics_doc,
    clippy::similar_names,
    reason = "all of this is test code: a panic is a failed test, and modules share their items"
)]

mod api;
mod attack;
mod cli;
mod evasion;
mod failure;
mod fair;
mod forge;
mod fork;
mod gate;
mod hostile;
mod house;
mod install;
mod known;
mod ledger;
mod limits;
mod memory;
mod old;
mod owner;
mod peer;
mod refusal;
mod rescan;
mod scene;
mod smuggle;
mod spool;
mod state;
mod stop;
mod stranger;
mod token;
mod transport;
mod triage;
mod windows;
