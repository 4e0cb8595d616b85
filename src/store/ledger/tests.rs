use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn row(number: u64) -> LedgerRow {
    // Spread as real rows are.
    LedgerRow { first: number.wrapping_mul(0x9e37_79b9_7f4a_7c15), second: number }
}

fn sorted(numbers: impl IntoIterator<Item = u64>) -> Vec<LedgerRow> {
    numbers.into_iter().map(row).collect::<BTreeSet<_>>().into_iter().collect()
}

fn files(directory: &std::path::Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_holds_what_it_was_given_and_nothing_else(
        batches in proptest::collection::vec(proptest::collection::vec(0_u64..5_000, 1..600), 1..12),
        reopens in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = FileLedger::open(directory.path(), 1_000_000).unwrap();
        let mut want = BTreeSet::new();
        for batch in batches {
            prop_assert!(!ledger.remember(&sorted(batch.iter().copied())).unwrap());
            want.extend(batch);
            if reopens {
                ledger = FileLedger::open(directory.path(), 1_000_000).unwrap();
            }
        }
        let asked: Vec<LedgerRow> = (0..6_000).map(row).collect();
        let held = ledger.holds(&asked).unwrap();
        prop_assert!((0..6_000).zip(held).all(|(number, held)| held == want.contains(&number)));
        let mut visited = BTreeSet::new();
        ledger.visit(&mut |row| visited.extend([row.second])).unwrap();
        prop_assert_eq!(visited, want);
    }
}

#[test]
fn runs_stay_few_and_each_much_smaller_than_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = FileLedger::open(directory.path(), 1_000_000).unwrap();
    for batch in 0..300 {
        ledger.remember(&sorted(batch * 10..batch * 10 + 10)).unwrap();
    }
    assert_eq!(ledger.count(), 3_000);
    assert!(files(directory.path()) <= 10, "{}", files(directory.path()));
}

#[test]
fn the_oldest_rows_go_and_half_stay_at_least() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = FileLedger::open(directory.path(), 1_000).unwrap();
    let mut forgot = 0;
    for batch in 0..100 {
        forgot += u32::from(ledger.remember(&sorted(batch * 50..batch * 50 + 50)).unwrap());
        assert!(ledger.count() <= 1_000);
    }
    assert!(forgot > 0);
    let newest: Vec<LedgerRow> = (4_600..5_000).map(row).collect();
    assert!(ledger.holds(&newest).unwrap().iter().all(|held| *held));
    assert!(!ledger.holds(&sorted(0..50)).unwrap().contains(&true));
}

#[test]
fn more_rows_at_once_than_there_is_room_for_are_bounded_too() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = FileLedger::open(directory.path(), 100).unwrap();
    assert!(ledger.remember(&sorted(0..10_000)).unwrap());
    assert!(ledger.count() <= 100);
}

#[test]
fn what_is_cut_off_or_no_run_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = FileLedger::open(directory.path(), 1_000).unwrap();
    ledger.remember(&sorted(0..100)).unwrap();
    let run = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&run).unwrap();
    std::fs::write(&run, &bytes[..16 * 40 + 7]).unwrap();
    std::fs::write(directory.path().join("5.unfinished"), "x").unwrap();
    std::fs::write(directory.path().join("README"), "x").unwrap();
    let ledger = FileLedger::open(directory.path(), 1_000).unwrap();
    assert_eq!(ledger.count(), 40);
    assert_eq!(ledger.holds(&sorted(0..100)).unwrap().iter().filter(|held| **held).count(), 40);
    assert_eq!(files(directory.path()), 1);
}
