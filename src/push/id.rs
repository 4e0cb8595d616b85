//! Object ids and kinds, between our wire types and gix's.

use crate::wire::{HashKind, ObjectKind, Oid};

/// Returns gix's form of an id.
pub(super) fn to_gix(id: Oid) -> gix::ObjectId {
    gix::ObjectId::try_from(id.as_bytes()).expect("an `Oid` has 20 or 32 bytes")
}

/// Returns our form of an id.
pub(super) fn from_gix(id: &gix::oid) -> Oid {
    Oid::from_bytes(id.as_bytes()).expect("gix ids have 20 or 32 bytes")
}

/// Returns gix's form of a hash function.
pub(super) fn hash_to_gix(hash: HashKind) -> gix::hash::Kind {
    match hash {
        HashKind::Sha1 => gix::hash::Kind::Sha1,
        HashKind::Sha256 => gix::hash::Kind::Sha256,
    }
}

/// Returns our form of an object's kind.
pub(super) fn kind_from_gix(kind: gix::objs::Kind) -> ObjectKind {
    match kind {
        gix::objs::Kind::Blob => ObjectKind::Blob,
        gix::objs::Kind::Tree => ObjectKind::Tree,
        gix::objs::Kind::Commit => ObjectKind::Commit,
        gix::objs::Kind::Tag => ObjectKind::Tag,
    }
}

/// Returns the number of bytes of an id.
pub(super) fn length(hash: HashKind) -> usize {
    match hash {
        HashKind::Sha1 => 20,
        HashKind::Sha256 => 32,
    }
}
