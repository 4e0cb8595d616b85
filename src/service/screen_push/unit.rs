//! Scans one unit: an object, a name. Blocking, on the pool's threads.
//!
//! Two searches run over the same text: the rules of the engine, and the known secrets of the
//! inventory. Where both find the same bytes, the inventory's name joins the rule's finding.

use std::collections::HashMap;
use std::ops::Range;

use super::{Gate, inside};
use crate::finding::{Container, Facts, Finding, Span};
use crate::rule::{Confidence, RuleId, Severity};
use crate::scan::layer::Layer;
use crate::scan::unit::{TreeNames, commit_ids, tag_ids};
use crate::scan::{Lines, Match, Window};
use crate::secret::{Fingerprint, Masking, Preview, Secret};
use crate::service::inventory::Known;
use crate::store::{KnownMatch, KnownSecret};
use crate::wire::{Object, ObjectKind, Oid, Unscanned, UnscannedReason};

/// The rule that findings of shapeless known secrets name.
const KNOWN_SECRET_RULE: &str = "known-secret";

/// The most hits of one unit that are kept; beyond it they are counted. A unit is a batch of small
/// objects or a piece of a long one; no push keeps more.
const HITS_MAX: usize = super::HITS_MAX;

/// The longest head of a commit or tag in which object ids are looked for, in bytes.
pub(super) const HEADER_BYTES_MAX: usize = 64 << 10;

/// Where a hit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    /// In an object.
    Object {
        /// The object.
        id: Oid,
        /// What it is.
        container: Container,
    },
    /// In the name of a ref, by its place among the ref updates.
    Ref {
        /// Which one.
        update: usize,
    },
    /// In a push option, by its place among them.
    PushOption {
        /// Which one.
        option: usize,
    },
}

impl Source {
    /// The object, where it is one.
    pub(super) fn object(self) -> Option<Oid> {
        match self {
            Self::Object { id, .. } => Some(id),
            Self::Ref { .. } | Self::PushOption { .. } => None,
        }
    }

    /// The kind of container.
    pub(super) fn container(self) -> Container {
        match self {
            Self::Object { container, .. } => container,
            Self::Ref { .. } => Container::RefName,
            Self::PushOption { .. } => Container::PushOption,
        }
    }

    /// Names an object.
    pub(super) fn of(object: &Object) -> Self {
        let container = match object.kind {
            ObjectKind::Blob => Container::Blob,
            ObjectKind::Tree => Container::TreeEntry,
            ObjectKind::Commit => Container::Commit,
            ObjectKind::Tag => Container::Tag,
        };
        Self::Object { id: object.id, container }
    }
}

/// One secret at one place.
pub(super) struct Hit {
    pub(super) source: Source,
    pub(super) span: Span,
    /// The layers that lie around it, outermost first.
    pub(super) layers: Vec<Layer>,
    pub(super) finding: Finding,
    /// The value's short tag and length, by which the inventory knows it again.
    pub(super) tag: u64,
    pub(super) length: u32,
    /// The value; it lives until the push is answered.
    pub(super) clear: Secret<Vec<u8>>,
    /// The name of the tree's entry, for hits in names.
    pub(super) entry: Option<Vec<u8>>,
    /// Whether it stands in the header of a commit or tag: its author, say.
    pub(super) in_header: bool,
    /// Whether it touches an object id that Git itself put into a header.
    pub(super) touches_id: bool,
    /// Whether the value is known, from the inventory or because it leaked before.
    pub(super) is_known: bool,
    /// Why the rule believes it.
    pub(super) reasons: Vec<&'static str>,
    /// The canary that it is.
    pub(super) canary: Option<String>,
    /// The inventory's entry, where it has one.
    pub(super) known: Option<KnownSecret>,
    /// Further places of the same secret in the same object, which are counted and not kept.
    pub(super) more: usize,
}

/// The most places of one secret in one object that are kept; the rest is counted. Nobody reads
/// past the first screen, and whether an occurrence is old is a matter of their number alone.
const PLACES_KEPT_MAX: usize = 20;

/// Adds `hit` to `hits`: counted where enough places of its secret in its object are kept. Returns
/// it where it is neither, because `hits_max` are kept.
pub(super) fn keep(hits: &mut Vec<Hit>, kept: &mut Kept, hit: Hit, hits_max: usize) -> Option<Hit> {
    let places = kept.entry((hit.source, hit.finding.fingerprint)).or_default();
    if places.len() >= PLACES_KEPT_MAX {
        if let Some(first) = places.first().and_then(|&first| hits.get_mut(first)) {
            first.more += 1 + hit.more;
        }
        return None;
    }
    if hits.len() >= hits_max {
        return Some(hit);
    }
    places.push(hits.len());
    hits.push(hit);
    None
}

/// For each secret in each object: which hits are its places.
pub(super) type Kept = HashMap<(Source, Fingerprint), Vec<usize>>;

impl Hit {
    /// What tells two hits apart.
    pub(super) fn place(&self) -> (Source, Span, Fingerprint, &[Layer]) {
        (self.source, self.span, self.finding.fingerprint, &self.layers)
    }
}

/// What came of a unit.
#[derive(Default)]
pub(super) struct Report {
    pub(super) hits: Vec<Hit>,
    kept: Kept,
    pub(super) hits_dropped: u64,
    pub(super) unscanned: Vec<Unscanned>,
}

impl Report {
    pub(super) fn add(&mut self, hit: Hit) {
        if keep(&mut self.hits, &mut self.kept, hit, HITS_MAX).is_some() {
            self.hits_dropped += 1;
        }
    }

    /// Returns the hit at a place.
    fn at(&mut self, spot: &Spot, fingerprint: Fingerprint) -> Option<&mut Hit> {
        let places = self.kept.get(&(spot.source, fingerprint))?;
        // Parts of a box all stand where the box does; what is decoded has a place of its own.
        let in_box = spot.layers.iter().any(|layer| matches!(layer, Layer::Part(_)));
        let is_there = |hit: &Hit| hit.span == spot.span && (!in_box || hit.layers == spot.layers);
        let at = *places.iter().find(|&&at| self.hits.get(at).is_some_and(is_there))?;
        self.hits.get_mut(at)
    }

    /// Adds a hit unless it stands there already: texts inside repeat what stands around them.
    pub(super) fn add_once(&mut self, hit: Hit) {
        let Hit { source, span, ref layers, .. } = hit;
        let spot = Spot { source, span, layers: layers.clone() };
        if self.at(&spot, hit.finding.fingerprint).is_none() {
            self.add(hit);
        }
    }

    pub(super) fn leave_out(&mut self, source: Source, reason: UnscannedReason) {
        self.unscanned.push(Unscanned { object: source.object(), reason });
    }

    /// Gives the hits of trees the names of their entries.
    fn name_entries(&mut self, first: usize, names: &TreeNames) {
        for hit in self.hits.iter_mut().skip(first) {
            let at = usize::try_from(hit.span.start).ok().and_then(|at| names.entry(at));
            hit.entry = at.and_then(|entry| names.name(entry)).map(<[u8]>::to_vec);
        }
    }

    /// Marks the hits from `first` on that stand in the header, and drops those that a rule makes of
    /// an object id there. Known secrets stay: they are in wait of who reaches the object.
    pub(super) fn read_header(&mut self, first: usize, kind: ObjectKind, head: &[u8]) {
        let end = memchr::memmem::find(head, b"\n\n").unwrap_or(head.len());
        let head_read = head.get(..HEADER_BYTES_MAX).unwrap_or(head);
        let ids = if kind == ObjectKind::Tag { tag_ids(head_read) } else { commit_ids(head_read) };
        for hit in self.hits.iter_mut().skip(first) {
            hit.in_header = hit.span.start < end as u64;
            let overlaps = |id: &Range<usize>| {
                hit.span.start < id.end as u64 && (id.start as u64) < hit.span.end
            };
            hit.touches_id = ids.iter().any(overlaps);
        }
        let mut at = 0;
        self.hits.retain(|hit| {
            at += 1;
            at <= first || !hit.touches_id || hit.is_known
        });
        if self.hits.len() < at {
            self.index();
        }
    }

    /// Says again which hits are whose places, after some were dropped.
    fn index(&mut self) {
        self.kept.clear();
        for (at, hit) in self.hits.iter().enumerate() {
            let places = self.kept.entry((hit.source, hit.finding.fingerprint)).or_default();
            places.push(at);
        }
    }
}

/// Scans a whole object.
pub(super) fn scan_object(gate: &Gate, object: &Object, bytes: &[u8], report: &mut Report) {
    let source = Source::of(object);
    let first = report.hits.len();
    match object.kind {
        ObjectKind::Blob => scan_text(gate, source, bytes, report),
        ObjectKind::Commit | ObjectKind::Tag => {
            scan_text(gate, source, bytes, report);
            report.read_header(first, object.kind, bytes);
        }
        ObjectKind::Tree => {
            if let Ok(names) = TreeNames::read(bytes, object.id.as_bytes().len()) {
                scan_text(gate, source, names.text(), report);
                report.name_entries(first, &names);
            } else {
                // What is no tree is scanned as it stands, and said to be damaged.
                report.leave_out(source, UnscannedReason::Unreadable);
                scan_text(gate, source, bytes, report);
            }
        }
    }
}

/// Scans a text that is all there, and what lies inside it.
pub(super) fn scan_text(gate: &Gate, source: Source, text: &[u8], report: &mut Report) {
    let mut lines = Lines::new(text);
    let effort = gate.engine.scan(&Window::whole(text).at(gate.now_s()), &mut |found| {
        let span = lines.span(found.range.clone());
        report.add(from_rule(gate, Spot { source, span, layers: Vec::new() }, &found));
    });
    if !effort.is_complete() {
        report.leave_out(source, UnscannedReason::Exhausted);
    }
    look_up(gate, source, text, report);
    inside::scan(gate, source, text, report);
}

fn look_up(gate: &Gate, source: Source, text: &[u8], report: &mut Report) {
    let Some(inventory) = &gate.inventory else {
        return;
    };
    let looked_up = inventory.look_up(text, 0..text.len(), &mut |range, known| {
        let span = Lines::new(text).span(range.clone());
        let value = text.get(range).unwrap_or_default();
        merge_known(gate, Spot { source, span, layers: Vec::new() }, value, known, report);
    });
    if looked_up.is_err() {
        report.leave_out(source, UnscannedReason::Inventory);
    }
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) source: Source,
    pub(super) span: Span,
    pub(super) layers: Vec<Layer>,
}

pub(super) fn from_rule(gate: &Gate, spot: Spot, found: &Match<'_>) -> Hit {
    let finding = Finding {
        rule: found.rule.id.clone(),
        fingerprint: gate.key.fingerprint(found.secret),
        preview: Preview::mask(found.secret, found.rule.masking),
        confidence: found.confidence,
        severity: found.severity,
        facts: found.facts.clone(),
        known_as: None,
    };
    let reasons = found.reasons.clone();
    Hit { reasons, ..hit(gate, spot, found.secret, finding) }
}

fn hit(gate: &Gate, spot: Spot, clear: &[u8], finding: Finding) -> Hit {
    let Spot { source, span, layers } = spot;
    Hit {
        source,
        span,
        layers,
        finding,
        tag: gate.inventory.as_ref().map_or(0, |inventory| inventory.tag(clear)),
        length: u32::try_from(clear.len()).unwrap_or(u32::MAX),
        clear: Secret::new(clear.to_vec()),
        entry: None,
        in_header: false,
        touches_id: false,
        is_known: false,
        reasons: Vec::new(),
        canary: None,
        known: None,
        more: 0,
    }
}

/// Adds a known secret: to the hit that a rule made of the same bytes, else as a hit of its own.
pub(super) fn merge_known(
    gate: &Gate,
    spot: Spot,
    value: &[u8],
    known: Known,
    report: &mut Report,
) {
    let fingerprint = gate.key.fingerprint(value);
    if let Some(hit) = report.at(&spot, fingerprint) {
        hit.know(known);
        return;
    }
    let finding = shapeless(fingerprint, value, &known);
    let mut hit = hit(gate, spot, value, finding);
    hit.know(known);
    report.add(hit);
}

impl Hit {
    fn know(&mut self, known: Known) {
        self.is_known = true;
        match known {
            Known::Canary(id) => self.canary = Some(id),
            Known::Secret(found) => {
                if let KnownMatch::Inventory(secret) = *found {
                    self.finding.known_as = Some(secret.name.clone());
                    self.known = Some(secret);
                }
            }
        }
    }
}

/// Describes a known secret that no rule sees.
fn shapeless(fingerprint: Fingerprint, value: &[u8], known: &Known) -> Finding {
    if let Known::Secret(found) = known
        && let KnownMatch::Leaked(leaked) = &**found
    {
        return Finding {
            rule: leaked.rule.clone(),
            fingerprint,
            preview: leaked.preview.clone(),
            confidence: leaked.confidence,
            severity: leaked.severity,
            facts: leaked.facts.clone(),
            known_as: None,
        };
    }
    Finding {
        rule: RuleId::parse(KNOWN_SECRET_RULE).expect("the constant is a rule id"),
        fingerprint,
        preview: Preview::mask(value, Masking::Whole),
        confidence: Confidence::High,
        severity: Severity::High,
        facts: Facts::new(),
        known_as: None,
    }
}
