//! Numbers with their noun, as people write them.

/// Writes a number of things: "1 commit", "3 pushes", "0 entries".
#[must_use]
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = match noun.strip_suffix('y') {
        _ if number == 1 => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with("sh") => format!("{noun}es"),
        None => format!("{noun}s"),
    };
    format!("{number} {plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_is_many() {
        #[track_caller]
        fn check(number: u64, noun: &str, want: &str) {
            assert_eq!(count(number, noun), want);
        }
        check(0, "commit", "0 commits");
        check(1, "commit", "1 commit");
        check(2, "commit", "2 commits");
        check(1, "entry", "1 entry");
        check(7, "entry", "7 entries");
        check(1, "push", "1 push");
        check(3, "push", "3 pushes");
        check(u64::MAX, "more ref", "18446744073709551615 more refs");
    }
}
