//! The rules of incidents as tables, and the audit chain as properties.

use std::time::Duration;

use proptest::prelude::*;

use crate::clock::Timestamp;
use crate::finding::Age;
use crate::policy::Action;

use super::*;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00Z").unwrap()
}

fn admin() -> Actor {
    Actor::Admin("root".to_owned())
}

fn incident() -> IncidentId {
    IncidentId::from_number(7).unwrap()
}

fn dismissed() -> State {
    State::FalsePositive(Disposition {
        kind: DispositionKind::TestValue,
        by: "admin:root".to_owned(),
        reason: "sample".to_owned(),
        at: now(),
    })
}

fn dismiss() -> Event {
    Event::Dismiss {
        kind: DispositionKind::TestValue,
        reason: Reason::parse("sample").unwrap(),
        pushed_it: false,
    }
}

fn reopen() -> Event {
    Event::Reopen { reason: Reason::parse("it is live").unwrap() }
}

#[test]
fn every_state_meets_every_event() {
    #[track_caller]
    fn check(from: State, event: Event, want: Result<(&State, &str), &str>) {
        let applied = from.apply(incident(), event, &admin(), now());
        let found = applied.as_ref().map(|(state, audit)| (state, audit.action.as_str()));
        let found = found.map_err(ToString::to_string);
        assert_eq!(found, want.map_err(str::to_owned));
    }
    let reopened = State::Reopened { at: now() };
    let closed = dismissed();
    let is_open = "it is open as it stands";
    check(State::Open, dismiss(), Ok((&closed, "incident.dismissed")));
    check(reopened.clone(), dismiss(), Ok((&closed, "incident.dismissed")));
    check(dismissed(), reopen(), Ok((&reopened, "incident.reopened")));
    check(
        State::Open,
        reopen(),
        Err(&format!("INC-7 is `open` and cannot be reopened; {is_open}")),
    );
    check(
        reopened.clone(),
        reopen(),
        Err(&format!("INC-7 is `reopened` and cannot be reopened; {is_open}")),
    );
    check(
        dismissed(),
        dismiss(),
        Err("INC-7 is `false-positive` and cannot be dismissed; \
             it already is; reopen it first to give another reason"),
    );
}

#[test]
fn a_transition_leaves_the_whole_story_in_its_audit_event() {
    let (_, event) = dismissed().apply(incident(), reopen(), &admin(), now()).unwrap();
    assert_eq!((event.actor.as_str(), event.subject.as_str()), ("admin:root", "INC-7"));
    let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap();
    assert_eq!(detail["from"], "false-positive");
    assert_eq!(detail["reason"], "it is live");
    assert_eq!(detail["was"]["as"], "test-value");
}

#[test]
fn a_pusher_moves_no_state() {
    for by in [Actor::Pusher("alice".to_owned()), Actor::GitAccount] {
        for (state, event) in [(State::Open, dismiss()), (dismissed(), reopen())] {
            let refused = state.apply(incident(), event, &by, now()).unwrap_err();
            assert!(matches!(refused, IllegalTransition::NotEntitled(_)), "{refused}");
        }
    }
}

#[test]
fn a_finding_is_filed_by_the_table() {
    use Action::{Ignore, Refuse, Report};
    use IncidentStep::{Extend, Open as OpenIncident, Skip};
    use TicketState::{Closed, Open, Reopened};
    use TicketStep::{Comment, Leave, Open as OpenTicket, Reopen};

    #[track_caller]
    fn check(
        action: Action,
        incident: Option<&State>,
        ticket: Option<TicketState>,
        (any_new, any_unseen_place): (bool, bool),
        want: (IncidentStep, TicketStep),
    ) {
        let input = FilingInput { action, incident, ticket, any_new, any_unseen_place };
        assert_eq!(file_finding(input), want, "{input:?}");
    }
    let (open, reopened, closed) = (State::Open, State::Reopened { at: now() }, dismissed());
    let (new, again, old) = ((true, true), (true, false), (false, false));

    check(Ignore, None, None, new, (Skip, Leave));
    check(Report, None, None, new, (OpenIncident, Leave));
    check(Refuse, None, None, new, (OpenIncident, OpenTicket));

    for state in [&open, &reopened] {
        let state = Some(state);
        check(Refuse, state, None, again, (Extend, OpenTicket));
        check(Refuse, state, None, old, (Extend, OpenTicket));
        check(Refuse, state, Some(Open), new, (Extend, Comment));
        check(Refuse, state, Some(Reopened), new, (Extend, Comment));
        check(Refuse, state, Some(Open), again, (Extend, Leave));
        check(Refuse, state, Some(Closed), again, (Extend, Reopen));
        check(Refuse, state, Some(Closed), old, (Extend, Reopen));
        check(Report, state, None, new, (Extend, Leave));
        check(Report, state, Some(Open), new, (Extend, Comment));
        check(Report, state, Some(Open), again, (Extend, Leave));
        check(Report, state, Some(Closed), again, (Extend, Reopen));
        check(Report, state, Some(Closed), old, (Extend, Leave));
        check(Ignore, state, None, new, (Extend, Leave));
        check(Ignore, state, Some(Open), new, (Extend, Leave));
        check(Ignore, state, Some(Closed), new, (Extend, Leave));
    }
    for action in [Ignore, Report, Refuse] {
        for ticket in [None, Some(Open), Some(Closed)] {
            check(action, Some(&closed), ticket, new, (Extend, Leave));
        }
    }
}

#[test]
fn exposure_follows_verdict_and_age() {
    use Age::{New, OldInParents, OldReachable};
    use PushVerdict::{Accepted, Failed, Refused};

    #[track_caller]
    fn check(verdict: PushVerdict, ages: &[Age], want: Exposure) {
        assert_eq!(Exposure::of(verdict, ages.iter().copied()), want, "{verdict:?} {ages:?}");
    }
    check(Refused, &[New], Exposure::Refused);
    check(Refused, &[New, OldInParents], Exposure::Refused);
    check(Refused, &[OldInParents], Exposure::Unknown);
    check(Refused, &[], Exposure::Unknown);
    check(Refused, &[New, OldReachable], Exposure::Landed);
    check(Accepted, &[New], Exposure::Accepted);
    check(Accepted, &[OldInParents], Exposure::Accepted);
    check(Accepted, &[OldReachable], Exposure::Landed);
    check(Failed, &[New], Exposure::Unknown);
    check(Failed, &[OldReachable], Exposure::Landed);
}

#[test]
fn only_a_surer_rule_of_the_daemon_renames_a_secret() {
    assert!(replaces_finding(&1, &2, Origin::Daemon));
    assert!(!replaces_finding(&2, &2, Origin::Daemon));
    assert!(!replaces_finding(&3, &2, Origin::Daemon));
    assert!(!replaces_finding(&1, &3, Origin::GitAccount));
}

fn request(uses: u32, life: Duration) -> GrantRequest {
    GrantRequest {
        scope: GrantScope {
            incident: incident(),
            repository: RepositoryPattern::parse("team/*").unwrap(),
            pusher: None,
        },
        uses,
        expires_at: now().after(life),
        reason: Reason::parse("rotation is under way").unwrap(),
    }
}

#[test]
fn a_grant_has_uses_and_an_end() {
    #[track_caller]
    fn check(uses: u32, life: Duration, want: Result<(), &str>) {
        let found = Grant::check(&request(uses, life), now()).map_err(|error| error.to_string());
        assert_eq!(found, want.map_err(str::to_owned));
    }
    let day = Duration::from_hours(24);
    check(1, day, Ok(()));
    check(100, day * 90, Ok(()));
    check(0, day, Err("a grant has 1 to 100 uses, not 0"));
    check(101, day, Err("a grant has 1 to 100 uses, not 101"));
    check(1, Duration::ZERO, Err("the grant would end before it begins; give a later time"));
    check(
        1,
        day * 90 + Duration::from_micros(1),
        Err("a grant ends within 90 days; renew it instead"),
    );
    check(1, Duration::MAX, Err("a grant ends within 90 days; renew it instead"));
}

#[test]
fn a_grants_state_follows_from_it_and_the_time() {
    #[track_caller]
    fn check(revoked: bool, spent: u32, life: i64, want: GrantState) {
        let expires_at = Timestamp::from_micros(now().as_micros() + life);
        let revoked_at = revoked.then(now);
        assert_eq!(Grant::state_at(revoked_at, (spent, 2), expires_at, now()), want);
    }
    check(false, 0, 1, GrantState::Active);
    check(false, 1, 1, GrantState::Active);
    check(false, 2, 1, GrantState::UsedUp);
    check(false, 0, 0, GrantState::Expired);
    check(false, 2, 0, GrantState::UsedUp);
    check(true, 2, 0, GrantState::Revoked);
}

#[test]
fn a_repository_is_named_or_matched() {
    #[track_caller]
    fn check(pattern: &str, repository: &str, want: bool) {
        let pattern = RepositoryPattern::parse(pattern).unwrap();
        assert_eq!(pattern.matches(repository), want, "{pattern:?} {repository}");
    }
    check("/srv/git/pay.git", "/srv/git/pay.git", true);
    check("/srv/git/pay.git", "/srv/git/pay.git2", false);
    check("/srv/git/*", "/srv/git/pay.git", true);
    check("/srv/git/*", "/srv/git/team/pay.git", false);
    check("/srv/git/**", "/srv/git/team/pay.git", true);
    check(r"team/\[pay", "team/[pay", true);
    check("a[b]c", "a[b]c", true);
    check("PAY", "pay", false);
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    for text in ["", "team/[pay", &"x".repeat(RepositoryPattern::BYTES_MAX + 1)] {
        assert!(RepositoryPattern::parse(text).is_err());
    }
}

#[test]
fn a_grant_says_which_repository_it_opens() {
    #[track_caller]
    fn check(pattern: &str, is_particular: bool) {
        let mut wanted = request(1, Duration::from_hours(24));
        wanted.scope.repository = RepositoryPattern::parse(pattern).unwrap();
        let checked = Grant::check(&wanted, now());
        let unparticular = Err(GrantError::Unparticular(pattern.to_owned()));
        assert_eq!(checked, if is_particular { Ok(()) } else { unparticular });
    }
    for pattern in ["/srv/git/pay.git", "pay", "team/*", "/srv/**", "{pay,shop}.git", "a", "équipe"]
    {
        check(pattern, true);
    }
    for pattern in ["/", "%", " ", "*", "**", "*/*", "/**", "**/*.git", "*.git", "{pay,*}", "[!a]*"]
    {
        check(pattern, false);
    }
}

#[test]
fn a_grant_for_one_pusher_names_them() {
    for (name, want) in
        [("ana", Ok(())), ("", Err(GrantError::Pusher)), (" ", Err(GrantError::Pusher))]
    {
        let mut wanted = request(1, Duration::from_hours(24));
        wanted.scope.pusher = Some(name.to_owned());
        assert_eq!(Grant::check(&wanted, now()), want);
    }
}

fn chain(details: &[String]) -> (Vec<AuditEntry>, AuditHead) {
    let mut head = AuditHead::EMPTY;
    let mut entries = Vec::new();
    for detail in details {
        let detail = serde_json::json!({ "said": detail });
        let event = AuditEvent::new(now(), &admin(), "config.loaded", "rules", &detail);
        let entry = head.link(event);
        head = entry.head();
        entries.push(entry);
    }
    (entries, head)
}

fn verify(entries: &[AuditEntry], head: AuditHead) -> Result<AuditHead, ChainBreak> {
    let mut verifier = ChainVerifier::after(AuditHead::EMPTY);
    entries.iter().try_for_each(|entry| verifier.check(entry))?;
    verifier.finish(head)
}

proptest! {
    #[test]
    fn a_chain_as_it_was_written_verifies(details in prop::collection::vec(".{0,20}", 0..20)) {
        let (entries, head) = chain(&details);
        prop_assert_eq!(verify(&entries, head), Ok(head));
    }

    #[test]
    fn whatever_is_changed_is_found_at_the_very_entry(
        details in prop::collection::vec(".{0,20}", 2..20),
        place in any::<prop::sample::Index>(),
        change in 0..7,
    ) {
        let (mut entries, head) = chain(&details);
        let at = place.index(entries.len());
        let entry = &mut entries[at];
        match change {
            0 => entry.event.actor.push('x'),
            1 => entry.event.action.push('x'),
            2 => entry.event.subject.push('x'),
            3 => entry.event.detail.push(' '),
            4 => entry.event.at = now().after(Duration::from_micros(1)),
            // A letter that moves from one field to the next changes the hash too.
            5 => {
                let letter = entry.event.action.pop().unwrap();
                entry.event.subject.insert(0, letter);
            }
            _ => drop(entries.remove(at)),
        }
        let found = verify(&entries, head).unwrap_err();
        prop_assert_eq!(found.seq(), at as u64 + 1);
    }

    #[test]
    fn a_chain_cut_off_at_its_end_is_found(
        details in prop::collection::vec(".{0,20}", 1..20),
        place in any::<prop::sample::Index>(),
    ) {
        let (entries, head) = chain(&details);
        let left = place.index(entries.len());
        let found = verify(&entries[..left], head).unwrap_err();
        prop_assert_eq!(found.seq(), left as u64 + 1);
    }
}

#[test]
fn the_encoding_of_the_chain_is_fixed() {
    // Exports that are kept elsewhere must verify with every later version.
    let (entries, _) = chain(&["first".to_owned(), "second".to_owned()]);
    let hashes: Vec<_> = entries.iter().map(|entry| entry.hash.to_string()).collect();
    insta::assert_snapshot!(hashes.join("\n"), @"
    a32bb4933bd27984d27d79dac840849c4927577a43bcb34d7f3a39e0621ebf8e
    fbda79aa6fe550311ba33ac38035974b8a477416aae8950c328e9ac8784b2ff8
    ");
}
