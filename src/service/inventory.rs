//! Known secrets: values that the organisation knows, caught whatever their shape.
//!
//! ```text
//! push ──► tokens ──► SipHash tag ──► Bloom filter ──"maybe"──► store: HMAC
//!                                        └ no: done, the case of all but a few tokens
//! ```
//!
//! The filter holds tags, not values, and its answer alone never accepts or refuses anything. It is
//! rebuilt from the store's tags at start and whenever the inventory grows.

use std::collections::{HashMap, HashSet};
use std::hash::Hasher;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bloomfilter::Bloom;
use siphasher::sip::SipHasher13;

use crate::clock::{Clock, Timestamp};
use crate::incident::Actor;
use crate::scan::{self, Lengths, Tokenisable};
use crate::secret::{Fingerprint, FingerprintKey, Secret};
use crate::store::{KnownEpoch, KnownMatch, KnownSecret, NewKnownSecret, Store, StoreError};

/// The share of foreign tokens that the filter lets through to the store.
const FALSE_POSITIVE_RATE: f64 = 0.001;

/// The filter is sized for at least this many values, so that a few additions need no rebuild.
const CAPACITY_MIN: usize = 1_024;

/// The filter's own hash seed. Public: the tags that it hashes are keyed already.
const SEED: &[u8; 32] = b"pushwarden inventory filter v1\0\0";

/// The shortest value that may be a known secret, in bytes; shorter ones stand in innocent text by
/// chance. The tokeniser's own minimum.
pub const VALUE_BYTES_MIN: usize = scan::TOKEN_BYTES_MIN;

/// The longest, in bytes. The tokeniser's own maximum.
pub const VALUE_BYTES_MAX: usize = scan::TOKEN_BYTES_MAX;

/// The longest name of a known secret, in bytes: it stands in refusals, on one line.
pub const NAME_BYTES_MAX: usize = 200;

/// How long a canary value may be pushed after it was issued.
const CANARY_LIFETIME: Duration = Duration::from_mins(10);

/// The most canary values outstanding at once; beyond it the daemon issues none.
const CANARIES_MAX: usize = 10_000;

/// What a token turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// A value of the inventory, or one that leaked here before.
    Secret(Box<KnownMatch>),
    /// A canary that proves a hook, by its id.
    Canary(String),
}

/// A value that the inventory shall know.
pub struct NewSecret {
    /// What people call it; unique: `payments/db`.
    pub name: String,
    /// The identity it belongs to.
    pub identity: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The provider's name for the credential, which is no secret.
    pub key_id: Option<String>,
    /// The value.
    pub value: Secret<Vec<u8>>,
}

/// What became of values that the inventory was given.
#[derive(serde::Serialize)]
pub struct Added {
    /// Those that it knows now.
    pub added: Vec<KnownSecret>,
    /// The names of those that it knew already, with this very value.
    pub unchanged: Vec<String>,
    /// Those that it refused.
    pub refused: Vec<Refused>,
}

/// A value that the inventory refused.
#[derive(serde::Serialize)]
pub struct Refused {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Why the inventory refuses a value.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// Too short to be told from innocent text.
    #[error("the value has {0} bytes; known secrets have at least {VALUE_BYTES_MIN}")]
    TooShort(usize),
    /// Longer than any token.
    #[error("the value has {0} bytes; known secrets have at most {VALUE_BYTES_MAX}")]
    TooLong(usize),
    /// A word or placeholder that innocent files hold.
    #[error("the value is a common word or placeholder: it would refuse innocent pushes")]
    TooCommon,
    /// It holds bytes at which the tokeniser ends a token.
    #[error(
        "the value would not be found in a push: it holds spaces, quotes, brackets or separators, \
         at which texts are cut; give the secret part alone, of an address the password"
    )]
    NotTokenisable,
    /// The name would not stand on one line, or is none.
    #[error("the name is empty, has control characters, or is longer than {NAME_BYTES_MAX} bytes")]
    Name,
    /// The name stands for another value.
    #[error("the inventory has this name for another value; remove that first")]
    NameTaken,
    /// The value has another name.
    #[error("the inventory knows this value as `{0}`")]
    ValueTaken(String),
}

/// Why a canary was not issued.
#[derive(Debug, thiserror::Error)]
#[error("{CANARIES_MAX} canary values are outstanding; wait until some expire (10 minutes)")]
pub struct CanaryError;

/// What is to become of the values of one request.
#[derive(Default)]
struct Sorted {
    fit: Vec<NewKnownSecret>,
    names: HashSet<String>,
    values: HashMap<Fingerprint, String>,
    unchanged: Vec<String>,
    refused: Vec<Refused>,
}

impl Sorted {
    fn refuse(&mut self, name: String, error: &ValueError) {
        self.refused.push(Refused { name, reason: error.to_string() });
    }

    /// Takes a value that the store does not have, unless an earlier entry has it or its name.
    fn take(&mut self, secret: NewKnownSecret) {
        let name = secret.name.clone();
        if let Some(same) = self.values.get(&secret.fingerprint).cloned() {
            return self.refuse(name, &ValueError::ValueTaken(same));
        }
        if !self.names.insert(name.clone()) {
            return self.refuse(name, &ValueError::NameTaken);
        }
        self.values.insert(secret.fingerprint, name);
        self.fit.push(secret);
    }
}

struct Filter {
    lengths: Lengths,
    /// A bit for each of the first bits of a tag: tags are uniform already, so that most tokens are
    /// told off here, without a hash of a hash.
    first: Vec<u64>,
    bloom: Bloom<u64>,
    capacity: usize,
    count: usize,
}

/// Bits of [`Filter::first`] for each value that the filter is sized for: one token in sixteen passes at most.
const FIRST_BITS: usize = 16;

impl Filter {
    fn build(known: &[(u64, u32)]) -> Self {
        let capacity = (known.len() * 2).max(CAPACITY_MIN);
        let bloom = Bloom::new_for_fp_rate_with_seed(capacity, FALSE_POSITIVE_RATE, SEED)
            .expect("a positive capacity and rate make a filter");
        let first = vec![0; (capacity * FIRST_BITS).next_power_of_two() / 64];
        let mut filter = Self { lengths: Lengths::NONE, first, bloom, capacity, count: 0 };
        for &(tag, length) in known {
            filter.add(tag, length);
        }
        filter
    }

    fn add(&mut self, tag: u64, length: u32) {
        let (word, bit) = self.place(tag);
        if let Some(word) = self.first.get_mut(word) {
            *word |= bit;
        }
        self.bloom.set(&tag);
        self.lengths.add(usize::try_from(length).unwrap_or(usize::MAX));
        self.count += 1;
    }

    fn may_hold(&self, tag: u64) -> bool {
        let (word, bit) = self.place(tag);
        self.first.get(word).is_some_and(|word| word & bit != 0) && self.bloom.check(&tag)
    }

    /// Where a tag has its bit in [`Filter::first`], whose words are a power of two.
    fn place(&self, tag: u64) -> (usize, u64) {
        let word = (tag >> 6) & (self.first.len() as u64 - 1);
        (usize::try_from(word).unwrap_or_default(), 1 << (tag % 64))
    }
}

struct Canary {
    id: String,
    tag: u64,
    length: u32,
    expires: Timestamp,
}

/// The organisation's known secrets, ready to be asked for each token of a push.
pub struct Inventory {
    key: Arc<FingerprintKey>,
    tag_key: [u8; 16],
    filter: RwLock<Filter>,
    canaries: Mutex<HashMap<Fingerprint, Canary>>,
    /// The word for what filter and store know, none while they may differ.
    epoch: RwLock<Option<KnownEpoch>>,
    /// Held while something becomes known.
    learning: Mutex<()>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Inventory {
    /// Builds the filter from the store's tags.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn open(
        key: Arc<FingerprintKey>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let epoch = RwLock::new(Some(store.known_epoch()?));
        let filter = RwLock::new(Filter::build(&store.known_tags()?));
        let (tag_key, canaries, learning) = (key.tag_key(), Mutex::default(), Mutex::default());
        Ok(Self { key, tag_key, filter, canaries, epoch, learning, store, clock })
    }

    /// Returns the short tag of a value: `SipHash` 1-3 under a key derived from the fingerprint key.
    pub fn tag(&self, value: &[u8]) -> u64 {
        tag(&self.tag_key, value)
    }

    /// Checks that `value` can be a known secret.
    ///
    /// # Errors
    /// The reason, by name, if it cannot.
    pub fn check_value(value: &[u8]) -> Result<(), ValueError> {
        match value.len() {
            length if length < VALUE_BYTES_MIN => Err(ValueError::TooShort(length)),
            length if length > VALUE_BYTES_MAX => Err(ValueError::TooLong(length)),
            // What is cut is told before what looks like a placeholder because of its brackets.
            _ if scan::tokenisable(value) != Tokenisable::Yes => Err(ValueError::NotTokenisable),
            _ if scan::is_common(value) => Err(ValueError::TooCommon),
            _ => Ok(()),
        }
    }

    /// Takes values in, those that it can: what it refuses is named, with the reason. What it
    /// knows already stays as it is, so that the same import may run every night.
    ///
    /// # Errors
    /// If the store refuses: then none was taken in.
    pub fn add(&self, secrets: Vec<NewSecret>, by: &Actor) -> Result<Added, StoreError> {
        let mut sorted = Sorted::default();
        for secret in secrets {
            let name = secret.name.clone();
            match Self::check(&secret).map(|()| self.describe(secret)) {
                Ok(secret) => self.sort(secret, &mut sorted)?,
                Err(error) => sorted.refuse(name, &error),
            }
        }
        let Sorted { fit, unchanged, refused, .. } = sorted;
        let added = if fit.is_empty() {
            Vec::new()
        } else {
            let learning = self.begin_learning();
            let added = self.store.add_known(&fit, by, self.clock.now())?;
            learning.end(fit.iter().map(|secret| (secret.tag, secret.length)))?;
            added
        };
        Ok(Added { added, unchanged, refused })
    }

    fn check(secret: &NewSecret) -> Result<(), ValueError> {
        let name = &secret.name;
        let is_name = !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX;
        if !is_name || name.chars().any(char::is_control) {
            return Err(ValueError::Name);
        }
        Self::check_value(secret.value.expose())
    }

    /// Tells what is new from what the store, or an earlier entry of the same request, has.
    fn sort(&self, secret: NewKnownSecret, sorted: &mut Sorted) -> Result<(), StoreError> {
        let by_value = self.store.known_by_fingerprint(&[secret.fingerprint])?.pop().flatten();
        let name = secret.name.clone();
        match by_value {
            Some(KnownMatch::Inventory(same)) if same.name == name => sorted.unchanged.push(name),
            Some(KnownMatch::Inventory(same)) => {
                sorted.refuse(name, &ValueError::ValueTaken(same.name));
            }
            _ if self.is_name_taken(&name)? => sorted.refuse(name, &ValueError::NameTaken),
            _ => sorted.take(secret),
        }
        Ok(())
    }

    fn is_name_taken(&self, name: &str) -> Result<bool, StoreError> {
        match self.store.known_by_name(name) {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets a value by its name. The filter keeps its tag until it is rebuilt, which costs a
    /// look-up now and then and decides nothing.
    ///
    /// # Errors
    /// If there is no such name or the store refuses.
    pub fn remove(&self, name: &str, by: &Actor) -> Result<KnownSecret, StoreError> {
        let known = self.store.known_by_name(name)?;
        let learning = self.begin_learning();
        self.store.remove_known(known.id, by, self.clock.now())?;
        learning.end([])?;
        Ok(known)
    }

    fn describe(&self, secret: NewSecret) -> NewKnownSecret {
        let clear = secret.value.expose();
        NewKnownSecret {
            fingerprint: self.key.fingerprint(clear),
            tag: self.tag(clear),
            length: length_of(clear),
            name: secret.name,
            identity: secret.identity,
            owner: secret.owner,
            key_id: secret.key_id,
        }
    }

    /// Returns the word for what is known; none while that changes, or since a change failed. What
    /// is scanned while it stays the same is compared with all that is known under it.
    pub fn epoch(&self) -> Option<KnownEpoch> {
        *self.epoch.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a change of what is known: call it before the store is told, and [`Learning::end`] when
    /// the store has done it. One change waits for another.
    pub fn begin_learning(&self) -> Learning<'_> {
        let alone = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.epoch.write().unwrap_or_else(PoisonError::into_inner).take();
        Learning { inventory: self, before, _alone: alone }
    }

    /// Makes the filter know a value of `length` bytes that the store has just learned.
    fn learn(&self, tag: u64, length: u32) -> Result<(), StoreError> {
        let mut filter = self.filter.write().unwrap_or_else(PoisonError::into_inner);
        if filter.count >= filter.capacity {
            *filter = self.rebuilt()?;
        }
        filter.add(tag, length);
        Ok(())
    }

    /// Builds the filter anew, from the store's tags and those of canaries.
    fn rebuilt(&self) -> Result<Filter, StoreError> {
        let mut filter = Filter::build(&self.store.known_tags()?);
        let canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        canaries.values().for_each(|canary| filter.add(canary.tag, canary.length));
        Ok(filter)
    }

    /// Calls `sink` with each token of `text` that starts in `body` and is known.
    ///
    /// # Errors
    /// If a "maybe" could not be confirmed because the store cannot be read; what was found until
    /// then was reported.
    pub fn look_up(
        &self,
        text: &[u8],
        body: Range<usize>,
        sink: &mut dyn FnMut(Range<usize>, Known),
    ) -> Result<(), StoreError> {
        for range in self.maybes(text, body) {
            let Some(token) = text.get(range.clone()) else {
                continue;
            };
            if let Some(known) = self.confirm(token)? {
                sink(range, known);
            }
        }
        Ok(())
    }

    /// Issues a canary: its id, and the value that the next push may be refused for, once.
    ///
    /// # Errors
    /// If too many are outstanding.
    pub fn issue_canary(&self) -> Result<(String, Secret<String>), CanaryError> {
        // Both random parts of a v7 UUID are 74 bits together, and the value lives for minutes.
        let id = uuid::Uuid::now_v7().simple().to_string();
        let value = Secret::new(format!("pushwarden-canary-{}", uuid::Uuid::now_v7().simple()));
        let clear = value.expose().as_bytes();
        let (tag, length) = (self.tag(clear), length_of(clear));
        let expires = self.clock.now().after(CANARY_LIFETIME);
        let canary = Canary { id: id.clone(), tag, length, expires };
        self.keep_canary(self.key.fingerprint(clear), canary)?;
        let mut filter = self.filter.write().unwrap_or_else(PoisonError::into_inner);
        filter.add(tag, length);
        drop(filter);
        Ok((id, value))
    }

    fn keep_canary(&self, value: Fingerprint, canary: Canary) -> Result<(), CanaryError> {
        let now = self.clock.now();
        let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        canaries.retain(|_, canary| canary.expires > now);
        if canaries.len() >= CANARIES_MAX {
            return Err(CanaryError);
        }
        canaries.insert(value, canary);
        Ok(())
    }

    /// Uses a canary up. Returns whether it was outstanding.
    pub fn spend_canary(&self, id: &str) -> bool {
        let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = canaries.len();
        canaries.retain(|_, canary| canary.id != id);
        canaries.len() < before
    }

    /// Returns the tokens of `text` starting in `body` that the filter does not rule out: the known
    /// ones and a few others. They are gathered so that its lock is not held over the store.
    pub fn maybes(&self, text: &[u8], body: Range<usize>) -> Vec<Range<usize>> {
        let filter = self.filter.read().unwrap_or_else(PoisonError::into_inner);
        let mut maybes = Vec::new();
        if filter.count == 0 {
            return maybes;
        }
        scan::tokens_of(text, body, &filter.lengths, &mut |range| {
            let token = text.get(range.clone()).unwrap_or_default();
            if filter.may_hold(tag(&self.tag_key, token)) {
                maybes.push(range);
            }
        });
        maybes
    }

    fn confirm(&self, token: &[u8]) -> Result<Option<Known>, StoreError> {
        let fingerprint = self.key.fingerprint(token);
        if let Some(id) = self.canary(fingerprint) {
            return Ok(Some(Known::Canary(id)));
        }
        let known = self.store.known_by_fingerprint(&[fingerprint])?.pop().flatten();
        Ok(known.map(|known| Known::Secret(Box::new(known))))
    }

    fn canary(&self, fingerprint: Fingerprint) -> Option<String> {
        let canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        let canary = canaries.get(&fingerprint)?;
        (canary.expires > self.clock.now()).then(|| canary.id.clone())
    }
}

/// A change of what is known. While it lasts, and if the filter was not told of what the
/// store has, there is no word for what is known, and nothing that was scanned counts as scanned.
#[must_use]
pub struct Learning<'i> {
    inventory: &'i Inventory,
    before: Option<KnownEpoch>,
    _alone: MutexGuard<'i, ()>,
}

impl Learning<'_> {
    /// Ends the change: the store knows the values with these tags and lengths, beside those that it
    /// knew.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn end(self, learned: impl IntoIterator<Item = (u64, u32)>) -> Result<(), StoreError> {
        learned.into_iter().try_for_each(|(tag, length)| self.inventory.learn(tag, length))?;
        self.publish()
    }

    /// Ends a change after which values are known again that the filter may have forgotten.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn end_anew(self) -> Result<(), StoreError> {
        let mut filter = self.inventory.filter.write().unwrap_or_else(PoisonError::into_inner);
        *filter = self.inventory.rebuilt()?;
        drop(filter);
        self.publish()
    }

    fn publish(mut self) -> Result<(), StoreError> {
        self.before = Some(self.inventory.store.known_epoch()?);
        Ok(())
    }
}

impl Drop for Learning<'_> {
    /// Where the store took nothing, or the filter was told, the store's word is that of the filter.
    fn drop(&mut self) {
        if self.before.is_some() && self.inventory.store.known_epoch().ok() == self.before {
            let mut epoch = self.inventory.epoch.write().unwrap_or_else(PoisonError::into_inner);
            *epoch = self.before;
        }
    }
}

fn length_of(value: &[u8]) -> u32 {
    u32::try_from(value.len()).unwrap_or(u32::MAX)
}

fn tag(key: &[u8; 16], value: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_key(key);
    hasher.write(value);
    hasher.finish()
}

#[cfg(test)]
mod tests;
