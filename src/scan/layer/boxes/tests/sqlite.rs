use rusqlite::Connection;

use super::*;

/// Returns the file of a database that these statements make.
pub(super) fn database(statements: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(statements).unwrap();
    connection.close().unwrap();
    std::fs::read(path).unwrap()
}

fn text() -> &'static str {
    std::str::from_utf8(TEXT).unwrap()
}

#[test]
fn columns_come_out_on_lines_of_their_own() {
    let row = format!("insert into a values (7, 'user', '{}', 'end', zeroblob(500))", text());
    let bytes = database(&format!("create table a (n integer, b, c, d, e); {row};"));
    check_sniff(&bytes, &[Format::Sqlite]);
    let opened = Opened::sniffed(&bytes);
    assert_eq!(opened.left_out, []);
    assert!(opened.has(&[b"user\n".as_slice(), TEXT, b"\nend\n"].concat()), "{:?}", opened.names());
    assert_eq!(opened.part("blob"), [0; 500]);
}

#[test]
fn long_values_are_joined_over_their_pages() {
    let long = format!("{} {}", "x".repeat(4000), text()).repeat(9);
    let make =
        format!("create table a (b); create index i on a (b); insert into a values ('{long}');");
    for pages in ["", "pragma page_size = 512;", "pragma page_size = 65536;"] {
        let opened = Opened::sniffed(&database(&format!("{pages} {make}")));
        let in_part = |(_, bytes): &(_, Vec<u8>)| memchr::memmem::find_iter(bytes, &long).count();
        let found: usize = opened.parts.iter().map(in_part).sum();
        assert_eq!(found, 2, "{pages}: the table and its index");
        assert_eq!(opened.left_out, []);
    }
}

#[test]
fn texts_of_two_bytes_stay_aligned() {
    let make = format!(
        "pragma encoding = 'UTF-16le'; create table a (b, c); insert into a values ('x', '{}')",
        text()
    );
    let wide: Vec<u8> =
        format!("x\n{}\n", text()).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(Opened::sniffed(&database(&make)).has(&wide));
}

#[test]
fn cells_that_share_a_payload_are_paid_for() {
    let mut bytes = database(&format!(
        "pragma page_size = 65536; create table a (b); insert into a values ('{}')",
        text().repeat(1_000)
    ));
    // Every pointer of the second page leads to its one cell.
    let page = &mut bytes[1 << 16..];
    let cell = [page[8], page[9]];
    page[3..5].copy_from_slice(&5_000_u16.to_be_bytes());
    for index in 0..5_000 {
        page[8 + 2 * index..10 + 2 * index].copy_from_slice(&cell);
    }
    let mut budget = Budget::new(Limits { bytes_max: 4 << 20, ..Limits::default() });
    let opened = Opened::of(Format::Sqlite, &bytes, &mut budget);
    assert_eq!(opened.left_out, [(LeftOut::Bytes, "box".to_owned())]);
}
