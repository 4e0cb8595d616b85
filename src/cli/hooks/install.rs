//! Puts the hook in, and takes it out again.
//!
//! At no moment is the place of the hook empty: a hook that is there gets its second name first,
//! then the link moves over it in one step, and the way back is one step too. A crash between two
//! steps leaves something that either command finishes.

use std::io;
use std::path::Path;

use super::Context;
use super::directory::{CHAINED, Entry, HOOK, HooksDirectory, SETTINGS};
use super::git::{LOCAL_TIMEOUT, Repository, not_run, run};
use super::inspect::HookConfig;
use super::refusal::Refusal;
use super::report::{Row, State};
use super::settings::Settings;

/// Installs or updates the hook of one repository.
pub(super) fn install(repository: &Repository, context: &Context<'_>) -> Row {
    let done = try_install(repository, context);
    done.unwrap_or_else(|refusal| Row::refused(&repository.git_dir, State::Failed, &refusal))
}

fn try_install(repository: &Repository, context: &Context<'_>) -> Result<Row, Refusal> {
    let config = HookConfig::read(repository)?;
    config.check_path(&repository.git_dir)?;
    check_runnable(repository, &context.programs.hook)?;
    let settings = Settings::new(context.config, context.programs)?;
    let directory = open_or_make(repository)?;
    let chained = chain(&directory)?;
    let text = settings.render((chained == Chained::Hook).then_some(CHAINED));
    let written = directory.write_settings(&text);
    step("write the settings", &directory, written)?;
    let linked = directory.link_hook(&context.programs.hook);
    step("link the hook", &directory, linked)?;
    step("sync", &directory, directory.sync())?;
    let mut row = Row::plain(&repository.git_dir, State::Installed);
    if chained == Chained::Ignored {
        let reason = "the hook that was there is not executable: git did not run it, nor do we";
        row = row.because(reason, &mode_remedy(&directory, CHAINED, "+x"));
    }
    if let Some((reason, remedy)) = config.switched_off() {
        row = row.because(&reason, &remedy);
    }
    Ok(row)
}

/// What runs after our hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chained {
    Nothing,
    Hook,
    /// It is kept for the way back, but git would not have run it.
    Ignored,
}

impl Chained {
    fn of(entry: &Entry) -> Self {
        match entry {
            Entry::File { mode, .. } if mode & 0o111 == 0 => Self::Ignored,
            Entry::File { .. } | Entry::Link(_) => Self::Hook,
            Entry::Absent | Entry::Other => Self::Nothing,
        }
    }
}

/// Keeps a hook of others for the chain.
fn chain(directory: &HooksDirectory) -> Result<Chained, Refusal> {
    let hook = look(directory, HOOK)?;
    let chained = look(directory, CHAINED)?;
    if chained == Entry::Other || hook == Entry::Other {
        return Err(not_ours(directory, "it is neither a file nor a link"));
    }
    if hook.is_ours() || hook == Entry::Absent || hook == chained {
        return Ok(Chained::of(&chained));
    }
    if chained != Entry::Absent {
        let hooks = directory.path().to_path_buf();
        return Err(Refusal::TwoHooks { hooks });
    }
    let kept = directory.keep_hook();
    step("keep the hook that is there", directory, kept)?;
    Ok(Chained::of(&hook))
}

/// Sees that git will be able to run the hook: a file that it cannot run it skips in silence.
pub(super) fn check_runnable(repository: &Repository, program: &Path) -> Result<(), Refusal> {
    let mut test = repository.owner.command("test");
    test.arg("-x").arg(program);
    let ended = run(test, b"", LOCAL_TIMEOUT).map_err(|error| not_run("(test -x)", &error))?;
    if ended.is_success() {
        return Ok(());
    }
    Err(Refusal::NotExecutable {
        program: program.to_path_buf(),
        account: repository.owner.name.clone(),
    })
}

/// Removes the hook of one repository.
pub(super) fn uninstall(repository: &Repository, _context: &Context<'_>) -> Row {
    let done = try_uninstall(repository);
    done.unwrap_or_else(|refusal| Row::refused(&repository.git_dir, State::Failed, &refusal))
}

fn try_uninstall(repository: &Repository) -> Result<Row, Refusal> {
    let row = Row::plain(&repository.git_dir, State::Uninstalled);
    let Some(directory) = open(repository)? else {
        return Ok(row);
    };
    let (hook, chained) = (look(&directory, HOOK)?, look(&directory, CHAINED)?);
    if hook.is_ours() || hook == Entry::Absent {
        let put_back = match chained {
            Entry::Absent => directory.remove(HOOK),
            _ => directory.restore_hook(),
        };
        step("take the hook out", &directory, put_back)?;
    } else if chained == hook {
        // An installation that did not come further than the second name.
        step("remove the second name", &directory, directory.remove(CHAINED))?;
    } else if chained != Entry::Absent || look(&directory, SETTINGS)? != Entry::Absent {
        return Err(not_ours(&directory, "something replaced it, and it was not touched"));
    } else {
        return Ok(row);
    }
    step("remove the settings", &directory, directory.remove(SETTINGS))?;
    step("sync", &directory, directory.sync())?;
    Ok(row)
}

/// Opens the hooks directory; `None` where the repository has none.
pub(super) fn open(repository: &Repository) -> Result<Option<HooksDirectory>, Refusal> {
    match HooksDirectory::open(&repository.git_dir) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(hooks_directory(repository, source)),
    }
}

fn open_or_make(repository: &Repository) -> Result<HooksDirectory, Refusal> {
    let opened = HooksDirectory::open_or_make(&repository.git_dir);
    opened.map_err(|source| hooks_directory(repository, source))
}

fn hooks_directory(repository: &Repository, source: io::Error) -> Refusal {
    let path = repository.git_dir.join("hooks");
    Refusal::HooksDirectory { path, source }
}

/// Tells what stands at `name`.
pub(super) fn look(directory: &HooksDirectory, name: &str) -> Result<Entry, Refusal> {
    step("look", directory, directory.entry(name))
}

fn not_ours(directory: &HooksDirectory, what: &'static str) -> Refusal {
    let hooks = directory.path().to_path_buf();
    Refusal::NotOurs { what, hooks }
}

/// Names the step that failed.
fn step<T>(
    attempt: &'static str,
    directory: &HooksDirectory,
    done: io::Result<T>,
) -> Result<T, Refusal> {
    done.map_err(|source| Refusal::Step { attempt, hooks: directory.path().to_path_buf(), source })
}

/// Writes the `chmod` that mends a file of the directory.
pub(super) fn mode_remedy(directory: &HooksDirectory, name: &str, mode: &str) -> String {
    let file = super::super::shell::word(directory.path().join(name));
    format!("chmod {mode} {file}")
}
