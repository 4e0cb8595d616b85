use std::path::{Path, PathBuf};

use super::*;
use crate::clock::SystemClock;
use crate::incident::Actor;
use crate::rule::Ruleset;
use crate::scan::layer;
use crate::secret::Secret;
use crate::service::inventory::NewSecret;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{FileLedger, Store};

const ACCOUNT: u32 = 998;

struct Setup {
    directory: tempfile::TempDir,
    inventory: Arc<Inventory>,
}

fn setup() -> Setup {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap());
    let key = Arc::new(FingerprintKey::new([7; 32]));
    let inventory = Inventory::open(key, store, Arc::new(SystemClock)).unwrap();
    Setup { directory, inventory: Arc::new(inventory) }
}

fn scanner(program: &str, depth_max: usize) -> Scanner {
    let layers = layer::Limits { depth_max, ..layer::Limits::default() };
    Scanner::of_program(program, &Ruleset::load(&[]).unwrap(), &layers)
}

impl Setup {
    fn path(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    fn open(&self) -> Ledger {
        self.open_as(scanner("this", 8), 1_000, [7; 32])
    }

    fn open_as(&self, scanner: Scanner, rows_max: u64, key: [u8; 32]) -> Ledger {
        let store = Arc::new(FileLedger::open(&self.path(), rows_max).unwrap());
        let key = Arc::new(FingerprintKey::new(key));
        let inventory = Arc::clone(&self.inventory);
        let ledger = Ledger::open(store, key, inventory, scanner, rows_max).unwrap();
        // What stands in the store is known as soon as it was read.
        while ledger.shared.index.read().unwrap().filter.is_none() {
            std::thread::yield_now();
        }
        ledger
    }

    fn learn(&self, name: &str) {
        let value = Secret::new(format!("zq7.{name}.xw9").into_bytes());
        let name = name.to_owned();
        let secret = NewSecret { name, identity: None, owner: None, key_id: None, value };
        let added = self.inventory.add(vec![secret], &Actor::Admin("root".to_owned())).unwrap();
        assert!(added.refused.is_empty());
    }
}

fn object(number: u32) -> Oid {
    let mut id = [0; 20];
    id[..4].copy_from_slice(&number.to_le_bytes());
    Oid::from_bytes(&id).unwrap()
}

fn remember(ledger: &Ledger, objects: impl IntoIterator<Item = u32>) {
    let sheet = ledger.sheet(ACCOUNT).unwrap();
    let rows = objects.into_iter().map(|number| sheet.row(object(number))).collect();
    sheet.remember(rows);
}

#[track_caller]
fn check(ledger: &Ledger, number: u32, want: bool) {
    let sheet = ledger.sheet(ACCOUNT).unwrap();
    assert_eq!(sheet.is_clean(object(number)), want, "object {number}");
}

#[test]
fn what_was_remembered_is_clean_and_nothing_else() {
    let setup = setup();
    let ledger = setup.open();
    remember(&ledger, [1, 3, 5]);
    let sheet = ledger.sheet(ACCOUNT).unwrap();
    let asked: Vec<Oid> = (0..7).map(object).collect();
    assert_eq!(sheet.are_clean(&asked), [false, true, false, true, false, true, false]);
    assert!(sheet.are_clean(&[]).is_empty());
}

#[test]
fn it_is_remembered_when_the_ledger_is_opened_again() {
    let setup = setup();
    remember(&setup.open(), 0..500);
    let ledger = setup.open();
    let sheet = ledger.sheet(ACCOUNT).unwrap();
    let asked: Vec<Oid> = (250..750).map(object).collect();
    let clean = sheet.are_clean(&asked);
    assert!(clean[..250].iter().all(|clean| *clean) && !clean[250..].contains(&true));
}

#[test]
fn another_account_s_hooks_have_rows_of_their_own() {
    let setup = setup();
    let ledger = setup.open();
    remember(&ledger, [1]);
    check(&ledger, 1, true);
    assert!(!ledger.sheet(ACCOUNT + 1).unwrap().is_clean(object(1)));
}

#[test]
fn other_rules_limits_programs_and_keys_know_nothing() {
    #[track_caller]
    fn check_unknown(setup: &Setup, scanner: Scanner, key: [u8; 32]) {
        check(&setup.open_as(scanner, 1_000, key), 1, false);
        check(&setup.open(), 1, true);
    }
    let setup = setup();
    remember(&setup.open(), [1]);
    check_unknown(&setup, scanner("that", 8), [7; 32]);
    check_unknown(&setup, scanner("this", 7), [7; 32]);
    let shipped = Ruleset::with_shipped(&[]).unwrap();
    let shipped = Scanner::of_program("this", &shipped, &layer::Limits::default());
    check_unknown(&setup, shipped, [7; 32]);
    check_unknown(&setup, scanner("this", 8), [8; 32]);
}

#[test]
fn what_becomes_known_makes_everything_unknown() {
    let setup = setup();
    let ledger = setup.open();
    remember(&ledger, [1]);
    let before = ledger.sheet(ACCOUNT).unwrap();
    setup.learn("payments");
    check(&ledger, 1, false);
    // A push that began before adds nothing.
    before.remember(vec![before.row(object(2))]);
    check(&ledger, 2, false);
    assert!(!before.is_clean(object(2)));
}

#[test]
fn what_is_forgotten_makes_everything_unknown_too() {
    // A backup from before brings the value back, and its word.
    let setup = setup();
    setup.learn("payments");
    let ledger = setup.open();
    remember(&ledger, [1]);
    setup.inventory.remove("payments", &Actor::Admin("root".to_owned())).unwrap();
    check(&ledger, 1, false);
}

#[test]
fn nothing_counts_while_something_becomes_known() {
    let setup = setup();
    let ledger = setup.open();
    remember(&ledger, [1]);
    let learning = setup.inventory.begin_learning();
    assert!(ledger.sheet(ACCOUNT).is_none());
    drop(learning);
    // The store took nothing.
    check(&ledger, 1, true);
}

#[test]
fn the_oldest_go_first() {
    let setup = setup();
    for round in 0..5 {
        let ledger = setup.open_as(scanner("this", 8), 200, [7; 32]);
        remember(&ledger, round * 100..(round + 1) * 100);
    }
    let ledger = setup.open();
    let clean = |round: u32| {
        let asked: Vec<Oid> = (round * 100..(round + 1) * 100).map(object).collect();
        ledger.sheet(ACCOUNT).unwrap().are_clean(&asked).iter().filter(|clean| **clean).count()
    };
    assert_eq!([0, 4].map(clean), [0, 100]);
    assert!(ledger.shared.store.count() <= 200);
}

#[test]
fn a_full_queue_drops_rows_and_keeps_the_rest() {
    let setup = setup();
    let ledger = setup.open();
    let sheet = ledger.sheet(ACCOUNT).unwrap();
    sheet.remember((0..=WAITING_ROWS_MAX).map(|at| row(at as u64)).collect());
    sheet.remember(vec![sheet.row(object(1))]);
    check(&ledger, 1, true);
    assert!(!ledger.shared.index.read().unwrap().waits(row(5)));
}

fn row(first: u64) -> LedgerRow {
    LedgerRow { first, second: 0 }
}

/// Changes all files as a broken disk would.
fn garble(directory: &Path, step: usize) {
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.iter_mut().step_by(step).for_each(|byte| *byte ^= 0x55);
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn garbled_files_make_nothing_clean() {
    let setup = setup();
    remember(&setup.open(), 0..1_000);
    for step in [1, 7, 64, 4_096] {
        garble(&setup.path(), step);
        let ledger = setup.open();
        let asked: Vec<Oid> = (1_000..50_000).map(object).collect();
        let clean = ledger.sheet(ACCOUNT).unwrap().are_clean(&asked);
        assert!(!clean.contains(&true));
        // It goes on with what is new.
        remember(&ledger, [7_777_777]);
        check(&ledger, 7_777_777, true);
    }
}

#[test]
fn rows_that_somebody_made_up_make_nothing_clean() {
    let setup = setup();
    let store = FileLedger::open(&setup.path(), 10_000).unwrap();
    let forged: std::collections::BTreeSet<LedgerRow> = (0..1_000)
        .map(|number| {
            let id = object(number);
            let half =
                |at: usize| u64::from_le_bytes(id.as_bytes()[at..at + 8].try_into().unwrap());
            LedgerRow { first: half(0), second: half(8) }
        })
        .collect();
    store.remember(&forged.into_iter().collect::<Vec<_>>()).unwrap();
    drop(store);
    let ledger = setup.open();
    let asked: Vec<Oid> = (0..1_000).map(object).collect();
    assert!(!ledger.sheet(ACCOUNT).unwrap().are_clean(&asked).contains(&true));
}

#[test]
fn a_filter_that_says_maybe_to_everything_makes_nothing_clean() {
    let setup = setup();
    let ledger = setup.open();
    let mut index = ledger.shared.index.write().unwrap();
    let sheet = ledger.sheet(ACCOUNT).unwrap();
    let filter = index.filter.as_mut().unwrap();
    (0..200).for_each(|number| filter.add(sheet.row(object(number))));
    drop(index);
    let asked: Vec<Oid> = (0..200).map(object).collect();
    assert!(!sheet.are_clean(&asked).contains(&true));
}
