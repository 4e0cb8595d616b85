//! The house rules that no compiler checks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may import of this package; what is not listed it may not.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("push", &["wire"]),
    ("hook", &["wire", "push"]),
    ("secret", &[]),
    ("clock", &[]),
    ("rule", &["secret"]),
    ("finding", &["rule", "secret"]),
    ("identity", &["wire", "secret", "clock"]),
    ("policy", &["finding", "identity", "clock", "rule", "secret"]),
    ("incident", &["finding", "identity", "policy", "clock", "rule", "secret"]),
    ("scan", &["rule", "finding", "secret"]),
    ("store", &["incident", "policy", "identity", "finding", "rule", "clock", "secret"]),
    ("ticket", &["incident", "policy", "identity", "finding", "rule", "clock", "secret"]),
    ("config", &["rule", "secret"]),
    ("telemetry", &["config"]),
];

/// Modules of the outer rings, which may import all that lies further in, and their own ring.
const OUTER: &[(&str, &[&str])] = &[
    ("service", &["job", "http", "cli", "config", "telemetry", "app"]),
    ("job", &["http", "cli", "config", "telemetry", "app"]),
    ("http", &["cli", "app"]),
    ("app", &["cli"]),
    ("cli", &[]),
    ("fuzzing", &[]),
];

#[test]
fn arrows_point_inwards() {
    let may: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let not: BTreeMap<&str, &[&str]> = OUTER.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in files(Path::new("src"), "rs") {
        let module = module_of(&file);
        for imported in imports(&fs::read_to_string(&file).unwrap()) {
            let allowed = imported == module
                || may.get(module.as_str()).is_some_and(|list| list.contains(&imported.as_str()))
                || not.get(module.as_str()).is_some_and(|list| !list.contains(&imported.as_str()));
            if !allowed && module != "lib" && module != "bin" {
                wrong.push(format!("{} imports {imported}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_hook_reaches_std_gix_and_its_own_ring_alone() {
    let light = ["wire", "push", "hook"];
    let foreign = |line: &str| {
        let path = line.trim_start().strip_prefix("use ").unwrap_or("").trim_start_matches("::");
        let root = path.split("::").next().unwrap_or("").trim_end_matches(';');
        let known = ["", "std", "core", "gix", "crate", "super", "self"];
        // A module's own children are named without a path.
        !known.contains(&root)
            && path.contains("::")
            && root.chars().next().is_some_and(char::is_lowercase)
            && [
                "tokio",
                "serde",
                "serde_json",
                "thiserror",
                "clap",
                "regex",
                "hyper",
                "axum",
                "tracing",
                "rusqlite",
                "rustix",
                "nix",
                "anyhow",
                "memchr",
                "sha2",
                "jiff",
                "toml",
            ]
            .contains(&root)
    };
    for module in light {
        for file in files(Path::new("src"), "rs") {
            let is_test = file.to_string_lossy().contains("test") || file.ends_with("fixture.rs");
            if module_of(&file) != module || is_test {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            // std cannot set a socket's timeout before it connects.
            let is_socket = |line: &str| {
                file.ends_with("hook/connection.rs") && line.starts_with("use rustix::net::")
            };
            let wrong: Vec<&str> =
                text.lines().filter(|line| foreign(line) && !is_socket(line)).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", file.display());
        }
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string("tests/it/main.rs").unwrap();
    for file in files(Path::new("tests/it"), "rs") {
        let parts: Vec<_> = file.strip_prefix("tests/it").unwrap().components().collect();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if parts.len() == 1 && name != "main" {
            assert!(main.contains(&format!("mod {name};")), "{} is not run", file.display());
        }
    }
}

#[test]
fn clear_text_leaves_through_one_door() {
    // Who may open a `Secret`: the audit of `.expose()`.
    let may = ["src/secret.rs", "src/service/", "src/http/admin/routes.rs", "src/config/keys.rs"];
    for file in files(Path::new("src"), "rs") {
        let opens = fs::read_to_string(&file).unwrap().contains(".expose()");
        let name = file.to_string_lossy().into_owned();
        assert!(!opens || may.iter().any(|may| name.starts_with(may)), "{name} opens secrets");
    }
}

fn module_of(file: &Path) -> String {
    let below = file.strip_prefix("src").unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            let end =
                name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
            if !name[..end].is_empty() {
                found.push(name[..end].to_owned());
            }
        }
    }
    found
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
