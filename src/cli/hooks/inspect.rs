//! What git's configuration says about hooks, as the repository's owner sees it.

use std::path::Path;

use super::git::{Ended, Repository, resolved};
use super::refusal::{Refusal, unset};

/// The settings that keep git from running `hooks/pre-receive`.
const KEYS: &str = r"^(core\.hookspath|hook\..*\.enabled)$";

/// What the configuration says, all of its files taken together.
#[derive(Debug, Default)]
pub(super) struct HookConfig {
    /// `core.hooksPath`, where it is set.
    path: Option<Setting>,
    /// `hook.<name>.enabled` that are false: git 2.54 and later do not run those.
    disabled: Vec<Setting>,
}

#[derive(Debug)]
struct Setting {
    key: String,
    value: String,
    origin: String,
}

impl HookConfig {
    /// Asks git.
    pub(super) fn read(repository: &Repository) -> Result<Self, Refusal> {
        let attempt = "config";
        let args = ["config", "--null", "--show-origin", "--type=path", "--get-regexp", KEYS];
        let ended = repository.try_git(attempt, &args)?;
        match ended.status.and_then(|status| status.code()) {
            Some(0) => Ok(Self::parse(&ended.stdout)),
            // Nothing is set.
            Some(1) => Ok(Self::default()),
            _ => Err(failed(attempt, &ended)),
        }
    }

    /// Reads `origin NUL key LF value NUL`, as often as it comes.
    fn parse(output: &[u8]) -> Self {
        let mut config = Self::default();
        let text = String::from_utf8_lossy(output);
        let fields: Vec<&str> = text.split('\0').collect();
        for pair in fields.chunks_exact(2) {
            let [origin, setting] = pair else { continue };
            let (key, value) = setting.split_once('\n').unwrap_or((setting, ""));
            config.take(Setting {
                key: key.to_owned(),
                value: value.to_owned(),
                origin: (*origin).to_owned(),
            });
        }
        config
    }

    fn take(&mut self, setting: Setting) {
        if setting.key == "core.hookspath" {
            // The last one is the one that git takes.
            self.path = Some(setting);
        } else if ["false", "no", "off", "0"].contains(&setting.value.to_ascii_lowercase().as_str())
        {
            self.disabled.push(setting);
        }
    }

    /// Refuses a `core.hooksPath` that leads anywhere but to the repository's own `hooks`.
    pub(super) fn check_path(&self, git_dir: &Path) -> Result<(), Refusal> {
        let Some(setting) = &self.path else {
            return Ok(());
        };
        let own = resolved(&git_dir.join("hooks"));
        // git runs hooks in the git directory, and a relative path starts where they run.
        let theirs = resolved(&git_dir.join(&setting.value));
        if !setting.value.is_empty() && theirs == own {
            return Ok(());
        }
        Err(Refusal::HooksPath { value: setting.value.clone(), origin: setting.origin.clone() })
    }

    /// Names the settings that switch hooks off in git 2.54 and later, with their remedy.
    pub(super) fn switched_off(&self) -> Option<(String, String)> {
        let first = self.disabled.first()?;
        let named: Vec<&str> = self.disabled.iter().map(|setting| setting.key.as_str()).collect();
        let reason = format!("{} is false in {}", named.join(", "), first.origin);
        Some((reason, unset(&first.origin, &first.key)))
    }
}

fn failed(attempt: &'static str, ended: &Ended) -> Refusal {
    let reason = ended.last_line();
    Refusal::Git { attempt, reason }
}
