//! Content that is made to cost: each has a bounded cost and an outcome with a name, and what comes
//! with it is found all the same.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::forge::{Forge, Said, git};
use crate::limits::with_push_settings;
use crate::scene::Scene;
use crate::token;

/// The most memory that the daemon may have taken, in KiB: what the longest objects here take, and
/// far less than what they come to.
const DAEMON_KIB_MAX: u64 = 192 << 10;

/// Makes an instance that has time: what is bounded here is work, not how busy this machine is.
fn patient_forge(settings: &str) -> Forge {
    with_push_settings(&format!("{settings}\ndeadline_ms = 600000"))
}

fn patient_scene(forge: &Forge) -> Scene<'_> {
    let scene = Scene::new(forge);
    scene.repository.set("deadline_ms", "600000");
    scene
}

/// Pushes files and a credential beside them: it is found, whatever they are. Returns the reasons
/// why something was left out, each once.
#[track_caller]
fn push_with_credential(files: &[(&str, &[u8])]) -> Vec<String> {
    let forge = patient_forge("layer_bytes_max = 8388608");
    let scene = patient_scene(&forge);
    for (name, content) in files {
        scene.work.write(name, content);
    }
    let secret = forge.plant(token::github());
    scene.work.commit("z.env", format!("TOKEN={secret}\n"), "hostile");
    let said = scene.work.push(&["HEAD:main"]);
    assert!(said.remote().contains("error: push refused - 1 credential"), "{said:?}");
    is_unharmed(&forge);
    let items = forge.unscanned();
    let mut reasons: Vec<String> =
        items.iter().map(|item| item["reason"].as_str().unwrap().to_owned()).collect();
    reasons.sort();
    reasons.dedup();
    reasons
}

/// The daemon took no more memory than it may, and screens the next push.
#[track_caller]
fn is_unharmed(forge: &Forge) {
    let status = fs::read_to_string(format!("/proc/{}/status", forge.daemon_id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(peak_kib < DAEMON_KIB_MAX, "{peak_kib} KiB");
    assert!(Scene::called(forge, "next.git").push_clean().0.is_accepted());
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut writer = DeflateEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A zip archive (APPNOTE.TXT 4.3) of entries of zeros. Where they overlap, each holds all that come
/// after it: its data quotes their headers, and ends in the same compressed bytes.
fn zip_of_zeros(entries: u16, zeros: usize, overlap: bool) -> Vec<u8> {
    let content = vec![0; zeros];
    let packed = deflated(&content);
    let (mut locals, mut heads) = (Vec::new(), Vec::new());
    for number in (0..entries).rev() {
        let quoted = if overlap && !locals.is_empty() { quote(&locals) } else { packed.clone() };
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        for number in [crc32fast::hash(&content), size(&quoted), size(&content)] {
            common.extend(number.to_le_bytes());
        }
        common.extend([2, 0, 0, 0]);
        let name = number.to_le_bytes();
        let local = [b"PK\x03\x04", common.as_slice(), &name, &quoted].concat();
        // What comes first is written last.
        heads.push((common, name, local.len()));
        locals = if overlap { local } else { [local, locals].concat() };
    }
    let (mut central, mut at) = (Vec::new(), 0);
    for (common, name, length) in heads.into_iter().rev() {
        central.extend([b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 10]].concat());
        let start = if overlap { locals.len() - length } else { at };
        central.extend(u32::try_from(start).unwrap().to_le_bytes());
        central.extend(name);
        at += length;
    }
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([entries.to_le_bytes(), entries.to_le_bytes()].concat());
    end.extend([size(&central).to_le_bytes(), size(&locals).to_le_bytes()].concat());
    end.extend([0, 0]);
    [locals, central, end].concat()
}

/// Turns an entry's header into deflated data that says it, and goes on as the entry does (RFC 1951,
/// 3.2.4).
fn quote(entry: &[u8]) -> Vec<u8> {
    const HEADER: usize = 30 + 2;
    let (header, data) = entry.split_at(HEADER);
    [&[0, 32, 0, 223, 255], header, data].concat()
}

/// One and a half gigabytes of zeros in one and a half megabytes.
fn gzip_of_zeros() -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(&vec![0; 16 << 20]).unwrap();
    writer.finish().unwrap().repeat(96)
}

#[test]
fn zip_and_gzip_bombs_end_at_the_budget() {
    let (zip, gzip) = (zip_of_zeros(100, 16 << 20, false), gzip_of_zeros());
    assert!(gzip.len() < 2 << 20);
    let reasons = push_with_credential(&[("a.zip", &zip), ("b.gz", &gzip)]);
    assert_eq!(reasons, ["layer-bytes"]);
}

#[test]
fn bombs_in_bombs_end_at_the_budget() {
    let inner = zip_of_zeros(50, 4 << 20, false);
    let mut outer = GzEncoder::new(Vec::new(), Compression::best());
    outer.write_all(&inner.repeat(20)).unwrap();
    let reasons = push_with_credential(&[("a.zip.gz", &outer.finish().unwrap())]);
    assert_eq!(reasons, ["layer-bytes"]);
}

#[test]
fn zip_entries_that_overlap_are_paid_for_each() {
    let zip = zip_of_zeros(1_000, 1 << 20, true);
    assert!(zip.len() < 200_000);
    assert_eq!(push_with_credential(&[("a.zip", &zip)]), ["layer-bytes"]);
}

#[test]
fn an_archive_that_holds_itself_is_looked_into_once() {
    // It unpacks to itself, byte by byte, checksum and all.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz-corpus/layers/gzip-quine");
    let quine = fs::read(path).unwrap();
    let twice = [&quine[..], &quine].concat();
    let reasons = push_with_credential(&[("a.gz", &quine), ("b.gz", &twice)]);
    assert!(reasons.iter().all(|reason| reason == "layer-depth"), "{reasons:?}");
}

#[test]
fn archives_within_archives_end_at_the_depth() {
    let deep = (0..40).fold(b"at the bottom".to_vec(), |inner, _| {
        let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
        writer.write_all(&inner).unwrap();
        writer.finish().unwrap()
    });
    assert_eq!(push_with_credential(&[("a.gz", &deep)]), ["layer-depth"]);
}

#[test]
fn truncated_boxes_of_every_kind_are_told_or_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz-corpus/boxes");
    let mut files = Vec::new();
    for entry in fs::read_dir(corpus).unwrap().map(Result::unwrap) {
        // The first byte is the fuzzer's own.
        let bytes = fs::read(entry.path()).unwrap().split_off(1);
        let name = entry.file_name().into_string().unwrap();
        for part in [1, 2, 3] {
            files.push((format!("{name}-{part}"), bytes[..bytes.len() * part / 4].to_vec()));
        }
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let reasons = push_with_credential(&files);
    let known = ["damaged", "encrypted", "unknown-method"];
    assert!(reasons.contains(&"damaged".to_owned()));
    assert!(reasons.iter().all(|reason| known.contains(&reason.as_str())), "{reasons:?}");
}

#[test]
fn lines_that_are_made_for_patterns_cost_no_more_than_others() {
    let units = [
        "password=",
        "AKIA",
        "-----BEGIN ",
        "https://a:",
        "\" + \"",
        "%25",
        "QUJD",
        "token=aaaaaaaaaaaaaaaaaaaaaaaa1;",
    ];
    let line: String = units.iter().map(|unit| unit.repeat((384 << 10) / unit.len())).collect();
    let reasons = push_with_credential(&[("line.txt", line.as_bytes())]);
    let known = ["exhausted", "layer-bytes", "layer-depth", "layer-parts"];
    assert!(reasons.iter().all(|reason| known.contains(&reason.as_str())), "{reasons:?}");
}

#[test]
fn a_credential_at_the_end_of_a_line_of_20_megabytes_is_found() {
    let forge = patient_forge("");
    let scene = patient_scene(&forge);
    let secret = forge.plant(token::github());
    let line = format!("{} TOKEN={secret}", "function(){return 1};".repeat(1_000_000));
    let (said, _) = scene.push(&line);
    assert!(said.remote().contains("error: push refused - 1 credential"), "{said:?}");
    is_unharmed(&forge);
}

#[test]
fn a_tree_of_ten_billion_paths_is_walked_by_its_objects() {
    let forge = patient_forge("");
    let scene = patient_scene(&forge);
    let secret = forge.plant(token::github());
    scene.work.commit("a.env", format!("TOKEN={secret}\n"), "first");
    let script = "id=$(git rev-parse HEAD:a.env); kind='100644 blob'
        for level in 0 1 2 3 4 5 6 7 8 9; do
            id=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf '%s %s\\t%s\\n' \"$kind\" $id $n; done |
                git mktree)
            kind='040000 tree'
        done
        git update-ref refs/heads/bomb $(git commit-tree -m bomb $id)";
    assert_eq!(scene.work.shell(script).code, 0);
    let said = scene.work.push(&["bomb"]);
    assert!(said.remote().contains("error: push refused - 1 credential"), "{said:?}");
    is_unharmed(&forge);
}

/// Gives a pack to git as a client does, and returns what it and the hook say.
fn receive(scene: &Scene<'_>, tip: &str, entries: &[Vec<u8>]) -> Said {
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
    pack.extend(entries.iter().flatten());
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&pack);
    pack.extend(hasher.try_finalize().unwrap().as_slice());
    let null = "0".repeat(40);
    let line = format!("{null} {tip} refs/tags/t\0report-status side-band-64k");
    let request = scene.work.path.join("request");
    let mut bytes = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
    bytes.extend(pack);
    fs::write(&request, bytes).unwrap();
    let mut receive = git();
    receive.arg("receive-pack").arg(&scene.repository.path).stderr(Stdio::piped());
    scene.work.forge.run(receive.stdin(fs::File::open(request).unwrap()))
}

fn entry(kind: u8, mut size: usize, base: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | u8::try_from(size & 15).unwrap()];
    size >>= 4;
    while size > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(u8::try_from(size & 127).unwrap());
        size >>= 7;
    }
    bytes.extend_from_slice(base);
    let mut writer = ZlibEncoder::new(bytes, Compression::fast());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

/// A number as deltas write it: seven bits a byte, lowest first.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(u8::try_from(value & 127).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// The distance to a base, less than 16,384 bytes before its delta.
fn distance(far: usize) -> Vec<u8> {
    let byte = |value: usize| u8::try_from(value).unwrap();
    match far.checked_sub(128) {
        None => vec![byte(far)],
        Some(far) => vec![byte(far >> 7) | 0x80, byte(far & 127)],
    }
}

#[test]
fn a_chain_of_10_000_deltas_is_followed_as_far_as_the_limit() {
    let forge = patient_forge("");
    let scene = patient_scene(&forge);
    let base = b"x".repeat(100);
    let mut entries = vec![entry(3, base.len(), &[], &base)];
    for depth in 0..10_000 {
        // Copy all of the base, then insert one byte: each result is a blob of its own.
        let [low, high, ..] = u32::to_le_bytes(100 + depth);
        let old = 100 + depth as usize;
        let copy = [0xb0, low, high, 1, b'y'];
        let delta = [number(old), number(old + 1), copy.to_vec()].concat();
        let far = entries.last().unwrap().len();
        entries.push(entry(6, delta.len(), &distance(far), &delta));
    }
    scene.work.write("base", &base);
    let tip = scene.work.git(&["hash-object", "base"]);
    let said = receive(&scene, &tip, &entries);
    assert!(said.out.contains("error: push refused - "), "{said:?}");
    assert!(said.out.contains("delta"), "{said:?}");
    assert_eq!(forge.unscanned()[0]["reason"], "delta-depth");
    assert_eq!(scene.repository.git(&["for-each-ref"]).out, "");
    is_unharmed(&forge);
}

#[test]
fn a_bomb_of_deltas_is_scanned_up_to_the_bytes_of_a_push() {
    let forge = patient_forge("push_bytes_max = 33554432");
    let scene = patient_scene(&forge);
    let base = "nothing to see on this line\n".repeat(2_340);
    let mut entries = vec![entry(3, base.len(), &[], base.as_bytes())];
    // Each is 16 times its base, of the same few bytes: 64 KB, 1 MB, 16 MB, 256 MB.
    let mut length = base.len();
    for _ in 0..3 {
        let [low, middle, high, _] = u32::to_le_bytes(u32::try_from(length).unwrap());
        let mut delta = [number(length), number(length * 16)].concat();
        (0..16).for_each(|_| delta.extend([0xf0, low, middle, high]));
        let far = entries.last().unwrap().len();
        entries.push(entry(6, delta.len(), &distance(far), &delta));
        length *= 16;
    }
    scene.work.write("base", &base);
    let tip = scene.work.git(&["hash-object", "base"]);
    let said = receive(&scene, &tip, &entries);
    assert!(said.out.contains("error: push refused - "), "{said:?}");
    assert_eq!(forge.unscanned()[0]["reason"], "push-bytes");
    is_unharmed(&forge);
}

#[test]
fn a_tree_of_300_000_names_is_read() {
    let forge = patient_forge("");
    let scene = patient_scene(&forge);
    scene.work.commit("a", "1\n", "first");
    let blob = scene.work.git(&["rev-parse", "HEAD:a"]);
    let mut listing = String::new();
    (0..300_000).for_each(|n| writeln!(listing, "100644 blob {blob}\tname-{n:06}").unwrap());
    scene.work.write("listing", listing);
    let script =
        "git update-ref refs/heads/wide $(git commit-tree -m wide $(git mktree < listing))";
    assert_eq!(scene.work.shell(script).code, 0);
    assert!(scene.work.push(&["wide"]).is_accepted());
    is_unharmed(&forge);
}
