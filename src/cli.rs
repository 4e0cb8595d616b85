//! The command line: what administrators, triage and scripts call.
//!
//! ```text
//! arguments ──► Cli (clap) ──► command ──► admin socket (client) or embedded engine
//!                                  └──► data on standard output, talk on standard error, exit code
//! ```
//!
//! Exit codes: 0 done or clean, 1 found or refused, 2 usage, 3 failed or not scanned.

mod answer;
pub mod audit;
pub mod check;
pub mod doctor;
pub mod format;
pub mod grant;
pub mod hooks;
pub mod incidents;
pub mod init;
pub mod inventory;
pub mod owner;
pub mod pushes;
pub mod rules;
pub mod scan;
pub mod serve;
pub mod shell;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tickets;
pub mod try_out;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::Parser as _;

use crate::app;
use crate::config::{Config, ConfigErrors, DEFAULT_FILE};
use crate::http::admin::{ErrorBody, ErrorDetail};
use crate::http::client::{Client, ClientError};
use crate::wire::escape;

use format::Format;

/// Exit code: done, or clean.
pub const DONE: u8 = 0;
/// Exit code: something was found or refused.
pub const FOUND: u8 = 1;
/// Exit code: the arguments make no sense.
pub const USAGE: u8 = 2;
/// Exit code: it failed, or something was not scanned.
pub const FAILED: u8 = 3;

/// A Git server's last gate: refuses pushes that carry credentials, and opens a revocation ticket
/// against the owner of each
#[derive(Debug, clap::Parser)]
#[command(name = "pushwarden", version, propagate_version = true)]
#[command(after_help = "Examples:\n  \
    pushwarden try                              see it work, in a scratch directory\n  \
    pushwarden init ~/pushwarden                make an instance of your own\n  \
    pushwarden hooks install /srv/git           guard every repository below a folder\n  \
    pushwarden incidents list --format json     what was found\n\n\
    Exit codes: 0 done or clean, 1 found or refused, 2 usage, 3 failed or not scanned")]
struct Cli {
    /// The configuration [default: /etc/pushwarden/pushwarden.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Try(try_out::TryArgs),
    Init(init::InitArgs),
    Serve(serve::ServeArgs),
    Scan(scan::ScanArgs),
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    #[command(subcommand)]
    Hooks(hooks::HooksCommand),
    #[command(subcommand)]
    Incidents(incidents::IncidentsCommand),
    #[command(subcommand)]
    Tickets(tickets::TicketsCommand),
    #[command(subcommand)]
    Owner(owner::OwnerCommand),
    #[command(subcommand)]
    Inventory(inventory::InventoryCommand),
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    #[command(subcommand)]
    Pushes(pushes::PushesCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    #[command(subcommand)]
    Config(check::ConfigCommand),
    Doctor(doctor::DoctorArgs),
    #[command(hide = true)]
    ScreenLocally(serve::ScreenLocallyArgs),
    /// Runs as git's pre-receive hook (also chosen when the program is called `…pre-receive`)
    #[command(after_help = "Example:\n  pushwarden hook /etc/pushwarden/hook.pushwarden")]
    Hook {
        /// The hook's settings [default: hooks/pre-receive.pushwarden of the repository]
        settings: Option<PathBuf>,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The daemon is away or said no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An instance could not be made.
    #[error(transparent)]
    Init(#[from] init::InitError),
    /// The installation could not be looked at.
    #[error(transparent)]
    Doctor(#[from] doctor::DoctorError),
    /// A hook could not be installed.
    #[error(transparent)]
    Hooks(#[from] hooks::HooksError),
    /// The arguments make no sense together, or a value is out of range.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        remedy: String,
    },
    /// Something else failed.
    #[error("{message}")]
    Failed {
        /// What was attempted.
        message: String,
        /// What to do.
        remedy: String,
        /// Why it failed.
        source: Option<anyhow::Error>,
    },
    /// Standard output is gone.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

impl CliError {
    /// Says that an argument is wrong, and what to write instead.
    pub fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), remedy: remedy.into() }
    }

    /// Says what failed, why, and what to do.
    pub fn failed(
        message: impl Into<String>,
        source: impl Into<anyhow::Error>,
        remedy: impl Into<String>,
    ) -> Self {
        let source = Some(source.into());
        Self::Failed { message: message.into(), remedy: remedy.into(), source }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => USAGE,
            Self::Client(ClientError::Refused(detail)) if detail.code == "invalid" => USAGE,
            _ => FAILED,
        }
    }

    fn detail(&self) -> ErrorDetail {
        let (code, remedy) = match self {
            Self::Client(error) => return error.detail(),
            Self::Usage { remedy, .. } => ("usage", remedy.as_str()),
            Self::Failed { remedy, .. } => ("failed", remedy.as_str()),
            Self::Config(_) => ("config", "mend the configuration: `pushwarden config check`"),
            Self::Init(_) => ("init", ""),
            Self::Hooks(_) => ("hooks", ""),
            Self::Doctor(_) => ("doctor", ""),
            Self::Output(_) => ("output", ""),
        };
        let message = self.to_string();
        ErrorDetail { code: code.to_owned(), message, remedy: remedy.to_owned() }
    }
}

/// Where a command writes: data and talk.
pub struct Terminal<'a> {
    /// Standard output: data.
    pub out: &'a mut dyn Write,
    /// Standard error: talk.
    pub err: &'a mut dyn Write,
}

/// Runs the command that `arguments` (with the program's name first) ask for, and returns the exit
/// code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, terminal: &mut Terminal<'_>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let wants_json = wants_json(&arguments);
    let printable = Printable::of(&arguments);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap quotes what it did not understand, without a part of what it holds.
            let error = Cli::try_parse_from(shown(&arguments)).err().unwrap_or(error);
            return usage(&error, wants_json, &printable, terminal);
        }
    };
    match dispatch(&cli, terminal) {
        Ok(code) => code,
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
        Err(error) => {
            // Nobody is left to tell if standard error is gone as well.
            drop(report(&error, wants_json, &printable, terminal));
            error.exit_code()
        }
    }
}

fn dispatch(cli: &Cli, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let named = cli.config.as_deref();
    match &cli.command {
        Command::Try(args) => try_out::run(args, terminal),
        Command::Init(args) => Ok(init::run(args, terminal.out)?),
        Command::Serve(args) => serve::run(args, &load(named)?, terminal),
        Command::Scan(args) => scan::run(args, &load_or_default(named)?, terminal),
        Command::Rules(command) => rules::run(command, &load_or_default(named)?, terminal),
        Command::Hooks(command) => run_hooks(command, &load(named)?, terminal),
        Command::Incidents(command) => incidents::run(command, &client(named)?, terminal),
        Command::Tickets(command) => tickets::run(command, &client(named)?, terminal),
        Command::Owner(command) => owner::run(command, &load_or_default(named)?, terminal),
        Command::Inventory(command) => inventory::run(command, &client(named)?, terminal),
        Command::Grant(command) => grant::run(command, &client(named)?, terminal),
        Command::Pushes(command) => pushes::run(command, &client(named)?, terminal),
        Command::Audit(command) => audit::run(command, &client(named)?, terminal),
        Command::Config(command) => check::run(command, named, terminal),
        Command::Doctor(args) => {
            let file = named.map_or_else(|| PathBuf::from(DEFAULT_FILE), one_name);
            Ok(doctor::run(args, &file, &more_checks, terminal.out)?)
        }
        Command::ScreenLocally(args) => serve::screen_locally(args),
        Command::Hook { .. } => Err(CliError::usage(
            "the hook runs before the command line is read",
            "call it as `pushwarden hook [SETTINGS]`, with `hook` as the first argument",
        )),
    }
}

fn run_hooks(
    command: &hooks::HooksCommand,
    config: &Config,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let programs = hooks::Programs::of_this_process().map_err(hooks::HooksError::Program)?;
    let client = Client::new(&config.admin.socket);
    let issue_canary = || issue_canary(&client);
    let context = hooks::Context { config, programs: &programs, issue_canary: &issue_canary };
    Ok(hooks::run(command, &context, terminal.out)?)
}

fn issue_canary(client: &Client) -> Result<hooks::Canary, hooks::CanaryError> {
    let issued =
        client.post("/v1/canaries", &serde_json::Value::Null).map_err(|error| match error {
            ClientError::Away { socket, source } => hooks::CanaryError::Away {
                socket: socket.display().to_string(),
                reason: source.to_string(),
            },
            other => hooks::CanaryError::Refused(other.to_string()),
        })?;
    let field = |name: &str| issued.get(name).and_then(serde_json::Value::as_str);
    match (field("id"), field("value")) {
        (Some(id), Some(value)) => Ok(hooks::Canary { id: id.to_owned(), value: value.to_owned() }),
        _ => Err(hooks::CanaryError::Refused("its answer makes no sense".to_owned())),
    }
}

/// Checks of the installation that need more than the configuration.
fn more_checks(config: &Config) -> Vec<doctor::Check> {
    let rules = match app::load_rules(config) {
        Ok(ruleset) => doctor::Check::ok("rules", format!("{} rules", ruleset.rules().len())),
        Err(error) => doctor::Check::fail("rules", format!("{error:#}"), "pushwarden config check"),
    };
    let owners = match app::load_owners(config) {
        Ok(_) => doctor::Check::ok("owners", config.owners.file.display().to_string()),
        Err(error) => {
            doctor::Check::fail("owners", format!("{error:#}"), "pushwarden config check")
        }
    };
    vec![rules, owners]
}

/// Loads the configuration, which must be there.
fn load(named: Option<&Path>) -> Result<Config, ConfigErrors> {
    Config::load(&named.map_or_else(|| PathBuf::from(DEFAULT_FILE), one_name))
}

/// Returns the one name of the folder that holds `file`, however it was written: hooks remember
/// paths that count from there, and are compared with them. The file itself may be a link.
fn one_name(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    match (folder, file.file_name()) {
        (Ok(folder), Some(name)) if file != Path::new(DEFAULT_FILE) => folder.join(name),
        // What cannot be found is named as it was written.
        _ => file.to_path_buf(),
    }
}

/// Loads the configuration; where none is named and the default is absent, takes the embedded one.
fn load_or_default(named: Option<&Path>) -> Result<Config, ConfigErrors> {
    let default = Path::new(DEFAULT_FILE);
    if named.is_none() && !default.exists() { Ok(Config::system()) } else { load(named) }
}

fn client(named: Option<&Path>) -> Result<Client, CliError> {
    Ok(Client::new(&load(named)?.admin.socket))
}

/// Prints help, version or a usage error the way clap does; a script reads the error as JSON.
fn usage(
    error: &clap::Error,
    wants_json: bool,
    printable: &Printable,
    terminal: &mut Terminal<'_>,
) -> u8 {
    let text = error.render().to_string();
    if !error.use_stderr() {
        drop(terminal.out.write_all(text.as_bytes()));
        return DONE;
    }
    if wants_json {
        let first = text.split("\n\n").next().unwrap_or_default();
        let message = first.trim().trim_start_matches("error: ");
        let error = CliError::usage(message, "see `pushwarden --help`");
        drop(report(&error, true, printable, terminal));
    } else {
        drop(terminal.err.write_all(printable.lines(&text).as_bytes()));
    }
    USAGE
}

/// Whether errors are to be printed as JSON: whoever asked for data in JSON reads errors in JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    let pair =
        |pair: &[OsString]| matches!(pair, [flag, value] if flag == "--format" && value == "json");
    arguments.iter().any(|argument| argument == "--format=json") || arguments.windows(2).any(pair)
}

fn report(
    error: &CliError,
    as_json: bool,
    printable: &Printable,
    terminal: &mut Terminal<'_>,
) -> io::Result<()> {
    let detail = error.detail();
    if as_json {
        let body = serde_json::to_string(&ErrorBody { error: detail })?;
        return writeln!(terminal.out, "{body}");
    }
    writeln!(terminal.err, "error: {}", printable.lines(&error.to_string()))?;
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        writeln!(terminal.err, "  because: {}", printable.lines(&cause.to_string()))?;
        source = cause.source();
    }
    if !detail.remedy.is_empty() {
        writeln!(terminal.err, "  remedy: {}", printable.lines(&detail.remedy))?;
    }
    Ok(())
}

/// Returns the arguments as they can be quoted.
fn shown(arguments: &[OsString]) -> impl Iterator<Item = OsString> {
    arguments.iter().map(|argument| escape::line(argument.as_bytes(), usize::MAX).into())
}

/// Makes what is said about the arguments safe to print. Errors quote them, and have line ends of
/// their own; whoever gave a script a name must not steer the terminal of whoever runs it.
struct Printable {
    /// The arguments, and the values in them, that hold a control character.
    unsafe_words: Vec<String>,
}

impl Printable {
    fn of(arguments: &[OsString]) -> Self {
        let arguments = arguments.iter().map(|argument| argument.to_string_lossy());
        let words = arguments.flat_map(|argument| {
            let value = argument.split_once('=').map(|(_, value)| value.to_owned());
            std::iter::once(argument.into_owned()).chain(value)
        });
        let is_unsafe = |word: &String| word.contains(char::is_control);
        Self { unsafe_words: words.filter(is_unsafe).collect() }
    }

    /// Returns `text` with its own line ends, and all else in it on one printable line each.
    fn lines(&self, text: &str) -> String {
        let quoted = self.unsafe_words.iter().fold(text.to_owned(), |text, word| {
            text.replace(word, &escape::line(word.as_bytes(), usize::MAX))
        });
        let lines = quoted.split('\n').map(|line| escape::line(line.as_bytes(), usize::MAX));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// How a command that lists things is asked for a page.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Go on after this cursor: `next` of the page before
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// How many at most; the daemon gives 1000 on a page
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// How a command that shows one thing prints it.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Builds the path and query of a request; values are percent-encoded.
#[must_use]
pub fn query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let encoded: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{}", encoded.join("&")) }
}

/// Encodes everything but unreserved characters (RFC 3986, section 2.3).
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Prints JSON on one line.
///
/// # Errors
/// If standard output is gone.
pub fn print_json(value: &impl serde::Serialize, terminal: &mut Terminal<'_>) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    writeln!(terminal.out, "{text}")
}
