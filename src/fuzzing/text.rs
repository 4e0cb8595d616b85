//! Files that people write: settings, rules, owners.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::hook::Settings;
use crate::identity::{Codeowners, Owners};
use crate::rule::Ruleset;
use crate::scan::Engine;

/// Where CODEOWNERS may lie; the first byte of an input says where it does.
const CODEOWNERS: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// Reads CODEOWNERS, and asks it whose a few paths are.
pub(super) fn codeowners(bytes: &[u8]) {
    let Some((&place, bytes)) = bytes.split_first() else { return };
    let file = CODEOWNERS.iter().cycle().nth(usize::from(place % 4)).expect("it goes round");
    let owners = Codeowners::parse(file, bytes);
    assert!(owners.problems().len() <= Codeowners::PROBLEMS_MAX + 1, "problems are bounded");
    for path in [&b"a.env"[..], b"deploy/prod/\xff/a b.env", b"docs/", b"", bytes] {
        drop(owners.find(path));
    }
}

/// Reads the configuration.
pub(super) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(errors) = Config::parse(text, Path::new("/etc/pushwarden/pushwarden.toml")) {
        assert!(!errors.to_string().is_empty(), "an error says what is wrong");
    }
}

/// Reads the registry of owners.
pub(super) fn owners(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Owners::parse("owners.toml", text) {
        Ok(owners) => drop(owners.names()),
        Err(errors) => assert!(!errors.problems().is_empty(), "an error says what is wrong"),
    }
}

/// Reads a file of rules; rules that load compile, or say why not.
pub(super) fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Ruleset::load(&[("rules.toml".to_owned(), text.to_owned())]) {
        Ok(ruleset) => {
            if let Ok(engine) = Engine::new(Arc::new(ruleset)) {
                drop(engine.compile_all());
            }
        }
        Err(errors) => assert!(!errors.is_empty(), "an error says what is wrong"),
    }
}

/// Reads the settings that stand beside a hook.
pub(super) fn hook_settings(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    if let Err(problems) = Settings::load_named(file.path()) {
        assert!(!problems.is_empty(), "an error says what is wrong");
    }
}
