//! Refusals by the dozen: a blueprint with ordinary values, each test sets what it is about.

use super::super::*;

/// A readable object id: its first seven digits are `number` repeated.
pub(super) fn oid(number: u8) -> Oid {
    Oid::from_bytes(&[number; 20]).unwrap()
}

/// What differs between places.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) container: Container,
    pub(super) commit: Option<(u8, Topology)>,
    pub(super) path: &'static [u8],
    pub(super) reference: Option<Reference>,
    pub(super) is_new: bool,
}

/// The tip's topology.
pub(super) const TIP: Topology = Topology {
    is_tip: true,
    is_root: false,
    is_merge: false,
    below_merge: false,
    at_tip: true,
    is_forced: false,
    commits_above: 0,
};

/// That of a commit below the tip, whose file is still there.
pub(super) const EARLIER: Topology = Topology { is_tip: false, commits_above: 2, ..TIP };

pub(super) fn branch(name: &str) -> Reference {
    Reference {
        name: format!("refs/heads/{name}").into_bytes(),
        old: Some(oid(0xaa)),
        new: oid(0xbb),
        target: oid(0xbb),
        is_forced: false,
    }
}

impl Default for Spot {
    fn default() -> Self {
        Self {
            container: Container::Blob,
            commit: Some((0x9c, TIP)),
            path: b"deploy/prod.env",
            reference: Some(branch("main")),
            is_new: true,
        }
    }
}

impl Spot {
    pub(super) fn at(number: u8, topology: Topology) -> Self {
        Self { commit: Some((number, topology)), ..Self::default() }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            container: self.container,
            is_new: self.is_new,
            object: Some(oid(0xcc)),
            commit: self.commit.map(|(number, topology)| Commit {
                id: oid(number),
                order: u32::from(number),
                subject: b"add payment config".to_vec(),
                topology,
            }),
            path: self.path.to_vec(),
            line: 14,
            layers: Vec::new(),
            in_header: false,
            reference: self.reference.clone(),
        }
    }
}

/// A refusal for one secret.
pub(super) struct Blueprint {
    pub(super) spots: Vec<Spot>,
}

impl Default for Blueprint {
    fn default() -> Self {
        Self { spots: vec![Spot::default()] }
    }
}

impl Blueprint {
    pub(super) fn of(spots: impl IntoIterator<Item = Spot>) -> Self {
        Self { spots: spots.into_iter().collect() }
    }

    pub(super) fn refusal(&self) -> Refusal {
        Refusal {
            updates: Vec::new(),
            unfiled: 0,
            nonce: Nonce([0x1f; 16]),
            server: Server::Plain,
            is_web: false,
            findings: vec![self.finding()],
            unscanned: Vec::new(),
            contact: Some("#security on chat".to_owned()),
            ticket_url: None,
        }
    }

    pub(super) fn finding(&self) -> Finding {
        Finding {
            rule: "example-access-token".to_owned(),
            confidence: Confidence::High,
            kind: "Example access token".to_owned(),
            preview: "exam************9z".to_owned(),
            reason: "its checksum is right".to_owned(),
            known_as: None,
            places: self.spots.iter().map(Spot::place).collect(),
            owner: "payments-oncall".to_owned(),
            owner_source: "path deploy/** in owners.toml:4".to_owned(),
            ticket: Some(Ticket { id: "TKT-12".to_owned(), open_since: None }),
            incident: "INC-7".to_owned(),
            revocation: "Delete the token under Settings, Access tokens.".to_owned(),
            revocation_url: Some("https://example.com/settings/tokens".to_owned()),
            replacement: "let jobs sign in by OpenID Connect; their tokens live for minutes."
                .to_owned(),
        }
    }
}
