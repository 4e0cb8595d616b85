use super::fixture::{PackEntry, pack};
use super::*;

const BLOB: u8 = 3;
const OFFSET_DELTA: u8 = 6;
const ID_DELTA: u8 = 7;

/// A delta that takes the whole of a base and adds to it.
fn delta(base: &[u8], added: &[u8]) -> Vec<u8> {
    let len = |bytes: usize| u8::try_from(bytes).unwrap();
    let mut delta = vec![len(base.len()), len(base.len() + added.len()), 0x90, len(base.len())];
    delta.push(len(added.len()));
    delta.extend(added);
    delta
}

fn whole(bytes: &[u8]) -> PackEntry<'_> {
    PackEntry { kind: BLOB, base: vec![], bytes }
}

fn id(bytes: &[u8]) -> Vec<u8> {
    let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, bytes);
    id.unwrap().as_slice().to_vec()
}

#[test]
fn objects_of_a_pack_come_out_with_their_deltas_resolved() {
    let (left, right) = TEXT.split_at(20);
    let by_id = delta(left, right);
    let (first, starts) =
        pack(&[PackEntry { kind: ID_DELTA, base: id(left), bytes: &by_id }, whole(left)]);
    let back = u8::try_from(first.len() - 20 - starts[1]).unwrap();
    let by_offset = delta(left, b" and back");
    let entries = [
        PackEntry { kind: ID_DELTA, base: id(left), bytes: &by_id },
        whole(left),
        PackEntry { kind: OFFSET_DELTA, base: vec![back], bytes: &by_offset },
    ];
    let (bytes, _) = pack(&entries);
    check_sniff(&bytes, &[Format::GitPack]);
    let opened = Opened::sniffed(&bytes);
    assert_eq!(opened.left_out, []);
    assert_eq!(opened.names(), ["blob", "blob", "blob"]);
    assert!(opened.has(TEXT) && opened.has(b" and back"));

    let bundle =
        [b"# v2 git bundle\n".as_slice(), &id(b""), b" refs/heads/main\n\n", &bytes].concat();
    check_sniff(&bundle, &[Format::GitBundle]);
    assert_eq!(Opened::sniffed(&bundle).part("pack"), bytes);
}

#[test]
fn a_delta_on_what_is_elsewhere_gives_what_it_inserts() {
    let thin = delta(b"unknown", TEXT);
    let (bytes, _) = pack(&[PackEntry { kind: ID_DELTA, base: id(b"unknown"), bytes: &thin }]);
    let opened = Opened::sniffed(&bytes);
    assert_eq!(opened.part("delta"), [TEXT, b"\n"].concat());
    assert_eq!(opened.left_out, [(LeftOut::Damaged, "delta".to_owned())]);
}

#[test]
fn delta_bombs_end_at_the_budget() {
    // Each delta is three thousand bytes before it is packed, and copies its base a thousand times.
    let zeros = vec![0; 256];
    let copies = [vec![0, 0], [0b1011_0000, 0, 1].repeat(1_000)].concat();
    let delta = || PackEntry { kind: ID_DELTA, base: id(&zeros), bytes: &copies };
    let (bytes, _) = pack(&[whole(&zeros), delta(), delta(), delta()]);
    let mut budget = Budget::new(Limits { bytes_max: 300_000, ..Limits::default() });
    let opened = Opened::of(Format::GitPack, &bytes, &mut budget);
    let total: usize = opened.parts.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(opened.left_out.contains(&(LeftOut::Bytes, "box".to_owned())));
    assert!(total <= 300_000, "{total}");
}

#[test]
fn an_object_as_it_is_hashed_is_a_box() {
    let object = [format!("blob {}\0", TEXT.len()).as_bytes(), TEXT].concat();
    check_sniff(&object, &[Format::GitObject]);
    assert_eq!(Opened::sniffed(&object).part("blob"), TEXT);
    check_sniff(&object[..object.len() - 1], &[]);
    assert_eq!(Opened::sniffed(&fixture::zlib(&object)).part("stream"), object);
}
