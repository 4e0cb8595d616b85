//! Each setting's key, range and default, one line each.

use std::collections::BTreeMap;
use std::path::Path;

use super::Config;
use super::account::Account;
use super::section::Section;
use super::settings::{
    Admin, Hook, KeysSection, Ledger, Log, LogFormat, LogLevel, Message, OnUnavailable,
    OnUnscanned, Owners, Policy, Push, RuleAction, Rules, Spool,
};
use crate::rule::{Confidence, RuleId};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

pub(super) fn config(top: &Section<'_>, file: &Path) -> Config {
    let state_dir = top.path("state_dir", "/var/lib/pushwarden");
    let config = Config {
        file: file.to_path_buf(),
        push: push(&top.section("push")),
        admin: admin(&top.section("admin")),
        policy: policy(&top.section("policy")),
        rules: rules(&top.section("rules")),
        owners: owners(&top.section("owners")),
        keys: keys_section(&top.section("keys"), &state_dir),
        spool: spool(&top.section("spool")),
        ledger: ledger(&top.section("ledger")),
        hook: hook(&top.section("hook")),
        message: message(&top.section("message")),
        log: log(&top.section("log")),
        state_dir,
    };
    if config.push.socket == config.admin.socket {
        let remedy = "give each its own, the admin socket in a directory closed to push accounts";
        let what = "has the socket of `push`";
        top.complain("admin", what, "two different paths", remedy);
    }
    top.end();
    config
}

fn push(section: &Section<'_>) -> Push {
    let push = Push {
        socket: section.socket("socket", "/run/pushwarden/push.sock"),
        accounts: accounts(section, "git"),
        pushes_max: section.count("pushes_max", 1..=4096, 64),
        pushes_waiting_max: section.count("pushes_waiting_max", 0..=65_536, 256),
        waiting_timeout: section.millis("waiting_timeout_ms", 1..=10 * MINUTE_MS, 5_000),
        pushes_per_repository_max: section.count("pushes_per_repository_max", 1..=4096, 16),
        waiting_per_repository_max: section.count("waiting_per_repository_max", 0..=65_536, 64),
        pushes_per_pusher_max: section.count("pushes_per_pusher_max", 1..=4096, 16),
        waiting_per_pusher_max: section.count("waiting_per_pusher_max", 0..=65_536, 64),
        deadline: section.millis("deadline_ms", 1_000..=HOUR_MS, 60_000),
        deadline_per_20_mb: section.millis("deadline_ms_per_20_mb", 0..=MINUTE_MS, 1_000),
        push_bytes_max: section.integer("push_bytes_max", MIB..=1024 * GIB, 20 * GIB),
        // Two of the longest frames must fit, or a push could never go on.
        in_flight_bytes_max: section.integer("in_flight_bytes_max", 2 * MIB..=64 * GIB, 64 * MIB),
        // A quarter is kept for small pushes; in the rest, one object must fit that is kept whole.
        gathered_bytes_max: section.integer("gathered_bytes_max", 32 * MIB..=64 * GIB, 64 * MIB),
        // What the store files for one push; with more, a push would be refused without a record.
        findings_max: section.count("findings_max", 1..=10_000, 1_000),
        // As many as the store answers for in one question.
        layer_depth_max: section.count("layer_depth_max", 1..=64, 8),
        layer_bytes_max: section.integer("layer_bytes_max", MIB..=64 * GIB, 128 * MIB),
        layer_parts_max: section.count("layer_parts_max", 1..=10_000_000, 100_000),
        hits_max: section.count("hits_max", 1_000..=100_000, 50_000),
        workers: Some(section.count("workers", 0..=1_024, 0)).filter(|&workers| workers > 0),
    };
    section.end();
    push
}

fn accounts(section: &Section<'_>, default: &str) -> Vec<Account> {
    let accepted = "names of Unix accounts, such as \"git\", and user ids, such as 998";
    let remedy = "name an account of this machine; `getent passwd` lists them";
    let named = section.entries("accounts", accepted, remedy, Account::from_toml);
    named.unwrap_or_else(|| vec![Account::Name(default.to_owned())])
}

fn admin(section: &Section<'_>) -> Admin {
    let admin = Admin {
        socket: section.socket("socket", "/run/pushwarden/admin/admin.sock"),
        accounts: accounts(section, "root"),
        allow_self_approval: section.flag("allow_self_approval", false),
    };
    section.end();
    admin
}

fn policy(section: &Section<'_>) -> Policy {
    let confidences =
        [("high", Confidence::High), ("medium", Confidence::Medium), ("low", Confidence::Low)];
    let answers = [("refuse", OnUnscanned::Refuse), ("accept", OnUnscanned::Accept)];
    let policy = Policy {
        refuse_at: section.word("refuse_at", &confidences, Confidence::High),
        on_unscanned: section.word("on_unscanned", &answers, OnUnscanned::Refuse),
        on_unopened: section.word("on_unopened", &answers, OnUnscanned::Accept),
        rules: rule_actions(section),
    };
    section.end();
    policy
}

fn rule_actions(section: &Section<'_>) -> BTreeMap<RuleId, RuleAction> {
    let words =
        [("refuse", RuleAction::Refuse), ("report", RuleAction::Report), ("off", RuleAction::Off)];
    let mut actions = BTreeMap::new();
    for rule in section.tables("rule") {
        let (id, action) = (rule_id(&rule), rule.required_word("action", &words));
        if let (Some(id), Some(action)) = (id, action)
            && actions.insert(id, action).is_some()
        {
            let remedy = "keep one of them";
            rule.complain("id", "stands twice", "each rule once", remedy);
        }
        rule.end();
    }
    actions
}

fn rule_id(rule: &Section<'_>) -> Option<RuleId> {
    let (accepted, remedy) = ("a rule's id", "`pushwarden rules list` prints them");
    let text = rule.text("id");
    if !rule.has("id") {
        rule.complain("id", "is missing", accepted, remedy);
    }
    let parsed = RuleId::parse(&text?);
    if parsed.is_err() {
        rule.complain("id", "is not a rule id", accepted, remedy);
    }
    parsed.ok()
}

fn rules(section: &Section<'_>) -> Rules {
    let rules = Rules { directories: section.paths("directories") };
    section.end();
    rules
}

fn owners(section: &Section<'_>) -> Owners {
    let owners = Owners {
        file: section.path("file", "owners.toml"),
        default_queue: line(section, "default_queue").unwrap_or_else(|| "security".to_owned()),
    };
    section.end();
    owners
}

fn keys_section(section: &Section<'_>, state_dir: &Path) -> KeysSection {
    let keys = KeysSection { directory: section.path("directory", state_dir.join("keys")) };
    section.end();
    keys
}

fn spool(section: &Section<'_>) -> Spool {
    let spool = Spool {
        directory: section.path("directory", "/var/spool/pushwarden"),
        poll: section.millis("poll_ms", 10..=HOUR_MS, 1_000),
        entries_max: section.count("entries_max", 1..=1_000_000, 10_000),
    };
    section.end();
    spool
}

fn ledger(section: &Section<'_>) -> Ledger {
    // 16 bytes each on the disk, and up to 2 in memory.
    let ledger = Ledger { rows_max: section.integer("rows_max", 0..=100_000_000, 4_000_000) };
    section.end();
    ledger
}

fn hook(section: &Section<'_>) -> Hook {
    let answers = [
        ("reject", OnUnavailable::Reject),
        ("accept", OnUnavailable::Accept),
        ("scan-locally", OnUnavailable::ScanLocally),
    ];
    let hook = Hook {
        deadline: section.millis("deadline_ms", 1_000..=HOUR_MS, 20_000),
        deadline_per_20_mb: section.millis("deadline_ms_per_20_mb", 0..=MINUTE_MS, 1_000),
        hello_timeout: section.millis("hello_timeout_ms", 10..=MINUTE_MS, 500),
        on_unavailable: section.word("on_unavailable", &answers, OnUnavailable::Reject),
    };
    if hook.hello_timeout > hook.deadline {
        let remedy = "lower it, or raise `deadline_ms`";
        let accepted = "less than `deadline_ms`";
        section.complain("hello_timeout_ms", "is longer than the deadline", accepted, remedy);
    }
    section.end();
    hook
}

fn message(section: &Section<'_>) -> Message {
    let message =
        Message { ticket_url: line(section, "ticket_url"), contact: line(section, "contact") };
    let url = message.ticket_url.as_deref().unwrap_or("https://");
    if !url.starts_with("https://") && !url.starts_with("http://") {
        let accepted = "a URL that a ticket's id can follow";
        let remedy = "begin it with https://";
        section.complain("ticket_url", "is no web address", accepted, remedy);
    }
    section.end();
    message
}

/// Reads a text that people see in one line of a terminal.
fn line(section: &Section<'_>, key: &'static str) -> Option<String> {
    /// What fits a refusal's 72 columns beside its label.
    const CHARS_MAX: usize = 60;
    let text = section.text(key)?;
    if text.chars().count() > CHARS_MAX || text.contains(char::is_control) {
        let accepted = format!("one line of at most {CHARS_MAX} characters");
        section.complain(key, "does not fit one line", &accepted, "shorten it");
        return None;
    }
    Some(text)
}

fn log(section: &Section<'_>) -> Log {
    let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    let log = Log {
        format: section.word("format", &formats, LogFormat::Json),
        level: section.word("level", &levels, LogLevel::Info),
    };
    section.end();
    log
}
