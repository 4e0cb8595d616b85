//! Windows of real packs: what they leave out stands in the base just so.

use std::ops::Range;

use crate::push::Limits;
use crate::push::fixture::{Collected, Fixture, Unpacked};
use crate::wire::Reach;

const REACH: Reach = Reach { bytes: 40, line_bytes: 200, head_bytes: 100 };

/// A history of one file that is changed here and there, and moved about in.
fn history(fixture: &Fixture, versions: usize) {
    let line = |n: usize| format!("line {n} {:x}\n", n * 104_729);
    let mut lines: Vec<String> = (0..800).map(line).collect();
    for version in 0..versions {
        let at = version * 37 % lines.len();
        match version % 4 {
            0 => lines[at] = format!("version {version}\n"),
            1 => drop(lines.drain(at..at + 3)),
            2 => lines.rotate_left(at),
            _ => lines.insert(at, format!("another {version}")),
        }
        fixture.write("file.txt", lines.concat());
        fixture.write("other.txt", format!("other\n{version}\n"));
        fixture.commit(&format!("version {version}"));
    }
}

/// Everything that is in no window, with the reach around it, must stand in the base in one piece.
#[track_caller]
fn check(collected: &Collected, base: u32, number: u32, windows: &[Range<usize>]) {
    let [text, base] = [number, base].map(|number| &collected.objects[number as usize].2);
    let mut at = 0;
    let end = text.len()..text.len();
    for window in windows.iter().cloned().chain(std::iter::once(end)) {
        if at < window.start {
            // What touches the gap and goes less far than the reach lies in here.
            let reach = REACH.bytes as usize;
            let from = if at == 0 { 0 } else { at - reach };
            let to = if window.start == text.len() { text.len() } else { window.start + reach };
            let found = memchr::memmem::find(base, &text[from..to]);
            assert!(found.is_some(), "{from}..{to} of object {number} is new");
        }
        at = window.end;
    }
}

fn stream(fixture: &Fixture) -> Collected {
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Pack);
    let (streamed, wanted) = received.windows(&Limits::default(), REACH, |streamed| {
        streamed.windows.iter().map(|(number, _, _)| *number).step_by(3).collect()
    });
    let third = streamed.windows.iter().step_by(3);
    let third = third.map(|(number, _, _)| &streamed.objects[*number as usize]);
    assert!(wanted.objects.iter().eq(third), "what is wanted comes whole, in the same order");
    assert_eq!((&wanted.windows, &wanted.unscanned), (&vec![], &vec![]));
    for (number, base, windows) in &streamed.windows {
        check(&streamed, *base, *number, windows);
    }
    let mut all = streamed.objects.clone();
    all.sort();
    assert!(all == received.listed_by_git(), "the objects are those that git has");
    streamed
}

#[test]
fn what_windows_leave_out_stands_in_the_base() {
    let fixture = Fixture::new();
    history(&fixture, 40);
    let streamed = stream(&fixture);
    assert!(streamed.windows.len() > 20, "{}", streamed.windows.len());
    let seen = streamed.windows.iter().flat_map(|(_, _, windows)| windows.iter().map(Range::len));
    let (seen, all) = (seen.sum::<usize>(), streamed.objects.iter().map(|object| object.2.len()));
    assert!(seen * 5 < all.sum(), "{seen}");
}

#[test]
fn a_base_from_outside_of_the_push_is_sent_whole() {
    let fixture = Fixture::new();
    history(&fixture, 3);
    fixture.land("HEAD:refs/heads/main");
    fixture.write("file.txt", [fixture.read("file.txt"), "more\n".into()].concat());
    fixture.commit("one more");
    let streamed = stream(&fixture);
    // git appends the base to the pack, and the hook sends it whole before its delta.
    assert!(streamed.windows.len() <= 1);
}

#[test]
fn loose_objects_have_no_windows() {
    let fixture = Fixture::new();
    history(&fixture, 5);
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    let (streamed, _) = received.windows(&Limits::default(), REACH, |_| vec![0, 1, 2]);
    assert_eq!(streamed.windows, []);
}
