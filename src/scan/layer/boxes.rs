//! Boxes: a stand-in until they can be opened.

use std::borrow::Cow;

use super::{Budget, LeftOut};

/// A kind of box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {}

impl Format {
    /// Returns the name that a finding's layers show.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {}
    }
}

/// What stands in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Whose part it is.
    pub label: Label<'a>,
    /// Its bytes.
    pub bytes: Cow<'a, [u8]>,
}

/// Which part of a box is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// What it is to its format.
    pub what: &'static str,
    /// The name that the box gives it.
    pub name: Option<&'a [u8]>,
    /// Where in the box it begins.
    pub at: usize,
}

/// What an opened box gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out<'a> {
    /// A part.
    Part(Part<'a>),
    /// A part that did not come out, or not all of it.
    LeftOut {
        /// Why.
        why: LeftOut,
        /// Which.
        label: Label<'a>,
    },
}

/// Returns the formats that `bytes` are to be opened as.
pub fn sniff(_bytes: &[u8]) -> impl Iterator<Item = Format> + use<> {
    std::iter::empty()
}

/// Opens `bytes` as `format`, and passes what comes out on to `sink`.
pub fn open(format: Format, _bytes: &[u8], _budget: &mut Budget, _sink: &mut dyn FnMut(Out<'_>)) {
    match format {}
}
