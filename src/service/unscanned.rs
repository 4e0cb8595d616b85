//! What the protocol says of something that was not scanned, as the store keeps it.

use crate::store::UnscannedItem;
use crate::wire::{Oid, RefUpdate, UnscannedReason};

/// Describes what was not scanned for `reason`.
pub(super) fn item(object: Option<Oid>, reason: UnscannedReason, detail: String) -> UnscannedItem {
    let (object, again) = (object.map(|object| object.to_string()), reason.may_pass_later());
    UnscannedItem { object, old: None, reason: reason.to_string(), detail, again }
}

/// Describes a tip of which all that it brought was not scanned.
pub(super) fn tip(update: &RefUpdate, reason: UnscannedReason, detail: String) -> UnscannedItem {
    UnscannedItem { old: Some(update.old.to_string()), ..item(Some(update.new), reason, detail) }
}

/// Describes what a spool entry says was not scanned. A reason that is not known here may pass.
pub(super) fn claimed(
    object: Option<String>,
    old: Option<String>,
    reason: String,
    detail: String,
) -> UnscannedItem {
    let known = UnscannedReason::ALL.iter().find(|known| known.as_str() == reason);
    let again = known.is_none_or(|reason| reason.may_pass_later());
    UnscannedItem { object, old, reason, detail, again }
}
