//! What a scan tells of a file: findings, and what was not scanned, as JSON records and as lines.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::ScanFormat;
use crate::cli::table::text;
use crate::cli::{Terminal, print_json};
use crate::finding::{Container, Facts, Span};
use crate::policy::{Action, Policy};
use crate::scan::Match;
use crate::secret::{FingerprintKey, Preview};
use crate::wire::escape;

/// Builds a finding's record; the value itself is in no field of it. What the value tells is shown
/// as `facts` say, which hold no other secret.
pub(super) fn found(
    path: &Path,
    (hit, facts): (&Match<'_>, Facts),
    (span, layers): (Span, &[String]),
    (key, policy): (&FingerprintKey, &Policy),
) -> Value {
    let action = policy.action_for(&hit.rule.id, hit.confidence);
    let mut record = json!({
        "rule": hit.rule.id, "kind": "finding",
        "action": if action == Action::Refuse { "refuse" } else { "report" },
        "confidence": hit.confidence, "severity": hit.severity,
        "path": path.to_string_lossy(), "container": Container::Blob, "layers": layers,
        "line": span.line, "column": span.column, "end_line": span.end_line,
        "start": span.start, "end": span.end, "commit": null, "blob": null,
        "fingerprint": key.fingerprint(hit.secret),
        "preview": Preview::mask(hit.secret, hit.rule.masking),
        "facts": facts,
    });
    add_raw_path(&mut record, path);
    record
}

/// Builds the record of what was not scanned.
pub(super) fn unscanned(path: &Path, reason: &str) -> Value {
    let mut record = json!({
        "rule": null, "kind": "unscanned", "reason": reason, "action": null,
        "confidence": null, "severity": null, "path": path.to_string_lossy(),
        "container": Container::Blob, "layers": [], "line": null, "column": null,
        "end_line": null, "start": null, "end": null, "commit": null, "blob": null,
        "fingerprint": null, "preview": null, "facts": {},
    });
    add_raw_path(&mut record, path);
    record
}

/// Adds the bytes of a path that is not UTF-8.
fn add_raw_path(record: &mut Value, path: &Path) {
    if path.to_str().is_none()
        && let Some(fields) = record.as_object_mut()
    {
        let raw = BASE64_STANDARD.encode(path.as_os_str().as_bytes());
        fields.insert("path_base64".to_owned(), Value::String(raw));
    }
}

/// Prints a record.
pub(super) fn print(record: &Value, format: ScanFormat, out: &mut dyn Write) -> io::Result<()> {
    if format == ScanFormat::Jsonl {
        return print_json(record, &mut Terminal { out, err: &mut io::sink() });
    }
    let field = |name| text(record, &[name]);
    let path = escape::line(field("path").as_bytes(), 200);
    if field("kind") == "unscanned" {
        return writeln!(out, "{path}: not scanned: {}", field("reason"));
    }
    let layers = record["layers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let inside: String = layers.flat_map(|layer| [" > ", layer]).collect();
    writeln!(
        out,
        "{path}:{}:{}{inside}: {} {} ({}, confidence {})",
        field("line"),
        field("column"),
        field("rule"),
        field("preview"),
        field("action"),
        field("confidence"),
    )
}
