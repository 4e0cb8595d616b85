//! "Did you mean": the known key that somebody who mistyped one may have meant.

/// The longest unknown key, in bytes, that is compared with the known ones: they are shorter.
const KEY_BYTES_MAX: usize = 64;

/// Returns the known key that is most like `name`, where one is near enough to be meant.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > KEY_BYTES_MAX {
        return None;
    }
    let distances = known.iter().map(|key| (distance(name, key), *key));
    let (best, key) = distances.min_by_key(|(distance, _)| *distance)?;
    (best <= 2 || best * 3 <= key.len()).then_some(key)
}

/// Counts the edits between two names (Levenshtein); keys are short, so one row does.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (to, pair) in b.chars().zip(row.windows(2)) {
            let (diagonal, above) = (pair.first().copied(), pair.last().copied());
            let replaced = diagonal.unwrap_or(i) + usize::from(from != to);
            let left = next.last().copied().unwrap_or(i);
            next.push(replaced.min(above.unwrap_or(i) + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_slips_are_understood_and_other_words_are_not() {
        #[track_caller]
        fn check(name: &str, want: Option<&str>) {
            assert_eq!(nearest(name, &["socket", "accounts", "pushes_waiting_max"]), want);
        }
        check("sockets", Some("socket"));
        check("acounts", Some("accounts"));
        check("pushes_waiting", Some("pushes_waiting_max"));
        check("telemetry", None);
        check("", None);
        check(&"s".repeat(1_000_000), None);
        assert_eq!(nearest("socket", &[]), None);
    }

    proptest::proptest! {
        #[test]
        fn distance_is_one_for_one_edit(name in "[a-z_]{1,20}", at in 0..20usize, c in "[A-Z]") {
            let at = at.min(name.len());
            let mut longer = name.clone();
            longer.insert_str(at, &c);
            proptest::prop_assert_eq!(distance(&name, &longer), 1);
            proptest::prop_assert_eq!(distance(&longer, &name), 1);
            proptest::prop_assert_eq!(distance(&name, &name), 0);
        }
    }
}
