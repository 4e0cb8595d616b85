//! What was found: each secret with its places, owner and ticket, in a few lines.

use std::collections::HashSet;

use super::names::{BRANCHES, NOTES, TAGS};
use super::page::{COLUMNS_MAX, Page, Weight, clip};
use super::{Finding, Place, Reference, Refusal, Ticket};
use crate::finding::Container;
use crate::wire::escape;

/// The most places that one secret lists; the ticket has all.
const PLACES_MAX: usize = 3;

/// The narrowest subject worth showing, in columns.
const SUBJECT_COLUMNS_MIN: usize = 12;

/// What the lines below a secret's first line begin with.
const INDENT: &str = "    ";

/// Writes one secret.
pub(super) fn write(page: &mut Page, refusal: &Refusal, number: usize, finding: &Finding) {
    let lead = format!("[{number}] ");
    let preview = clip(&finding.preview, 24);
    let room = COLUMNS_MAX - lead.len() - 2 - escape::columns(&preview);
    page.line(Weight::Must, format!("{lead}{}  {preview}", clip(&finding.kind, room)));
    page.lines(Weight::Must, places(finding));
    if let Some(name) = &finding.known_as {
        page.text(Weight::Useful, "    known as: ", name, 1);
    }
    if !finding.reason.is_empty() {
        page.text(Weight::Useful, "    why: ", &finding.reason, 1);
    }
    page.text(Weight::Must, "    owner: ", &owner(finding), 2);
    if let Some(ticket) = &finding.ticket {
        let text = ticket_text(ticket, refusal.ticket_url.as_deref());
        page.text(Weight::Must, "    ticket: ", &text, 2);
    }
}

fn owner(finding: &Finding) -> String {
    if finding.owner_source.is_empty() {
        return format!("{} (nobody else was found)", finding.owner);
    }
    format!("{} ({})", finding.owner, finding.owner_source)
}

fn ticket_text(ticket: &Ticket, url: Option<&str>) -> String {
    let since = match &ticket.open_since {
        Some(since) => format!("open since {since}"),
        None => "opened just now".to_owned(),
    };
    let url = url.map_or_else(String::new, |url| format!(" {url}{}", ticket.id));
    format!("{}, {since}{url}", ticket.id)
}

fn places(finding: &Finding) -> Vec<String> {
    // Author and committer of one commit, two columns of one line: one place to the reader.
    let mut seen = HashSet::new();
    let rows = finding.places.iter().map(|place| clip_row(row(place)));
    let rows = rows.filter(|row| seen.insert(row.clone()));
    let mut rows: Vec<_> = rows.collect();
    if let Some(more) = rows.len().checked_sub(PLACES_MAX).filter(|more| *more > 0) {
        rows.truncate(PLACES_MAX);
        let see = finding.ticket.as_ref().map_or(finding.incident.as_str(), |t| t.id.as_str());
        rows.push(format!("{INDENT}and {more} more: see {}", clip(see, 40)));
    }
    rows
}

fn clip_row(row: String) -> String {
    if escape::columns(&row) <= COLUMNS_MAX { row } else { clip(&row, COLUMNS_MAX) }
}

/// Returns the line of one place: the commit, where, and the commit's subject if there is room.
fn row(place: &Place) -> String {
    let Some(commit) = &place.commit else {
        return format!("{INDENT}{}", location(place, COLUMNS_MAX - INDENT.len()));
    };
    let start = format!("{INDENT}{}  ", commit.id.short());
    let room = COLUMNS_MAX - start.len();
    let start = format!("{start}{}", location(place, room));
    // A space and two quotes.
    let left = COLUMNS_MAX.saturating_sub(escape::columns(&start) + 4);
    if left < SUBJECT_COLUMNS_MIN || commit.subject.is_empty() {
        return start;
    }
    let subject = escape::line(&commit.subject, 200);
    format!("{start}  \"{}\"", clip(&subject, left))
}

/// Says in words where a secret stands, in at most `columns_max` columns.
pub(super) fn location(place: &Place, columns_max: usize) -> String {
    let reference = || place.reference.as_ref().map(|reference| named(reference, 40));
    let text = match (place.container, reference()) {
        (Container::PushOption, _) => "in a push option".to_owned(),
        (Container::Commit, _) if place.in_header => {
            "in the commit's header (author...)".to_owned()
        }
        (Container::Commit, _) => "in the commit message".to_owned(),
        (Container::RefName, Some(name)) => format!("in the name of the {name}"),
        (Container::RefName, None) => "in the name of a ref".to_owned(),
        (Container::Tag, Some(name)) if place.in_header => {
            format!("in the header (tagger...) of the {name}")
        }
        (Container::Tag, Some(name)) => format!("in the message of the {name}"),
        (_, None) => unreached(place),
        (_, Some(name)) if place.commit.is_none() => format!("in what the {name} points to"),
        (Container::Blob, Some(_)) if is_note(place) => note(place),
        (Container::TreeEntry, _) => return named_file(place, columns_max),
        (Container::Blob, _) => return file(place, columns_max),
    };
    escape::line(text.as_bytes(), columns_max)
}

fn unreached(place: &Place) -> String {
    let id = place.object.map_or_else(String::new, |id| format!(" ({})", id.short()));
    format!("in a pushed object that no branch or tag points to{id}")
}

fn is_note(place: &Place) -> bool {
    place.reference.as_ref().is_some_and(|reference| reference.name.starts_with(NOTES))
}

fn note(place: &Place) -> String {
    let id = place.path.iter().filter(|&&byte| byte != b'/').take(7).copied();
    let id: Vec<u8> = id.collect();
    format!("in the note on {}", escape::line(&id, 7))
}

fn named_file(place: &Place, columns_max: usize) -> String {
    let lead = "in the name of the file ";
    let path = escape::line(&place.path, columns_max.saturating_sub(lead.len()));
    format!("{lead}{path}")
}

fn file(place: &Place, columns_max: usize) -> String {
    let mut line = format!(":{}", place.line);
    for layer in &place.layers {
        line += " > ";
        line += layer;
    }
    let line = clip(&line, columns_max / 2);
    let path = escape::line(&place.path, columns_max.saturating_sub(escape::columns(&line)));
    format!("{path}{line}")
}

/// Returns a ref's kind and short name: "branch main".
pub(super) fn named(reference: &Reference, columns_max: usize) -> String {
    let kinds = [(BRANCHES, "branch "), (TAGS, "tag "), (NOTES, "notes ")];
    let kind = kinds
        .into_iter()
        .find_map(|(prefix, kind)| reference.name.strip_prefix(prefix).map(|name| (kind, name)));
    let (kind, name) = kind.unwrap_or(("ref ", &reference.name));
    format!("{kind}{}", escape::line(name, columns_max))
}
