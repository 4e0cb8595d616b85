//! Sinks: which of their verbs an event comes to, and what the journal writes.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::clock::Timestamp;
use crate::incident::{ExternalId, IncidentId, TicketEvent, TicketEventKind, TicketId};

use super::*;

fn event(kind: TicketEventKind) -> TicketEvent {
    TicketEvent {
        ticket: TicketId::from_number(3).unwrap(),
        number: 2,
        kind,
        at: Timestamp::parse("2026-11-22T12:00:00Z").unwrap(),
        by: "admin:root".to_owned(),
        incident: IncidentId::from_number(7).unwrap(),
        rule: "cloud-key".to_owned(),
        severity: "high".to_owned(),
        owner: "payments".to_owned(),
        dedupe: "pushwarden-0101".to_owned(),
        title: "Revoke the cloud key".to_owned(),
        body: "Rotate it.".to_owned(),
        text: "pushed again".to_owned(),
    }
}

/// A tracker in memory: it acts like one, and keeps what it was told.
#[derive(Default)]
struct Tracker {
    tickets: Mutex<Vec<(ExternalId, String)>>,
    calls: Mutex<Vec<String>>,
}

impl Tracker {
    fn call(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
    }

    fn calls(&self) -> String {
        std::mem::take(&mut *self.calls.lock().unwrap()).join(" ")
    }
}

impl TicketSink for Tracker {
    fn name(&self) -> &'static str {
        "tracker"
    }

    fn find(&self, dedupe: &str) -> Result<Option<ExternalId>, SinkError> {
        self.call("find");
        let tickets = self.tickets.lock().unwrap();
        let found = tickets.iter().find(|(_, key)| key == dedupe);
        Ok(found.map(|(id, _)| id.clone()))
    }

    fn create(&self, event: &TicketEvent) -> Result<ExternalId, SinkError> {
        self.call("create");
        let mut tickets = self.tickets.lock().unwrap();
        let id = ExternalId(format!("SEC-{}", tickets.len() + 1));
        tickets.push((id.clone(), event.dedupe.clone()));
        Ok(id)
    }

    fn comment(&self, ticket: &ExternalId, _event: &TicketEvent) -> Result<(), SinkError> {
        self.call(&format!("comment:{}", ticket.0));
        Ok(())
    }

    fn close(&self, ticket: &ExternalId, _event: &TicketEvent) -> Result<(), SinkError> {
        self.call(&format!("close:{}", ticket.0));
        Ok(())
    }

    fn reopen(&self, ticket: &ExternalId, _event: &TicketEvent) -> Result<(), SinkError> {
        self.call(&format!("reopen:{}", ticket.0));
        Ok(())
    }
}

#[test]
fn an_event_becomes_the_right_verb() {
    use TicketEventKind::{Closed, Commented, Opened, Reopened};

    #[track_caller]
    fn check(stands: bool, known: bool, kind: TicketEventKind, want: &str) {
        let tracker = Tracker::default();
        if stands {
            tracker.create(&event(Opened)).unwrap();
            tracker.calls();
        }
        let known = known.then(|| ExternalId("SEC-1".to_owned()));
        let id = mirror(&tracker, &event(kind), known).unwrap();
        assert_eq!((id.0.as_str(), tracker.calls().as_str()), ("SEC-1", want));
        assert_eq!(tracker.tickets.lock().unwrap().len(), 1, "never a second ticket");
    }
    check(false, false, Opened, "find create");
    check(true, false, Opened, "find"); // the answer to the first attempt got lost
    check(true, true, Opened, "");
    check(true, true, Commented, "comment:SEC-1");
    check(true, false, Commented, "find comment:SEC-1");
    check(true, true, Closed, "close:SEC-1");
    check(true, true, Reopened, "reopen:SEC-1");
    check(false, false, Commented, "find create comment:SEC-1"); // the sink was configured later
    check(false, false, Closed, "find create close:SEC-1");
}

#[test]
fn a_sink_that_is_away_is_asked_again_and_one_that_refuses_is_not() {
    let away = SinkError::Unavailable {
        sink: "tracker".to_owned(),
        attempted: "create a ticket",
        source: None,
    };
    let refused = SinkError::Refused {
        sink: "tracker".to_owned(),
        attempted: "create a ticket",
        answer: "no such project".to_owned(),
    };
    assert!(!away.is_final());
    assert!(refused.is_final());
    assert_eq!(
        refused.to_string(),
        "ticket sink `tracker` refused to create a ticket: no such project"
    );
}

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_journal_writes_one_line_for_each_event() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        for kind in [TicketEventKind::Opened, TicketEventKind::Commented] {
            mirror(&Journal, &event(kind), None).unwrap();
        }
        let known = Some(ExternalId("TKT-3".to_owned()));
        mirror(&Journal, &event(TicketEventKind::Closed), known).unwrap();
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!(text, @r#"
    {"level":"INFO","fields":{"message":"a ticket changed","ticket.id":"TKT-3","ticket.event":2,"ticket.kind":"opened","ticket.at":"2026-11-22T12:00:00Z","ticket.by":"admin:root","ticket.title":"Revoke the cloud key","ticket.comment":"","incident.id":"INC-7","incident.owner":"payments","incident.severity":"high","rule.id":"cloud-key"},"target":"pushwarden::ticket::journal"}
    {"level":"INFO","fields":{"message":"a ticket changed","ticket.id":"TKT-3","ticket.event":2,"ticket.kind":"commented","ticket.at":"2026-11-22T12:00:00Z","ticket.by":"admin:root","ticket.title":"Revoke the cloud key","ticket.comment":"","incident.id":"INC-7","incident.owner":"payments","incident.severity":"high","rule.id":"cloud-key"},"target":"pushwarden::ticket::journal"}
    {"level":"INFO","fields":{"message":"a ticket changed","ticket.id":"TKT-3","ticket.event":2,"ticket.kind":"commented","ticket.at":"2026-11-22T12:00:00Z","ticket.by":"admin:root","ticket.title":"Revoke the cloud key","ticket.comment":"pushed again","incident.id":"INC-7","incident.owner":"payments","incident.severity":"high","rule.id":"cloud-key"},"target":"pushwarden::ticket::journal"}
    {"level":"INFO","fields":{"message":"a ticket changed","ticket.id":"TKT-3","ticket.event":2,"ticket.kind":"closed","ticket.at":"2026-11-22T12:00:00Z","ticket.by":"admin:root","ticket.title":"Revoke the cloud key","ticket.comment":"pushed again","incident.id":"INC-7","incident.owner":"payments","incident.severity":"high","rule.id":"cloud-key"},"target":"pushwarden::ticket::journal"}
    "#);
}
