//! What a push may cost the hook.

/// The limits of one push. Reaching one is an `Unscanned` with its reason, never silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most objects. The largest public histories have about 10 million.
    pub objects_max: u64,
    /// The most inflated bytes: what a bomb may cost, far above what a deadline lets through.
    pub inflated_bytes_max: u64,
    /// The longest delta chain. git itself writes at most 4,095.
    pub delta_depth_max: u32,
    /// The most bytes of delta bases in memory; more go to the scratch file.
    pub memory_bytes_max: u64,
    /// The longest scratch file, in bytes.
    pub scratch_bytes_max: u64,
    /// The most places that are named for one object, earliest first, where they are the same but
    /// for their path and commit. A reader follows a few; the rest says "and more".
    pub places_per_object_max: usize,
    /// The most places of one object where the parents' versions differ: each decides by itself
    /// whether something is old. Beyond it the answer is incomplete.
    pub versions_per_object_max: usize,
    /// The least objects of a pack that are offered before they are sent: with fewer, the answer
    /// takes longer than the scan.
    pub offer_objects_min: u32,
    /// The least bytes of a pack whose objects are offered.
    pub offer_bytes_min: u64,
    /// The least objects outside the quarantine that are offered: each has to be sought by itself.
    pub offer_outside_min: usize,
    /// The most tree entries that are looked at to find places: a tree of trees can name 10^10
    /// paths in a few kilobytes.
    pub entries_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects_max: 16_000_000,
            inflated_bytes_max: 256 << 30,
            delta_depth_max: 8_192,
            memory_bytes_max: 64 << 20,
            scratch_bytes_max: 16 << 30,
            places_per_object_max: 50,
            versions_per_object_max: 1_000,
            offer_objects_min: 1_000,
            offer_bytes_min: 8 << 20,
            offer_outside_min: 64,
            entries_max: 200_000_000,
        }
    }
}
