//! Windows against whole texts: what is in a text shows in its base or in a window.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::push::Limits as PushLimits;
use crate::push::fixture::{Fixture, Unpacked};
use crate::push::windows::{Seams, Step, windows};
use crate::rule::{Rule, Ruleset, template};
use crate::scan::layer::{Limits, walk};
use crate::scan::{Window, tokens};

#[test]
fn signs_pass_from_bases_to_what_is_made_of_them() {
    let mut signs = Signs::default();
    let row = |number: u32| LedgerRow { first: number.into(), second: 0 };
    for (number, base) in [(1, 0), (2, 1), (3, 0), (65, 3), (66, 65), (67, 2), (68, 3)] {
        assert!(signs.link(number, base, Some(row(number))));
    }
    signs.add(1);
    signs.add(65);
    let mut clean = Vec::new();
    let mut decide = || signs.decide(3, &mut |row| clean.push(row.first));
    assert_eq!(decide(), [1, 2, 65]);
    assert_eq!(decide(), [66, 67]);
    assert_eq!(decide(), Vec::<u32>::new());
    assert_eq!(clean, [3, 68]);
}

#[test]
fn a_base_comes_before_what_is_made_of_it() {
    let mut signs = Signs::default();
    assert!(!signs.link(7, 7, None));
    assert!(!signs.link(7, 8, None));
    assert!(signs.link(7, 6, None));
}

fn shipped() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Arc::new(Ruleset::shipped().unwrap())).unwrap())
}

#[test]
fn the_shipped_rules_need_little_reach() {
    let reach = reach(shipped()).unwrap();
    assert_eq!(reach, Reach { bytes: 200, line_bytes: 1_024, head_bytes: 1_024 });
}

/// Values without a shape that are known in these tests.
const KNOWN: &[&str] =
    &["shapeless-value", "of three words", "user:known%word", "a,b;c=de{f}g", "=longer===value="];

fn knows_any(text: &[u8]) -> bool {
    let known: HashSet<&[u8]> = KNOWN.iter().map(|value| value.as_bytes()).collect();
    let mut any = false;
    tokens(text, 0..text.len(), &mut |token| any |= known.contains(&text[token]));
    any
}

fn has_sign(text: &[u8], is_head: bool) -> bool {
    shows(shipped(), text, is_head) || knows_any(text)
}

/// Whether a scan of the whole text would have anything to say: what a pattern matches, whatever the
/// validators think of it, what lies inside, what is known.
fn is_in(text: &[u8]) -> bool {
    let effort = shipped().scan(&Window::whole(text), &mut |_| {});
    let mut inside = false;
    let left = walk(text, Limits::default(), &mut |_| inside = true);
    effort.judged > 0 || effort.gave_up > 0 || inside || !left.is_empty() || knows_any(text)
}

/// Applies a delta; returns the result and whether its windows show a sign, or it has none.
fn shows_in_windows(base: &[u8], steps: &[Part]) -> (Vec<u8>, bool) {
    let mut seams = Seams::new(base.len() as u64);
    let mut text = Vec::new();
    for step in steps {
        match step {
            Part::Copy(range) => {
                text.extend_from_slice(&base[range.clone()]);
                let (offset, size) = (range.start as u64, range.len() as u64);
                seams.note(Step::Copy { offset, size });
            }
            Part::Insert(bytes) => {
                text.extend_from_slice(bytes);
                seams.note(Step::Insert { size: bytes.len() as u64 });
            }
        }
    }
    let reach = reach(shipped()).unwrap();
    let windows = seams.finish().and_then(|seams| windows(&text, &seams, &reach, usize::MAX));
    let show = |window: &std::ops::Range<usize>| has_sign(&text[window.clone()], window.start == 0);
    let shows = windows.is_none_or(|windows| windows.iter().any(show));
    (text, shows)
}

#[derive(Clone, Debug)]
enum Part {
    Copy(std::ops::Range<usize>),
    Insert(Vec<u8>),
}

fn examples() -> &'static [Vec<u8>] {
    static EXAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let of_rule = |rule: &Rule| {
            let examples = rule.examples.matching.iter().chain(&rule.examples.rejected);
            examples.map(|example| template::expand(example).unwrap()).collect::<Vec<_>>()
        };
        let known = KNOWN.iter().map(|value| format!("x = \"{value}\";").into_bytes());
        shipped().ruleset().rules().iter().flat_map(of_rule).chain(known).collect()
    })
}

/// How a text is written: in which code, how wide its lines are, and what they begin with.
type Coat = (u8, usize, &'static str);

/// Writes a text in a code.
fn coated(text: &[u8], (coat, width, indent): Coat) -> Vec<u8> {
    let each = |write: &dyn Fn(u8) -> String| text.iter().map(|byte| write(*byte)).collect();
    let wrap = |text: String, end: &str| {
        let lines = text.as_bytes().chunks(width).map(String::from_utf8_lossy);
        lines.collect::<Vec<_>>().join(&format!("{end}\n{indent}"))
    };
    let plain = || String::from_utf8_lossy(text).into_owned();
    let coated: String = match coat {
        0 => BASE64_STANDARD.encode(text),
        1 => wrap(BASE64_STANDARD.encode(text), ""),
        2 => wrap(BASE64_URL_SAFE_NO_PAD.encode(text), ""),
        3 => each(&|byte| format!("{byte:02x}")),
        4 => wrap(each(&|byte| format!("{byte:02x}")), ""),
        5 => each(&|byte| format!("{byte}, ")),
        6 => wrap(each(&|byte| format!("0x{byte:02x},")), ""),
        7 => each(&|byte| format!("{byte}{indent},")),
        8 => each(&|byte| format!("%{byte:02X}")),
        9 => each(&|byte| format!("&#x{byte:x};")),
        10 => each(&|byte| format!("\\u{byte:04x}")),
        11 => each(&|byte| format!("chr({byte}) +{indent}")),
        12 => format!("\"{}\"", wrap(plain(), "\" +").replace(indent, &format!("{indent}\""))),
        13 => wrap(plain(), "\\"),
        14 => each(&|byte| format!("{}\0", char::from(byte))),
        15 => {
            let turned: Vec<u8> = text.iter().rev().copied().collect();
            let turned = String::from_utf8_lossy(&turned);
            format!("\"{turned}\"{indent}{indent}\n{indent}{indent}[::-1]")
        }
        16 => each(&|byte| format!("={byte:02X}")),
        17 => plain().replace('\n', "\r"),
        _ => return text.to_vec(),
    };
    coated.into_bytes()
}

/// Text that says nothing, of very different lengths of lines.
fn filler() -> impl Strategy<Value = Vec<u8>> {
    let word = select(
        &["fn", "let x", "0", "value", "7,", "};", "-", "_", "//", "\"text\"", "'", "a"][..],
    );
    let glue = prop_oneof![8 => Just(" "), 3 => Just("\n"), 1 => Just("\n\n    "), 1 => Just("\r\n"), 1 => Just("")];
    let line = proptest::collection::vec((word, glue), 0..30);
    let filler = line.prop_map(|words| {
        words.into_iter().flat_map(|(word, glue)| [word, glue]).collect::<String>().into_bytes()
    });
    (filler, prop_oneof![Just(1_usize), Just(1), Just(6), Just(12)])
        .prop_map(|(filler, times)| filler.repeat(times))
}

/// A text that may hold something, and where it is cut in two.
fn secret() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let indent =
        select(&["", " ", "  # ", "            ", "                                    "][..]);
    let coat = (0..30_u8, 6..80_usize, indent);
    let text = prop_oneof![
        (0..examples().len())
            .prop_map(|at| examples()[at][..examples()[at].len().min(1_500)].to_vec()),
        // Just enough for a code to see, so that each byte of it matters.
        "[a-z]{8,36}".prop_map(String::into_bytes),
    ];
    (text, coat, any::<Index>()).prop_map(|(text, coat, cut)| {
        let text = coated(&text, coat);
        let cut = cut.index(text.len() + 1);
        (text, cut)
    })
}

/// A base and a delta that joins two halves, each of which stood in the base or is brought.
fn changes() -> impl Strategy<Value = (Vec<u8>, Vec<Part>)> {
    let fillers = (filler(), filler(), filler());
    (fillers, secret(), 0..7_u8, any::<Index>(), any::<Index>()).prop_map(
        |((before, between, after), (text, cut), how, one, other)| {
            let (head, tail) = text.split_at(cut);
            let (head, tail) = (head.to_vec(), tail.to_vec());
            let a = before.len() + head.len();
            let b = a + between.len();
            match how {
                // What stood between them goes.
                0 | 1 => {
                    let base = [before, head, between, tail, after].concat();
                    let end = base.len();
                    (base, vec![Part::Copy(0..a), Part::Copy(b..end)])
                }
                // The second comes.
                2 => {
                    let base = [before, head, after].concat();
                    let end = base.len();
                    (base, vec![Part::Copy(0..a), Part::Insert(tail), Part::Copy(a..end)])
                }
                // The first comes.
                3 => {
                    let a = before.len();
                    let base = [before, tail, after].concat();
                    let end = base.len();
                    (base, vec![Part::Copy(0..a), Part::Insert(head), Part::Copy(a..end)])
                }
                // They stood the other way round.
                4 => {
                    let base = [before, tail.clone(), between, head.clone(), after].concat();
                    let end = base.len();
                    let from = end - head.len();
                    let tail_at = 0..tail.len();
                    (base, vec![Part::Copy(0..from.max(1).min(end)), Part::Copy(tail_at)])
                }
                // A part is replaced, or only taken out: lines break, rows shift.
                5 => {
                    let base = [before, head, between.clone(), tail, after].concat();
                    let (x, y) = (one.index(base.len() + 1), other.index(base.len() + 1));
                    let (x, y) = (x.min(y), x.max(y));
                    let end = base.len();
                    (base, vec![Part::Copy(0..x), Part::Insert(between), Part::Copy(y..end)])
                }
                // The beginning goes, and the end.
                _ => {
                    let base = [before, head, between, tail, after].concat();
                    let (x, y) = (one.index(base.len() + 1), other.index(base.len() + 1));
                    (base, vec![Part::Copy(x.min(y)..x.max(y))])
                }
            }
        },
    )
}

fn check(base: &[u8], steps: &[Part]) -> Result<(), TestCaseError> {
    let (text, shows) = shows_in_windows(base, steps);
    if is_in(&text) {
        prop_assert!(
            has_sign(&text, true),
            "in the whole text: {:?}",
            text.escape_ascii().to_string()
        );
        prop_assert!(
            shows || has_sign(base, true),
            "base: {}\ntext: {}",
            base.escape_ascii(),
            text.escape_ascii()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn what_is_in_a_text_shows_in_its_base_or_in_a_window((base, steps) in changes()) {
        check(&base, &steps)?;
    }

    #[test]
    fn a_text_in_which_something_is_has_a_sign((text, cut) in secret(), before in filler()) {
        for text in [[&before[..], &text].concat(), text[cut..].to_vec(), text[..cut].to_vec()] {
            if is_in(&text) {
                prop_assert!(has_sign(&text, true), "{}", text.escape_ascii());
            }
        }
    }
}

/// A step of a history: a text comes in two versions, or lines go, or move.
type Change = ((Vec<u8>, usize), Index, Index, u8);

/// The versions of a file that begins as lines of nothing.
fn versions(changes: &[Change]) -> Vec<Vec<u8>> {
    let line = |n: usize| format!("    step({n}, {});\n", n * 31);
    let mut text = (0..500).map(line).collect::<String>().into_bytes();
    let mut versions = vec![text.clone()];
    for ((secret, cut), at, other, how) in changes {
        let at = at.index(text.len());
        let other = other.index(text.len());
        let (from, to) = (at.min(other), at.max(other).min(at.min(other) + 900));
        match how {
            0 => drop(text.drain(from..to)),
            1 => text[from..].rotate_left(to - from),
            _ => {
                text.splice(at..at, secret[..*cut].iter().copied());
                versions.push(text.clone());
                text.splice(at + cut..at + cut, secret[*cut..].iter().copied());
            }
        }
        versions.push(text.clone());
    }
    versions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn in_real_packs_what_is_not_wanted_whole_holds_nothing(
        changes in proptest::collection::vec((secret(), any::<Index>(), any::<Index>(), 0..6_u8), 6..14),
    ) {
        let fixture = Fixture::new();
        for version in versions(&changes) {
            fixture.write("file", version);
            fixture.commit("a version");
        }
        fixture.git(&["config", "pack.window", "50"]);
        let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Pack);
        let (mut signs, mut wanted) = (Signs::default(), Vec::new());
        let reach = reach(shipped()).unwrap();
        let (streamed, whole) = received.windows(&PushLimits::default(), reach, |streamed| {
            let mut windowed = streamed.windows.iter().peekable();
            for (number, (_, _, text)) in (0..).zip(&streamed.objects) {
                let shows = match windowed.next_if(|(windowed, _, _)| *windowed == number) {
                    Some((_, base, windows)) => {
                        assert!(signs.link(number, *base, None));
                        windows.iter().any(|window| has_sign(&text[window.clone()], window.start == 0))
                    }
                    None => has_sign(text, true),
                };
                if shows {
                    signs.add(number);
                }
            }
            wanted = signs.decide(usize::MAX, &mut |_| {});
            wanted.clone()
        });
        prop_assert!(whole.objects.iter().eq(wanted.iter().map(|at| &streamed.objects[*at as usize])));
        for (number, _, _) in &streamed.windows {
            let text = &streamed.objects[*number as usize].2;
            prop_assert!(wanted.contains(number) || !is_in(text), "{}", text.escape_ascii());
        }
    }
}
