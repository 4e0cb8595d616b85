//! The push, held against what git itself sees.

mod hostile;
mod known;
mod locate;
mod outside;
mod quarantine;
mod seek;
mod windows;
