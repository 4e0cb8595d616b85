//! The verdict is a function of objects and refs: how git packs a push does not show in it.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::forge::{Forge, Work, list};
use crate::token;

/// How a push is packed: what the client and the server are told.
struct Packing {
    name: &'static str,
    /// `pack.window`, `pack.depth`.
    client: [&'static str; 2],
    /// `receive.unpackLimit`.
    unpack_limit: &'static str,
    /// Whether some objects then come as windows.
    has_deltas: bool,
    /// How many of the commits are there before the hook is.
    before: usize,
}

const LOOSE: Packing = Packing {
    name: "loose",
    client: ["10", "50"],
    unpack_limit: "100000",
    has_deltas: false,
    before: 0,
};
const WHOLE: Packing = Packing {
    name: "undeltified",
    client: ["0", "0"],
    unpack_limit: "1",
    has_deltas: false,
    before: 0,
};
const DELTAS: Packing = Packing {
    name: "deltified",
    client: ["250", "250"],
    unpack_limit: "1",
    has_deltas: true,
    before: 0,
};
const THIN: Packing =
    Packing { name: "thin", client: ["100", "50"], unpack_limit: "1", has_deltas: true, before: 3 };

/// Lines that nothing can be made of.
fn lines(count: usize, salt: usize) -> Vec<String> {
    (0..count).map(|n| format!("    step({n}, {}); // as before", n * 31 + salt)).collect()
}

/// The versions of a file, with what each adds or takes away.
struct History {
    lines: Vec<String>,
    versions: Vec<String>,
}

impl History {
    fn new() -> Self {
        Self { lines: lines(700, 1), versions: Vec::new() }
    }

    /// Changes a line far from all others.
    fn with(&mut self, at: usize, line: &str) {
        line.clone_into(&mut self.lines[at]);
        self.versions.push(self.lines.join("\n") + "\n");
    }
}

/// A history in which each secret shows in one version of a file alone, by a change of a few bytes.
fn history(secrets: &[String], known: &str) -> History {
    let [whole, halved, parted, coded, wrapped, listed, joined, password] = secrets else {
        panic!("eight are needed")
    };
    let mut history = History::new();
    for at in [40, 90, 140] {
        history.with(at, "    nothing();");
    }
    history.with(60, &format!("    call(\"{whole}\");"));
    history.with(60, "    call();");
    // The first half is there, and the other comes.
    history.with(120, &format!("    call(\"{}\");", &halved[..17]));
    history.with(120, &format!("    call(\"{halved}\");"));
    history.with(120, "    call();");
    // Two halves are there, and what is between them goes.
    history.with(180, &format!("    call(\"{} {}\");", &parted[..21], &parted[21..]));
    history.with(180, &format!("    call(\"{parted}\");"));
    history.with(180, "    call();");
    // A character of base64 is wrong, and is mended.
    let code = BASE64_STANDARD.encode(format!("key {coded}"));
    history.with(240, &format!("    call(\"{}#{}\");", &code[..9], &code[9..]));
    history.with(240, &format!("    call(\"{code}\");"));
    history.with(240, "    call();");
    // So in rows of it.
    let code = BASE64_STANDARD.encode(format!("{}\nkey {wrapped}\n", "\u{7}\u{1}\u{2}".repeat(40)));
    let rows = |code: &str| -> String {
        let rows = code.as_bytes().chunks(60).map(String::from_utf8_lossy);
        rows.collect::<Vec<_>>().join("\n")
    };
    history.with(300, &rows(&code[1..]));
    history.with(300, &rows(&code));
    history.with(300, "    call();");
    // A list of numbers, of which one is no byte.
    let list = |text: &str| {
        text.bytes().fold(String::new(), |mut list, byte| {
            let _ = write!(
                list,
                "{byte},{}",
                if byte == b'_' { "\n                    " } else { " " }
            );
            list
        })
    };
    history.with(360, &list(listed).replacen(", ", ", 900, ", 1));
    history.with(360, &list(listed));
    history.with(360, "    call();");
    // Strings that are joined once an operator is between them.
    let (one, other) = joined.split_at(15);
    history.with(420, &format!("    call(\"{one}\", \"{other}\");"));
    history.with(420, &format!("    call(\"{one}\"\n        + \"{other}\");"));
    history.with(420, "    call();");
    // A name to which a value comes.
    history.with(480, "    password = \"\"");
    history.with(480, &format!("    password = \"{password}\""));
    history.with(480, "    call();");
    // A value without a shape, of which the end was there.
    history.with(540, &format!("    call('x{}');", &known[4..]));
    history.with(540, &format!("    call('{known}');"));
    history.with(540, "    call();");
    history
}

/// Commits the history, and files in other encodings beside.
fn commit(work: &Work<'_>, history: &History, narrow: &str, wide: &str) {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let apart = lines(300, 7).join("\r");
    for (number, version) in history.versions.iter().enumerate() {
        work.write("src/main.c", version);
        let (mark, other) = match number {
            7 => (narrow, ""),
            11 => ("", wide),
            _ => ("", ""),
        };
        work.write("old/mac.txt", format!("{apart}\rnumber {number} {mark}\r{apart}"));
        let text = format!("{}\n{number} {other}\n", lines(100, 9).join("\n"));
        work.write("win/wide.txt", utf16(&text));
        work.git(&["add", "--all"]);
        work.git(&["commit", "-q", "-m", &format!("version {number}")]);
    }
}

/// What is on record of a push: every place of every secret.
fn places(forge: &Forge) -> Vec<String> {
    let place = |incident: &Value, place: &Value| {
        let fields = ["commit", "path", "line", "column", "end_line", "layers", "container", "age"];
        let fields: Vec<String> = fields.iter().map(|field| place[*field].to_string()).collect();
        format!("{} {} {}", incident["rule"], incident["confidence"], fields.join(" "))
    };
    let mut places = Vec::new();
    for incident in forge.incidents() {
        places.extend(list(&incident, "occurrences").iter().map(|at| place(&incident, at)));
    }
    places.sort();
    places
}

#[test]
fn how_a_push_is_packed_does_not_show_in_its_verdict() {
    let secrets: Vec<String> = (0..7).map(|_| token::github()).chain([token::random(24)]).collect();
    let (known, narrow, wide) = (token::shapeless(), token::github(), token::github());
    let history = history(&secrets, &known);
    let author = Forge::stopped();
    let origin = author.bare("origin.git", &[]);
    let work = origin.clone_as("author");
    commit(&work, &history, &narrow, &wide);

    let push = |packing: &Packing| {
        let forge = Forge::stopped();
        forge.configure("log", "level = \"debug\"");
        forge.serve();
        for secret in secrets.iter().chain([&known, &narrow, &wide]) {
            forge.plant(secret);
        }
        let added = forge.cli_with_input(["inventory", "add", "it"], &format!("{known}\n"));
        assert_eq!(added.code, 0, "{added:?}");
        let repository = forge.bare("r.git", &[]);
        repository.git(&["config", "receive.unpackLimit", packing.unpack_limit]);
        let clone = repository.clone_as("w");
        // Loose, so that no delta is reused.
        clone.git(&["config", "fetch.unpackLimit", "100000"]);
        clone.git(&["fetch", "-q", work.path.to_str().unwrap(), "HEAD"]);
        let [window, depth] = packing.client;
        clone.git(&["config", "pack.window", window]);
        clone.git(&["config", "pack.depth", depth]);
        if packing.before > 0 {
            let above = history.versions.len() - packing.before;
            let old = format!("FETCH_HEAD~{above}:refs/heads/main");
            assert!(clone.push(&[&old]).is_accepted());
        }
        forge.install(&repository);
        let said = clone.push(&["FETCH_HEAD:refs/heads/main"]);
        assert!(!said.is_accepted(), "{}: {said:?}", packing.name);
        assert!(forge.unscanned().is_empty(), "{}", packing.name);
        let has_windows = forge.daemon_log().contains("objects came as windows");
        assert_eq!(has_windows, packing.has_deltas, "{}", packing.name);
        (forge.incidents().len(), places(&forge))
    };
    let loose = push(&LOOSE);
    assert_eq!(loose.0, 11, "{:#?}", loose.1);
    for packing in [WHOLE, DELTAS, THIN] {
        let other = push(&packing);
        assert_eq!(other, loose, "{} against loose", packing.name);
    }
}
