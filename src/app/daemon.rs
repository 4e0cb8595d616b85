//! The daemon: starts everything, serves until it is told to stop, stops cleanly.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::local::Snapshot;
use super::sockets::{Place, Sockets};
use super::{limits, load_owners, load_rules, policy, wording, workers};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Keys, account};
use crate::http::admin::Admin;
use crate::http::peer::Admitted;
use crate::http::{admin, push};
use crate::job::{self, Jobs};
use crate::rule::Ruleset;
use crate::scan::{Engine, Pool};
use crate::secret::FingerprintKey;
use crate::service::ingest;
use crate::service::inventory::Inventory;
use crate::service::ledger::{Ledger, Scanner};
use crate::service::recorder::StoreRecorder;
use crate::service::rescan::Rescanner;
use crate::service::screen_push::{Gate, GateParts};
use crate::service::triage::Triage;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{FileLedger, Store};
use crate::ticket::{Journal, TicketSink};

/// How long a stopping daemon waits for pushes under way. Their own deadline is longer; systemd's
/// patience is not.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

/// Serves until SIGTERM or SIGINT. Writes one line that begins with `ready` to `talk`, and tells
/// systemd, when both sockets listen.
///
/// # Errors
/// If it cannot start.
pub fn serve(config: &Config, talk: &mut dyn Write) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Sockets and timers keep one thread busy for a tenth of a push; a second one is woken for
        // every push, finds nothing to do, and costs more than that. Work has threads of its own.
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(run(config, talk))
}

async fn run(config: &Config, talk: &mut dyn Write) -> anyhow::Result<()> {
    let daemon = Daemon::assemble(config)?;
    let sockets = Sockets::open(
        // Who may push is a matter of the peer's uid; the mode lets them knock.
        &Place { path: &config.push.socket, mode: 0o666 },
        &Place { path: &config.admin.socket, mode: 0o600 },
    )?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    daemon.start(config, sockets, &tasks, &stop)?;
    // Without systemd there is nobody to notify.
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
    writeln!(talk, "ready: pushes on {}", config.push.socket.display())?;
    tracing::info!(socket = %config.push.socket.display(), "ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(sd_notify::notify(&[sd_notify::NotifyState::Stopping]));
    tracing::info!("stopping: no more pushes are taken, those under way are finished");
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::warn!("pushes were still under way and are refused by their hooks");
    }
    Ok(())
}

/// Everything that the daemon is made of, before it listens.
struct Daemon {
    gate: Arc<Gate>,
    admin: Admin,
    jobs: Jobs,
}

impl Daemon {
    fn assemble(config: &Config) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sinks: Vec<Box<dyn TicketSink>> = vec![Box::new(Journal)];
        let Keys { fingerprint, spool } = keys(config)?;
        let key = Arc::new(fingerprint);
        let store = open_store(config, &sinks)?;
        let ruleset = Arc::new(load_rules(config)?);
        let owners = load_owners(config)?;
        Snapshot::of(config)?.write(&config.rules_snapshot())?;
        let inventory = Inventory::open(Arc::clone(&key), Arc::clone(&store), Arc::clone(&clock))?;
        let inventory = Arc::new(inventory);
        let ledger = open_ledger(config, &key, &inventory, &ruleset);
        let recorder = StoreRecorder::new(Arc::clone(&store), Arc::clone(&inventory));
        let gate = Arc::new(Gate::new(GateParts {
            engine: Arc::new(Engine::new(Arc::clone(&ruleset))?),
            ruleset,
            inventory: Some(Arc::clone(&inventory)),
            ledger,
            key,
            policy: policy(config),
            owners,
            pool: Pool::start(workers(config)).context("cannot start the workers")?,
            limits: limits(config),
            recorder: Arc::new(recorder),
            clock: Arc::clone(&clock),
            wording: wording(config),
        }));
        let triage = Triage {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            allow_self_approval: config.admin.allow_self_approval,
        };
        let intake = ingest::Intake {
            directory: config.spool.directory.clone(),
            entries_max: config.spool.entries_max,
            store: Arc::clone(&store),
            spool_key: spool,
            gate: Arc::clone(&gate),
            inventory: Arc::clone(&inventory),
        };
        let rescanner = Rescanner::new(Arc::clone(&gate), Arc::clone(&store));
        let poll = config.spool.poll;
        let jobs = Jobs { store: Arc::clone(&store), sinks, intake, rescanner, poll, clock };
        Ok(Self { gate, admin: Admin { store, triage, inventory }, jobs })
    }

    fn start(
        self,
        config: &Config,
        sockets: Sockets,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let pushers = Admitted::new(account::uids(&config.push.accounts)?);
        let own = rustix::process::geteuid().as_raw();
        let administrators = account::uids(&config.admin.accounts)?;
        let administrators = Admitted::new(administrators.into_iter().chain([own]));
        tasks.spawn(push::serve(sockets.push, pushers, self.gate, tasks.clone(), stop.clone()));
        tasks.spawn(admin::serve(
            sockets.admin,
            administrators,
            self.admin,
            tasks.clone(),
            stop.clone(),
        ));
        tasks.spawn(job::run(self.jobs, stop.clone()));
        Ok(())
    }
}

/// Reads the keys; makes them at the very first start, when there is no database either.
fn keys(config: &Config) -> anyhow::Result<Keys> {
    let files = config.key_files();
    if files.is_empty() && !database(config).exists() {
        std::fs::create_dir_all(&config.state_dir)
            .with_context(|| format!("cannot make {}", config.state_dir.display()))?;
        files.create().context("cannot make the keys")?;
    }
    let keys = files.read().context("cannot read the keys")?;
    files.publish_missing().context("cannot publish the spool's public key")?;
    Ok(keys)
}

fn database(config: &Config) -> std::path::PathBuf {
    config.state_dir.join("pushwarden.db")
}

fn open_store(config: &Config, sinks: &[Box<dyn TicketSink>]) -> anyhow::Result<Arc<dyn Store>> {
    let names = sinks.iter().map(|sink| sink.name().to_owned()).collect();
    let path = database(config);
    let store = SqliteStore::open(&path, SqliteOptions { sinks: names })
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    Ok(Arc::new(store))
}

/// Opens the ledger. Without one everything is scanned.
fn open_ledger(
    config: &Config,
    key: &Arc<FingerprintKey>,
    inventory: &Arc<Inventory>,
    ruleset: &Ruleset,
) -> Option<Arc<Ledger>> {
    if config.ledger.rows_max == 0 {
        return None;
    }
    let (path, rows_max) = (config.state_dir.join("ledger"), config.ledger.rows_max);
    let scanner = Scanner::new(ruleset, &limits(config).layers);
    let (key, inventory) = (Arc::clone(key), Arc::clone(inventory));
    let opened = FileLedger::open(&path, rows_max)
        .and_then(|store| Ledger::open(Arc::new(store), key, inventory, scanner, rows_max));
    match opened {
        Ok(ledger) => Some(Arc::new(ledger)),
        Err(error) => {
            let (error, ledger): (&dyn std::error::Error, _) = (&error, path.display());
            tracing::warn!(error, %ledger, "there is no ledger: every object is scanned");
            None
        }
    }
}
