//! Unix accounts, as the configuration names them: who may push, who may administer.

use std::collections::BTreeSet;
use std::fmt;

use toml::de::DeValue;

use super::section::integer;

/// An account by name or by number. It is looked up when the daemon starts, not when the file is
/// read, so that a configuration can be checked on another machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// A login name, such as `git`.
    Name(String),
    /// A user id, such as `998`.
    Uid(u32),
}

/// Why an account has no user id.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Nobody has that name.
    #[error(
        "there is no account `{0}` on this machine; create it, or name another in the configuration"
    )]
    Unknown(String),
    /// The user database does not answer.
    #[error("cannot look up the account `{name}`")]
    LookUp {
        /// The account.
        name: String,
        /// Why not.
        source: nix::Error,
    },
}

impl Account {
    /// The longest name, in bytes; `useradd` takes 32, directories such as LDAP take more.
    const NAME_BYTES_MAX: usize = 256;

    /// Reads `"git"` or `998`.
    pub(super) fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::String(name) => Self::from_name(name),
            DeValue::Integer(number) => Some(Self::Uid(u32::try_from(integer(number)?).ok()?)),
            _ => None,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let fits = (1..=Self::NAME_BYTES_MAX).contains(&name.len());
        let plain = !name.contains(|c: char| c.is_control() || c.is_whitespace() || c == ':');
        (fits && plain).then(|| Self::Name(name.to_owned()))
    }

    /// Looks up the user id in the machine's user database.
    pub fn uid(&self) -> Result<u32, AccountError> {
        match self {
            Self::Uid(uid) => Ok(*uid),
            Self::Name(name) => match nix::unistd::User::from_name(name) {
                Ok(Some(user)) => Ok(user.uid.as_raw()),
                Ok(None) => Err(AccountError::Unknown(name.clone())),
                Err(source) => Err(AccountError::LookUp { name: name.clone(), source }),
            },
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Uid(uid) => write!(f, "{uid}"),
        }
    }
}

/// Looks up all of `accounts`; the first that is unknown is the error.
pub fn uids(accounts: &[Account]) -> Result<BTreeSet<u32>, AccountError> {
    accounts.iter().map(Account::uid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_zero_by_name_and_by_number() {
        let accounts = [Account::Name("root".into()), Account::Uid(7)];
        assert_eq!(uids(&accounts).unwrap(), BTreeSet::from([0, 7]));
    }

    #[test]
    fn an_account_that_is_not_there_is_named() {
        let error = Account::Name("no-such-account".into()).uid().unwrap_err();
        assert!(error.to_string().contains("`no-such-account`"), "{error}");
    }

    #[test]
    fn names_that_could_break_a_line_are_no_accounts() {
        assert_eq!(Account::from_name("git"), Some(Account::Name("git".into())));
        for name in ["", "a b", "a:b", "a\nb", &"a".repeat(257)] {
            assert_eq!(Account::from_name(name), None, "{name:?}");
        }
    }
}
