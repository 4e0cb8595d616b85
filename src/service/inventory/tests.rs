use super::*;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

/// A clock that tests move.
struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Setup {
    _directory: tempfile::TempDir,
    clock: Arc<Hand>,
    store: Arc<dyn Store>,
    inventory: Inventory,
}

fn setup() -> Setup {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap());
    let clock = Arc::new(Hand(Mutex::new(Timestamp::parse("2026-11-22T12:00:00Z").unwrap())));
    let inventory = open(&store, &clock);
    Setup { _directory: directory, clock, store, inventory }
}

fn open(store: &Arc<dyn Store>, clock: &Arc<Hand>) -> Inventory {
    let key = Arc::new(FingerprintKey::new([7; 32]));
    let clock: Arc<dyn Clock> = Arc::<Hand>::clone(clock);
    Inventory::open(key, Arc::clone(store), clock).unwrap()
}

/// A value that passes every check, and differs for each number.
fn value(number: usize) -> String {
    format!("zq7.{number:05}.xw9")
}

fn secret(name: &str, value: &str) -> NewSecret {
    let value = Secret::new(value.as_bytes().to_vec());
    NewSecret { name: name.to_owned(), identity: None, owner: None, key_id: None, value }
}

fn admin() -> Actor {
    Actor::Admin("root".to_owned())
}

fn found(inventory: &Inventory, text: &str) -> Vec<(Range<usize>, Known)> {
    let mut found = Vec::new();
    let mut sink = |range, known| found.push((range, known));
    inventory.look_up(text.as_bytes(), 0..text.len(), &mut sink).unwrap();
    found
}

#[test]
fn a_value_is_refused_with_the_reason() {
    #[track_caller]
    fn check(value: &str, want: &str) {
        let got = Inventory::check_value(value.as_bytes());
        let got = got.map_or_else(|error| error.to_string(), |()| "fit".to_owned());
        assert!(got.starts_with(want), "{value}: {got}");
    }
    check("zq7.xw9", "the value has 7 bytes; known secrets have at least 8");
    check("zq7.xw9k", "fit");
    let words: Vec<String> =
        (0..64).map(|number| format!("{:04x}", number * 40_503 % 65_536)).collect();
    let long = words.concat();
    check(&long, "fit");
    check(&format!("{long}k"), "the value has 257 bytes; known secrets have at most");
    check("changeme", "the value is a common word");
    check("dbPassword", "the value is a common word");
    check("zq7 xw9 kk", "the value would not be found");
    check("zq7\nxw9kk", "the value would not be found");
    check("<zq7xw9kk41>", "the value would not be found");
    check("[zq7xw9kk41]", "the value would not be found");
    let address = ["amqp", "://app:zq7xw9kk41@mq/x"].concat();
    check(&address, "the value would not be found");
}

#[test]
fn what_stands_twice_in_a_request_is_refused_once() {
    let Setup { _directory, inventory, .. } = setup();
    let request = vec![
        secret("a", &value(1)),
        secret("b", &value(1)),
        secret("a", &value(2)),
        secret("", &value(3)),
        secret("c\nd", &value(4)),
        secret(&"n".repeat(NAME_BYTES_MAX + 1), &value(5)),
    ];
    let done = inventory.add(request, &admin()).unwrap();
    let added: Vec<&str> = done.added.iter().map(|known| known.name.as_str()).collect();
    assert_eq!(added, ["a"]);
    assert_eq!(done.refused.len(), 5);
    assert_eq!(done.refused[0].reason, "the inventory knows this value as `a`");
}

#[test]
fn the_filter_grows_with_the_inventory_and_is_rebuilt_from_the_store() {
    let Setup { _directory, clock, store, inventory } = setup();
    let count = CAPACITY_MIN + 10;
    let secrets = (0..count).map(|number| secret(&number.to_string(), &value(number))).collect();
    inventory.add(secrets, &admin()).unwrap();
    let reopened = open(&store, &clock);
    for inventory in [&inventory, &reopened] {
        let filter = inventory.filter.read().unwrap();
        assert!(filter.capacity > CAPACITY_MIN, "{}", filter.capacity);
        drop(filter);
        for number in [0, CAPACITY_MIN - 1, CAPACITY_MIN, count - 1] {
            assert_eq!(found(inventory, &format!("x={}\n", value(number))).len(), 1, "{number}");
        }
        assert!(found(inventory, &format!("x={}\n", value(count))).is_empty());
    }
}

#[test]
fn a_canary_is_known_until_it_is_spent_or_too_old() {
    let Setup { _directory, clock, inventory, .. } = setup();
    let text = |value: &Secret<String>| format!("{}\n", value.expose());
    let (id, first) = inventory.issue_canary().unwrap();
    assert_eq!(found(&inventory, &text(&first))[0].1, Known::Canary(id.clone()));
    assert!(inventory.spend_canary(&id));
    assert!(!inventory.spend_canary(&id), "once");
    assert!(found(&inventory, &text(&first)).is_empty());

    let (_, second) = inventory.issue_canary().unwrap();
    let later = clock.now().after(CANARY_LIFETIME);
    *clock.0.lock().unwrap() = later;
    assert!(found(&inventory, &text(&second)).is_empty());
    inventory.issue_canary().unwrap();
    assert_eq!(inventory.canaries.lock().unwrap().len(), 1, "the old one is forgotten");
}

#[test]
fn no_more_canaries_than_the_limit_are_outstanding() {
    let Setup { _directory, inventory, .. } = setup();
    for number in 0..CANARIES_MAX {
        let fingerprint = inventory.key.fingerprint(value(number).as_bytes());
        let expires = inventory.clock.now().after(CANARY_LIFETIME);
        let canary = Canary { id: number.to_string(), tag: 0, length: 0, expires };
        inventory.keep_canary(fingerprint, canary).unwrap();
    }
    assert!(inventory.issue_canary().is_err());
}
