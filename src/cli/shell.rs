//! Commands that a message tells people to run, written so that a shell reads them right.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Writes `path` as one word of a POSIX shell; bytes that are no printable ASCII are escaped by
/// `$'…'`, which bash, zsh, ksh and busybox read, so that no terminal is steered by a file name.
pub fn word(path: impl AsRef<Path>) -> String {
    let bytes = path.as_ref().as_os_str().as_bytes();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+:@%=,".contains(b);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return bytes.iter().copied().map(char::from).collect();
    }
    if bytes.iter().all(|b| matches!(b, b' '..=b'~')) {
        let text: String = bytes.iter().copied().map(char::from).collect();
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let escaped: String = bytes.iter().map(|&b| escape(b)).collect();
    format!("$'{escaped}'")
}

fn escape(byte: u8) -> String {
    match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::process::Command;

    use super::*;

    #[test]
    fn words_are_as_short_as_they_can_be() {
        #[track_caller]
        fn check(path: &str, want: &str) {
            assert_eq!(word(path), want);
        }
        check("/srv/git/a.git", "/srv/git/a.git");
        check("/srv/my repo", "'/srv/my repo'");
        check("it's", r"'it'\''s'");
        check("", "''");
        check("$(id)", "'$(id)'");
        check("a\u{1b}[31m", r"$'a\x1b[31m'");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]
        #[test]
        fn bash_reads_back_what_was_written(path in proptest::collection::vec(1..=255u8, 1..20)) {
            let written = format!("printf %s {}", word(OsStr::from_bytes(&path)));
            let output = Command::new("bash").args(["-c", &written]).env("LC_ALL", "C").output();
            proptest::prop_assert_eq!(output.unwrap().stdout, path);
        }
    }
}
