//! A self-contained instance: everything below one directory, for one account.

use std::path::Path;

use super::{Config, ConfigErrors};

/// The name of an instance's configuration file.
pub const INSTANCE_FILE: &str = "pushwarden.toml";

impl Config {
    /// Returns the configuration of an instance below `directory`, an absolute path, as
    /// [`instance_text`] describes it; `uid` may push and administer.
    ///
    /// The one thing that can be wrong with it is that `directory` is too long for a socket.
    pub fn instance(directory: &Path, uid: u32) -> Result<Self, ConfigErrors> {
        Self::parse(&instance_text(uid), &directory.join(INSTANCE_FILE))
    }
}

/// Writes the configuration of an instance whose only account is `uid`.
pub fn instance_text(uid: u32) -> String {
    format!(
        r#"# A self-contained pushwarden: all paths are below this file's directory.
# Every other setting has its default; `config/pushwarden.toml` of the source lists them.

state_dir = "state"

[push]
socket = "run/push.sock"
accounts = [{uid}]

[admin]
socket = "run/admin/admin.sock"
accounts = [{uid}]
# One person pushes and administers here, so there is no second one to approve a way out.
# Where several people push, give administration to another account and remove this line.
allow_self_approval = true

[spool]
directory = "spool"

[log]
format = "text"
"#
    )
}
