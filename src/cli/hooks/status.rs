//! Tells whether a repository is guarded, by pushing a canary to it.

use std::time::Duration;

use super::super::shell::word;
use super::Context;
use super::canary::{self, Canary, CanaryError, Outcome};
use super::delegate::{self, Delegate};
use super::directory::{CHAINED, Entry, HOOK, HooksDirectory, SETTINGS};
use super::git::Repository;
use super::inspect::HookConfig;
use super::install::{check_runnable, look, mode_remedy, open};
use super::refusal::Refusal;
use super::report::{Row, State};
use super::settings::Settings;

/// What is added to the hook's own deadline: git's start and end, and a chained hook.
const PUSH_TIMEOUT_EXTRA: Duration = Duration::from_secs(30);

/// Tells what one repository is.
pub(super) fn status(repository: &Repository, context: &Context<'_>) -> Row {
    let done = try_status(repository, context);
    done.unwrap_or_else(|refusal| Row::refused(&repository.git_dir, State::Failed, &refusal))
}

fn try_status(repository: &Repository, context: &Context<'_>) -> Result<Row, Refusal> {
    let check = Check { repository, context, config: HookConfig::read(repository)? };
    let Some(directory) = open(repository)? else {
        return check.elsewhere(&Entry::Absent);
    };
    let (hook, settings) = (look(&directory, HOOK)?, look(&directory, SETTINGS)?);
    if hook == Entry::Absent || (!hook.is_ours() && settings == Entry::Absent) {
        return check.elsewhere(&hook);
    }
    if let Some(row) = check.inspect(&directory, &hook, &settings) {
        return Ok(row);
    }
    let row = check.push_canary()?;
    check.remarks(row, &directory)
}

struct Check<'a> {
    repository: &'a Repository,
    context: &'a Context<'a>,
    config: HookConfig,
}

impl Check<'_> {
    /// Looks for what makes a push pointless: without the hook it would land.
    fn inspect(&self, directory: &HooksDirectory, hook: &Entry, settings: &Entry) -> Option<Row> {
        if let Err(refusal) = self.config.check_path(&self.repository.git_dir) {
            return Some(self.refused(State::Disabled, &refusal));
        }
        match (hook, settings) {
            (Entry::File { mode, .. }, _) if mode & 0o111 == 0 => {
                let remedy = mode_remedy(directory, HOOK, "+x");
                Some(self.row(State::Disabled, "the hook is not executable", &remedy))
            }
            (_, Entry::File { mode, .. }) if mode & 0o022 != 0 => {
                let remedy = mode_remedy(directory, SETTINGS, "go-w");
                Some(self.row(State::Failed, "others can write its settings", &remedy))
            }
            (_, Entry::File { .. }) => self.unrunnable(hook, directory),
            _ => Some(self.row(State::Failed, "its settings are missing", &self.install())),
        }
    }

    /// Judges a repository whose own hook is not ours: a server may run ours from elsewhere.
    fn elsewhere(&self, hook: &Entry) -> Result<Row, Refusal> {
        let git_dir = &self.repository.git_dir;
        let unreadable = |source| Refusal::Unreadable { path: git_dir.clone(), source };
        let path = match delegate::find(git_dir).map_err(unreadable)? {
            None => return Ok(self.not_installed()),
            Some(Delegate::Gitaly(path)) => {
                let reason = format!("Gitaly runs it from {}, git alone does not", word(&path));
                let remedy = "push a credential through GitLab, which must refuse it";
                return Ok(self.row(State::Unproven, &reason, remedy));
            }
            Some(Delegate::Hook(path)) => path,
        };
        if *hook == Entry::Absent {
            let reason = format!("it is {}, and no hooks/pre-receive runs it", word(&path));
            let remedy = "let the server write its own hooks again";
            return Ok(self.row(State::Disabled, &reason, remedy));
        }
        let runs = self.config.check_path(git_dir);
        if let Err(refusal) = runs.and_then(|()| check_runnable(self.repository, &path)) {
            return Ok(self.refused(State::Disabled, &refusal));
        }
        let row = self.push_canary()?;
        let note = || format!("hooks/pre-receive runs it from {}", word(&path));
        Ok(Row { reason: row.reason.or_else(|| Some(note())), ..row })
    }

    fn push_canary(&self) -> Result<Row, Refusal> {
        match (self.context.issue_canary)() {
            Ok(canary) => self.prove(&canary),
            Err(error) => Ok(self.no_canary(&error)),
        }
    }

    fn unrunnable(&self, hook: &Entry, directory: &HooksDirectory) -> Option<Row> {
        let Entry::Link(target) = hook else {
            return None;
        };
        let target = directory.path().join(target);
        let refusal = check_runnable(self.repository, &target).err()?;
        Some(self.row(State::Disabled, &refusal.to_string(), &self.install()))
    }

    fn prove(&self, canary: &Canary) -> Result<Row, Refusal> {
        let timeout = self.context.config.hook.deadline + PUSH_TIMEOUT_EXTRA;
        let outcome = canary::push(self.repository, canary, timeout)?;
        Ok(match outcome {
            Outcome::Stopped => Row::plain(&self.repository.git_dir, State::Proven),
            Outcome::RefusedOtherwise(said) => {
                let reason = format!("the push was refused, but not as a canary: {said}");
                self.row(State::Failed, &reason, &self.doctor())
            }
            Outcome::TookTooLong => {
                let reason = format!("the push took longer than {} s", timeout.as_secs());
                self.row(State::Failed, &reason, &self.doctor())
            }
            Outcome::Accepted(deleted) => self.accepted(deleted),
        })
    }

    fn accepted(&self, deleted: Result<(), String>) -> Row {
        let rest = match deleted {
            Ok(()) => "its ref was deleted again".to_owned(),
            Err(error) => format!("AND ITS REF COULD NOT BE DELETED: {error}"),
        };
        let reason = format!("NOT GUARDED: the canary was accepted; {rest}");
        let state = match self.config.switched_off() {
            Some(_) => State::Disabled,
            None => State::Failed,
        };
        self.row(state, &reason, &self.install())
    }

    fn no_canary(&self, error: &CanaryError) -> Row {
        let (state, remedy) = match error {
            CanaryError::Away { .. } => (State::DaemonAway, self.start()),
            CanaryError::Refused(_) => (State::Failed, self.doctor()),
        };
        self.row(state, &error.to_string(), &remedy)
    }

    /// Adds what is worth knowing whatever the push proved.
    fn remarks(&self, mut row: Row, directory: &HooksDirectory) -> Result<Row, Refusal> {
        if let Some((reason, remedy)) = self.config.switched_off() {
            row = row.because(&reason, &remedy);
        }
        if let Entry::Link(target) = look(directory, HOOK)?
            && target != self.context.programs.hook
        {
            let reason = format!("the hook is another program, {}", word(&target));
            row = row.because(&reason, &self.install());
        }
        if !self.is_current(directory)? {
            row = row.because("its settings are not those of the configuration", &self.install());
        }
        Ok(row)
    }

    fn is_current(&self, directory: &HooksDirectory) -> Result<bool, Refusal> {
        let Ok(text) = directory.read_settings() else {
            return Ok(false);
        };
        let settings = Settings::new(self.context.config, self.context.programs)?;
        let chained = text.windows(8).any(|window| window == b"\nchained");
        Ok(text == settings.render(chained.then_some(CHAINED)))
    }

    fn not_installed(&self) -> Row {
        if let Err(refusal) = self.config.check_path(&self.repository.git_dir) {
            let row = self.refused(State::NotInstalled, &refusal);
            return row
                .because("it has no hook of pushwarden", &format!("then: {}", self.install()));
        }
        self.row(State::NotInstalled, "it has no hook of pushwarden", &self.install())
    }

    fn refused(&self, state: State, refusal: &Refusal) -> Row {
        Row::refused(&self.repository.git_dir, state, refusal)
    }

    fn row(&self, state: State, reason: &str, remedy: &str) -> Row {
        Row::plain(&self.repository.git_dir, state).because(reason, remedy)
    }

    fn install(&self) -> String {
        let (repository, file) = (word(&self.repository.git_dir), word(&self.context.config.file));
        format!("pushwarden hooks install {repository} --config {file}")
    }

    fn start(&self) -> String {
        if self.context.config.is_system() {
            return "systemctl start pushwarden".to_owned();
        }
        format!("pushwarden serve --config {}", word(&self.context.config.file))
    }

    fn doctor(&self) -> String {
        format!("pushwarden doctor --config {}", word(&self.context.config.file))
    }
}
