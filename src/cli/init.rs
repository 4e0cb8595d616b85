//! `pushwarden init DIR`: a self-contained instance below one directory.
//!
//! ```text
//! DIR/pushwarden.toml   the configuration, all paths relative
//! DIR/owners.toml       who owns what: an example, commented out
//! DIR/state/            the database; state/keys/ the keys
//! DIR/spool/            what hooks leave while the daemon is away
//! DIR/run/              the sockets
//! ```
//!
//! It never overwrites: keys that are lost cannot be made again. The configuration is written
//! last, so a directory that has one is whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::shell;
use crate::config::instance::instance_text;
use crate::config::{Config, ConfigErrors, KeyError, OWNERS_EXAMPLE};

/// Makes a self-contained instance in a directory
///
/// Whoever runs this may push and administer. Nothing outside of the directory is touched.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  pushwarden init ~/pushwarden\n  \
    pushwarden serve --config ~/pushwarden/pushwarden.toml")]
pub struct InitArgs {
    /// The directory; it is made where it does not exist
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Why no instance was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something of an instance is there.
    #[error(
        "`{}` exists: {} holds an instance already, and nothing was changed; \
         use it, or name another directory",
        found.display(), directory.display()
    )]
    Exists {
        /// The directory.
        directory: PathBuf,
        /// What was found in it.
        found: PathBuf,
    },
    /// Others could replace what is made there.
    #[error("others can write to `{0}` (mode {mode:04o}); run `chmod go-w {1}`, or name another directory", .directory.display(), shell::word(.directory))]
    Writable {
        /// The directory.
        directory: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The directory does not fit, as when a socket's path in it would be too long.
    #[error("no instance can be in `{}`", directory.display())]
    Unfit {
        /// The directory.
        directory: PathBuf,
        /// What does not fit.
        source: ConfigErrors,
    },
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file or directory could not be made.
    #[error("cannot make `{}`", path.display())]
    Make {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The terminal or pipe is gone.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

/// Runs the command; returns the exit code.
pub fn run(args: &InitArgs, out: &mut dyn Write) -> Result<u8, InitError> {
    let config = create(&args.directory)?;
    let file = shell::word(&config.file);
    writeln!(out, "made an instance: {}", config.file.display())?;
    writeln!(out, "  keys     {}", config.keys.directory.display())?;
    writeln!(out, "  sockets  {}", config.push.socket.display())?;
    writeln!(out, "           {}", config.admin.socket.display())?;
    writeln!(out, "next:")?;
    writeln!(out, "  pushwarden serve --config {file}")?;
    writeln!(out, "  pushwarden hooks install REPO.git --config {file}")?;
    writeln!(out, "  pushwarden hooks status REPO.git --config {file}")?;
    Ok(0)
}

/// Makes an instance in `directory` for the account of this process.
pub fn create(directory: &Path) -> Result<Config, InitError> {
    let directory = std::path::absolute(directory).map_err(make(directory))?;
    let uid = rustix::process::geteuid().as_raw();
    let unfit = |source| InitError::Unfit { directory: directory.clone(), source };
    let config = Config::instance(&directory, uid).map_err(unfit)?;
    prepare(&directory, &config)?;
    for secret in [&config.state_dir, &config.spool.directory] {
        make_directory(secret)?;
    }
    for socket in [&config.push.socket, &config.admin.socket] {
        socket.parent().map_or(Ok(()), make_directory)?;
    }
    config.own_key_files().create()?;
    write_new(&config.owners.file, OWNERS_EXAMPLE)?;
    write_new(&config.file, &instance_text(uid))?;
    Ok(config)
}

/// Makes the directory, or sees that it is fit to hold an instance and holds none.
fn prepare(directory: &Path, config: &Config) -> Result<(), InitError> {
    make_directory(directory)?;
    let metadata = fs::metadata(directory).map_err(make(directory))?;
    let directory = directory.to_path_buf();
    let mode = metadata.mode() & 0o7777;
    // Even the sticky bit does not help: others could make `run` before we do.
    if mode & 0o022 != 0 {
        return Err(InitError::Writable { directory, mode });
    }
    let run = directory.join("run");
    let parts =
        [&config.file, &config.owners.file, &config.state_dir, &config.spool.directory, &run];
    match parts.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(found) => Err(InitError::Exists { found: found.clone(), directory }),
        None => Ok(()),
    }
}

fn make_directory(path: &Path) -> Result<(), InitError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(make(path))
}

fn write_new(path: &Path, text: &str) -> Result<(), InitError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    };
    write().map_err(make(path))
}

fn make(path: &Path) -> impl Fn(io::Error) -> InitError {
    move |source| InitError::Make { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use insta::assert_snapshot;

    use super::*;
    use crate::config::instance::INSTANCE_FILE;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn an_instance_is_whole_private_and_loads() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("demo");
        let made = create(&directory).unwrap();
        assert_eq!(Config::load(&directory.join(INSTANCE_FILE)).unwrap(), made);
        made.own_key_files().read().unwrap();
        for secret in
            [&directory, &made.state_dir, &made.spool.directory, &directory.join("run/admin")]
        {
            assert_eq!(mode(secret), 0o700, "{}", secret.display());
        }
        assert_eq!(mode(&made.file), 0o600);
    }

    #[test]
    fn an_instance_is_never_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("demo");
        let made = create(&directory).unwrap();
        let key = made.keys.directory.join("fingerprint.key");
        let before = fs::read(&key).unwrap();
        let error = create(&directory).unwrap_err();
        assert!(
            matches!(&error, InitError::Exists { found, .. } if *found == made.file),
            "{error}"
        );
        assert_eq!(fs::read(&key).unwrap(), before);
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let error = create(scratch.path()).unwrap_err().to_string();
        assert!(error.contains("chmod go-w"), "{error}");
    }

    #[test]
    fn a_directory_too_deep_for_a_socket_is_refused_before_anything_is_made() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("x".repeat(100));
        let error = create(&directory).unwrap_err();
        assert!(matches!(error, InitError::Unfit { .. }), "{error}");
        assert!(!directory.exists());
    }

    #[test]
    fn the_command_says_what_to_do_next() {
        let scratch = tempfile::tempdir().unwrap();
        let args = InitArgs { directory: scratch.path().join("my demo") };
        let mut out = Vec::new();
        assert_eq!(run(&args, &mut out).unwrap(), 0);
        let text = String::from_utf8(out).unwrap();
        let text = text.replace(scratch.path().to_str().unwrap(), "/tmp/scratch");
        assert_snapshot!(text, @r"
        made an instance: /tmp/scratch/my demo/pushwarden.toml
          keys     /tmp/scratch/my demo/state/keys
          sockets  /tmp/scratch/my demo/run/push.sock
                   /tmp/scratch/my demo/run/admin/admin.sock
        next:
          pushwarden serve --config '/tmp/scratch/my demo/pushwarden.toml'
          pushwarden hooks install REPO.git --config '/tmp/scratch/my demo/pushwarden.toml'
          pushwarden hooks status REPO.git --config '/tmp/scratch/my demo/pushwarden.toml'
        ");
    }
}
