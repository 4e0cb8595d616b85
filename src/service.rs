//! The use cases: one file and one public entry each.
//!
//! | use case | entry |
//! |---|---|
//! | a push comes in | [`screen_push::screen_push`] |
//! | what hooks left in the spool comes in | [`ingest::ingest`] |
//! | what was not scanned is scanned | [`rescan::Rescanner`] |
//! | triage clears a value, or gives a grant | [`triage::Triage`] |
//! | the organisation's own values | [`inventory::Inventory`] |

pub mod ingest;
pub mod inventory;
pub mod ledger;
pub mod recorder;
pub mod refusal;
pub mod rescan;
pub mod screen_push;
pub mod spool;
pub mod ticket_text;
pub mod triage;
mod unscanned;
