//! Files in files.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{line, push_file, techniques};

techniques! {
    gzip: "gzip", CAUGHT, "YY---", |scene, secret| push_file(scene, "a.gz", gzip(line(secret)));
    zip: "zip", CAUGHT, "YY---", |scene, secret| {
        push_file(scene, "a.zip", zip("a.env", line(secret)))
    };
    docx: "docx", CAUGHT, "Y----", |scene, secret| {
        let document = format!("<w:document><w:t>{}</w:t></w:document>", line(secret));
        push_file(scene, "a.docx", zip("word/document.xml", document))
    };
    tar_gz: "tar.gz", CAUGHT, "Y----", |scene, secret| {
        push_file(scene, "a.tar.gz", gzip(tar("dir/a.env", line(secret))))
    };
    png: "tEXt chunk of a PNG", CAUGHT, "-----", |scene, secret| {
        push_file(scene, "a.png", png(&format!("Comment\0{secret}")))
    };
    zlib: "zlib", CAUGHT, "", |scene, secret| {
        let mut writer = ZlibEncoder::new(Vec::new(), Compression::best());
        writer.write_all(line(secret).as_bytes()).unwrap();
        push_file(scene, "a.bin", writer.finish().unwrap())
    };
    nested: "zip in a tar in a gzip in base64", CAUGHT, "", |scene, secret| {
        use base64::Engine as _;
        let inner = gzip(tar("a.zip", zip("a.env", line(secret))));
        push_file(scene, "a.txt", base64::engine::general_purpose::STANDARD.encode(inner))
    };
    bundle: "git bundle", CAUGHT, "", |scene, secret| {
        let said = scene.work.shell(&format!(
            "git init -q ../other; cd ../other; git config user.email a@b; git config user.name a; \
             echo TOKEN={secret} > a; git add a; git commit -q -m a; git bundle create -q ../a.bundle HEAD"
        ));
        assert_eq!(said.code, 0, "{said:?}");
        scene.work.shell("cp ../a.bundle a.bundle");
        scene.work.git(&["add", "--all"]);
        scene.work.git(&["commit", "-q", "-m", "bundle"]);
        scene.work.push(&["HEAD:main"])
    };
    pdf: "stream of a PDF", CAUGHT, "", |scene, secret| push_file(scene, "a.pdf", pdf(secret));
    deb: "ar archive", CAUGHT, "", |scene, secret| {
        let text = line(secret);
        let head = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a.gz/", 0, 0, 0, 644, gzip(&text).len());
        push_file(scene, "a.deb", [b"!<arch>\n", head.as_bytes(), &gzip(&text)].concat())
    };
}

fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(content.as_ref()).unwrap();
    writer.finish().unwrap()
}

/// A zip archive of one file (APPNOTE.TXT 4.3).
fn zip(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut writer = DeflateEncoder::new(Vec::new(), Compression::best());
    writer.write_all(content).unwrap();
    let packed = writer.finish().unwrap();
    let sizes = [crc32fast::hash(content), size(&packed), size(content)];
    let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
    common.extend(sizes.iter().flat_map(|number| number.to_le_bytes()));
    common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    common.extend([0, 0]);
    let local = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), &packed].concat();
    let central = [b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 14], name.as_bytes()].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend(size(&central).to_le_bytes());
    end.extend(size(&local).to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A tar archive of one file (POSIX ustar).
fn tar(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut head = vec![0; 512];
    let mut put =
        |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; content.len().next_multiple_of(512) - content.len() + 1024];
    [head.as_slice(), content, &padding].concat()
}

/// A picture of one pixel with a text (PNG 3rd edition, 11.3.3).
fn png(text: &str) -> Vec<u8> {
    let chunk = |kind: &[u8], content: &[u8]| {
        let body = [kind, content].concat();
        let length = size(content).to_be_bytes();
        [&length[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
    };
    let head = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::best());
    pixels.write_all(&[0, 0]).unwrap();
    let pixels = chunk(b"IDAT", &pixels.finish().unwrap());
    let text = chunk(b"tEXt", text.as_bytes());
    [&b"\x89PNG\r\n\x1a\n"[..], &head, &text, &pixels, &chunk(b"IEND", b"")].concat()
}

/// A page whose text is compressed (ISO 32000-2, 7.3.8).
fn pdf(text: &str) -> Vec<u8> {
    let mut writer = ZlibEncoder::new(Vec::new(), Compression::best());
    write!(writer, "BT /F1 12 Tf ({text}) Tj ET").unwrap();
    let stream = writer.finish().unwrap();
    let head =
        format!("%PDF-1.4\n1 0 obj\n<< /Length {} /Filter /FlateDecode >>\nstream\n", stream.len());
    [head.as_bytes(), &stream, b"\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n"].concat()
}
