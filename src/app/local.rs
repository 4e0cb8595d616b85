//! Local screening: the same engine in a child of the hook, when the daemon is away.
//!
//! The child runs as the git account. It has the last rule snapshot and the daemon's *public* key;
//! what it finds it seals into the spool. It cannot look known secrets up, and says so.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::UnixStream;

use super::{limits, own_rule_files, policy, read_bounded, wording};
use crate::clock::SystemClock;
use crate::config::{Config, keys};
use crate::identity::Owners;
use crate::policy::{Action, OnUnscanned, Policy};
use crate::rule::{Confidence, Ruleset};
use crate::scan::{Engine, Pool};
use crate::secret::FingerprintKey;
use crate::service::screen_push::{Gate, GateParts, Outcome, screen_push};
use crate::service::spool::SpoolRecorder;

/// The largest snapshot, in bytes.
const SNAPSHOT_BYTES_MAX: u64 = 64 << 20;

/// Scanning threads of a child: it serves one push.
const WORKERS: usize = 2;

/// What a child needs of the daemon's settings: the administrator's own rules and the policy.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    rules: Vec<(String, String)>,
    refuse_at: Confidence,
    on_unscanned: OnUnscanned,
    on_unopened: OnUnscanned,
    actions: Vec<(String, Action)>,
    contact: Option<String>,
}

impl Snapshot {
    /// Takes what a child needs from the configuration.
    ///
    /// # Errors
    /// If a rule file cannot be read.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let policy = policy(config);
        let actions = policy.actions.iter();
        Ok(Self {
            rules: own_rule_files(config)?,
            refuse_at: policy.refuse_at,
            on_unscanned: policy.on_unscanned,
            on_unopened: policy.on_unopened,
            actions: actions.map(|(rule, action)| (rule.to_string(), *action)).collect(),
            contact: wording(config).contact,
        })
    }

    /// Writes it where the git account can read it; whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let unfinished = path.with_extension("snapshot-new");
        let written = || -> anyhow::Result<()> {
            let mut file = fs::File::create(&unfinished)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.set_permissions(fs::Permissions::from_mode(0o644))?;
            file.sync_all()?;
            Ok(fs::rename(&unfinished, path)?)
        };
        written().with_context(|| format!("cannot write the rule snapshot {}", path.display()))
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read_bounded(path, SNAPSHOT_BYTES_MAX)?;
        serde_json::from_str(&text)
            .with_context(|| format!("the rule snapshot {} makes no sense", path.display()))
    }

    fn policy(&self) -> Policy {
        let actions = self.actions.iter().filter_map(|(rule, action)| {
            crate::rule::RuleId::parse(rule).ok().map(|rule| (rule, *action))
        });
        Policy {
            refuse_at: self.refuse_at,
            on_unscanned: self.on_unscanned,
            on_unopened: self.on_unopened,
            actions: actions.collect(),
        }
    }
}

/// Screens the push on standard input, which is one end of a socket pair; returns whether it was
/// answered with a verdict.
///
/// # Errors
/// If it cannot start.
pub fn screen_locally(rules: &Path, public_key: &Path, spool: &Path) -> anyhow::Result<bool> {
    let snapshot = Snapshot::read(rules)?;
    let recorder =
        SpoolRecorder { directory: spool.to_owned(), public_key: keys::read_public(public_key)? };
    let gate = Arc::new(gate(&snapshot, recorder)?);
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().context("no standard input")?;
    let stream = StdStream::from(stdin);
    stream.set_nonblocking(true).context("standard input is no socket")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let account = rustix::process::geteuid().as_raw();
    runtime.block_on(async {
        let stream = UnixStream::from_std(stream)?;
        let outcome = screen_push(&gate, stream, account).await;
        Ok(!matches!(outcome, Outcome::Failed(_)))
    })
}

fn gate(snapshot: &Snapshot, recorder: SpoolRecorder) -> anyhow::Result<Gate> {
    let ruleset = Ruleset::with_shipped(&snapshot.rules)
        .map_err(|errors| anyhow::anyhow!("{} errors in the rule snapshot", errors.len()))?;
    let ruleset = Arc::new(ruleset);
    let mut ephemeral = [0; 32];
    rustix::rand::getrandom(&mut ephemeral, rustix::rand::GetRandomFlags::empty())?;
    Ok(Gate::new(GateParts {
        engine: Arc::new(Engine::new(Arc::clone(&ruleset))?),
        ruleset,
        inventory: None,
        ledger: None,
        // Equal values meet within this push; the daemon makes the lasting fingerprints.
        key: Arc::new(FingerprintKey::new(ephemeral)),
        policy: snapshot.policy(),
        owners: Owners::default(),
        pool: Pool::start(WORKERS)?,
        limits: limits(&Config::system()),
        recorder: Arc::new(recorder),
        clock: Arc::new(SystemClock),
        wording: crate::service::screen_push::Wording {
            contact: snapshot.contact.clone(),
            ticket_url: None,
        },
    }))
}
