//! `pushwarden serve`, and the hidden `pushwarden screen-locally` that hooks start.

use std::path::PathBuf;

use super::{CliError, DONE, FAILED, Terminal};
use crate::app;
use crate::config::Config;
use crate::telemetry;

/// Runs the daemon in the foreground; SIGTERM stops it cleanly
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pushwarden serve --config ~/pushwarden/pushwarden.toml")]
pub struct ServeArgs {}

/// Screens one push for a hook whose daemon is away: the hook starts it, with the push on standard
/// input
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pushwarden screen-locally \
    --rules /var/lib/pushwarden/rules.snapshot --public-key /var/lib/pushwarden/keys/spool.pub \
    --spool /var/spool/pushwarden")]
pub struct ScreenLocallyArgs {
    /// The last rule snapshot
    #[arg(long)]
    rules: PathBuf,
    /// The daemon's public key
    #[arg(long)]
    public_key: PathBuf,
    /// Where to leave what was found
    #[arg(long)]
    spool: PathBuf,
}

/// Runs the daemon.
///
/// # Errors
/// If it cannot start.
pub fn run(
    _args: &ServeArgs,
    config: &Config,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    telemetry::init(config.log.format, config.log.level);
    app::serve(config, terminal.err).map_err(|error| {
        CliError::failed("the daemon cannot run", error, "see `pushwarden doctor`")
    })?;
    Ok(DONE)
}

/// Screens one push for a hook whose daemon is away.
///
/// # Errors
/// If it cannot start.
pub fn screen_locally(args: &ScreenLocallyArgs) -> Result<u8, CliError> {
    match app::screen_locally(&args.rules, &args.public_key, &args.spool) {
        Ok(true) => Ok(DONE),
        Ok(false) => Ok(FAILED),
        Err(error) => {
            let remedy = "start the daemon once: it writes the snapshot and its public key";
            Err(CliError::failed("the push cannot be screened here", error, remedy))
        }
    }
}
