//! What the annotated tags of a push point at, as far as its answer needs that: a person who replaces a
//! commit makes the tags upon it anew.

use std::collections::HashMap;

use crate::scan::unit::tag_ids;
use crate::wire::{Object, ObjectKind, Oid};

/// The most tags that are remembered: an answer names a few.
const TAGS_MAX: usize = 1_000;

/// The most tags that are followed from one to the next.
const TAG_DEPTH_MAX: usize = 64;

/// For each tag, what it points at.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags(HashMap<Oid, Oid>);

impl Tags {
    /// Takes note of an object, if it is a tag.
    pub(super) fn learn(&mut self, object: &Object, bytes: &[u8]) {
        if object.kind != ObjectKind::Tag || self.0.len() == TAGS_MAX {
            return;
        }
        let id = tag_ids(bytes).into_iter().next();
        if let Some(target) = id.and_then(|id| Oid::from_hex(bytes.get(id)?)) {
            self.0.insert(object.id, target);
        }
    }

    /// Returns what `id` leads to; itself if it is no tag of this push.
    pub(super) fn follow(&self, id: Oid) -> Oid {
        let next = |id: &Oid| self.0.get(id).copied();
        let chain = std::iter::successors(Some(id), next).take(TAG_DEPTH_MAX);
        chain.last().unwrap_or(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_lead_to_what_the_last_one_names() {
        let oid = |byte| Oid::from_bytes(&[byte; 20]).unwrap();
        let tag = |byte| Object { id: oid(byte), kind: ObjectKind::Tag, size: 0 };
        let mut tags = Tags::default();
        tags.learn(&tag(1), format!("object {}\ntype tag\n", oid(2)).as_bytes());
        tags.learn(&tag(2), format!("object {}\ntype commit\n", oid(3)).as_bytes());
        tags.learn(&tag(4), b"no tag");
        assert_eq!([1, 2, 3, 4].map(|byte| tags.follow(oid(byte))), [3, 3, 3, 4].map(oid));
        tags.learn(&tag(3), format!("object {}\n", oid(1)).as_bytes());
        tags.follow(oid(1));
    }
}
