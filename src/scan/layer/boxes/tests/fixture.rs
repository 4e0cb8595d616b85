//! Boxes, built as their writers build them, and as no writer would.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn lzip(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::LzipOptions::with_preset(1);
    let mut encoder = lzma_rust2::LzipWriter::new(Vec::new(), options);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn lzma(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::LzmaOptions::with_preset(1);
    let mut encoder = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(super) fn lz4(bytes: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
    let info = FrameInfo::new().block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An entry of a zip, told twice.
#[derive(Clone)]
pub(super) struct ZipEntry {
    pub(super) name: &'static str,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) packed: Vec<u8>,
    pub(super) unpacked_bytes: usize,
    pub(super) extra: Vec<u8>,
    pub(super) comment: &'static str,
    /// Whether the lengths follow the bytes.
    pub(super) is_streamed: bool,
    pub(super) is_local: bool,
    pub(super) is_listed: bool,
}

impl ZipEntry {
    pub(super) fn deflated(name: &'static str, bytes: &[u8]) -> Self {
        Self { method: 8, packed: deflate(bytes), ..Self::stored(name, bytes) }
    }

    pub(super) fn stored(name: &'static str, bytes: &[u8]) -> Self {
        Self {
            name,
            flags: 0,
            method: 0,
            packed: bytes.to_vec(),
            unpacked_bytes: bytes.len(),
            extra: Vec::new(),
            comment: "",
            is_streamed: false,
            is_local: true,
            is_listed: true,
        }
    }

    fn common(&self, has_lengths: bool) -> Vec<u8> {
        let mut head = Vec::new();
        let streamed = if self.is_streamed { 8 } else { 0 };
        for number in [20, self.flags | streamed, self.method, 0, 0] {
            head.extend(number.to_le_bytes());
        }
        let lengths = if has_lengths { [self.packed.len(), self.unpacked_bytes] } else { [0, 0] };
        head.extend(crc32fast::hash(b"not checked").to_le_bytes());
        for length in lengths {
            head.extend(u32::try_from(length).unwrap().to_le_bytes());
        }
        head.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        head.extend(u16::try_from(self.extra.len()).unwrap().to_le_bytes());
        head
    }

    fn local(&self) -> Vec<u8> {
        let mut header = b"PK\x03\x04".to_vec();
        header.extend(self.common(!self.is_streamed));
        header.extend(self.name.as_bytes());
        header.extend(&self.extra);
        header
    }

    fn central(&self, offset: usize) -> Vec<u8> {
        let mut record = b"PK\x01\x02\x14\0".to_vec();
        record.extend(self.common(true));
        record.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        record.extend([0; 8]);
        record.extend(u32::try_from(offset).unwrap().to_le_bytes());
        record.extend(self.name.as_bytes());
        record.extend(&self.extra);
        record.extend(self.comment.as_bytes());
        record
    }
}

/// Writes a zip.
pub(super) fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    zip_with(entries, b"")
}

pub(super) fn zip_with(entries: &[ZipEntry], comment: &[u8]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = zip.len();
        if entry.is_local {
            zip.extend(entry.local());
        } else {
            // As long as a header and a name: only the record tells what follows.
            zip.extend(vec![b'.'; 30 + entry.name.len()]);
        }
        zip.extend(&entry.packed);
        if entry.is_streamed {
            zip.extend(b"PK\x07\x08............");
        }
        if entry.is_listed {
            directory.extend(entry.central(offset));
        }
    }
    let start = zip.len();
    zip.extend(&directory);
    zip.extend(end_of_zip(entries.len(), directory.len(), start, comment));
    zip
}

pub(super) fn end_of_zip(count: usize, len: usize, start: usize, comment: &[u8]) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    for _ in 0..2 {
        end.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
    }
    end.extend(u32::try_from(len).unwrap().to_le_bytes());
    end.extend(u32::try_from(start).unwrap().to_le_bytes());
    end.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    end.extend(comment);
    end
}

/// Writes a member of a tar: header and padded bytes.
pub(super) fn tar_member(kind: u8, prefix: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:011o}\0", bytes.len());
    tar_member_of_size(kind, prefix, name, bytes, size.as_bytes())
}

pub(super) fn tar_member_of_size(
    kind: u8,
    prefix: &str,
    name: &str,
    bytes: &[u8],
    size: &[u8],
) -> Vec<u8> {
    let mut member = vec![0; 512];
    let mut put = |at: usize, field: &[u8]| member[at..at + field.len()].copy_from_slice(field);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(124, size);
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = member.iter().copied().map(u32::from).sum();
    member[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    member.extend(bytes);
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar: Vec<u8> = Vec::new();
    for (name, bytes) in members {
        tar.extend(tar_member(b'0', "", name, bytes));
    }
    tar.extend([0; 1024]);
    tar
}

pub(super) fn cpio(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut cpio: Vec<u8> = Vec::new();
    for (name, bytes) in members.iter().chain(&[("TRAILER!!!", b"".as_slice())]) {
        let fields = [0, 0o100_644, 0, 0, 1, 0, bytes.len(), 0, 0, 0, 0, name.len() + 1, 0];
        cpio.extend(b"070701");
        for field in fields {
            cpio.extend(format!("{field:08x}").bytes());
        }
        cpio.extend(name.bytes().chain([0]));
        cpio.resize(cpio.len().next_multiple_of(4), 0);
        cpio.extend(*bytes);
        cpio.resize(cpio.len().next_multiple_of(4), 0);
    }
    cpio
}

pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut ar = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        ar.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}", 0, 0, 0, 100_644).bytes());
        ar.extend(format!("{:<10}`\n", bytes.len()).bytes());
        ar.extend(*bytes);
        ar.resize(ar.len().next_multiple_of(2), b'\n');
    }
    ar
}

/// An entry of a pack: its kind, what stands before its bytes, and those.
pub(super) struct PackEntry<'a> {
    pub(super) kind: u8,
    pub(super) base: Vec<u8>,
    pub(super) bytes: &'a [u8],
}

/// Writes a pack. Returns where its entries begin as well.
pub(super) fn pack(entries: &[PackEntry<'_>]) -> (Vec<u8>, Vec<usize>) {
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
    let mut starts = Vec::new();
    for entry in entries {
        starts.push(pack.len());
        let (low, mut size) = (entry.bytes.len() & 15, entry.bytes.len() >> 4);
        let mut byte = entry.kind << 4 | u8::try_from(low).unwrap();
        while size > 0 {
            pack.push(byte | 0x80);
            byte = u8::try_from(size & 0x7f).unwrap();
            size >>= 7;
        }
        pack.push(byte);
        pack.extend(&entry.base);
        pack.extend(zlib(entry.bytes));
    }
    pack.extend([0; 20]);
    (pack, starts)
}

pub(super) fn png_chunk(kind: &[u8], bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [len.as_slice(), kind, bytes, b"abcd"].concat()
}

pub(super) fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = png_chunk(b"IHDR", &[0; 13]);
    let end = png_chunk(b"IEND", &[]);
    [b"\x89PNG\r\n\x1a\n".to_vec(), head, chunks.concat(), end].concat()
}

/// Writes a 7z archive of one file under one coder that needs no properties.
pub(super) fn sevenz(method: &[u8], name: &str, packed: &[u8], unpacked_bytes: u8) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let packed_len = u8::try_from(packed.len()).unwrap();
    let mut header = vec![0x01, 0x04];
    header.extend([0x06, 0, 1, 0x09, packed_len, 0]);
    header.extend([0x07, 0x0b, 1, 0, 1, u8::try_from(method.len()).unwrap()]);
    header.extend(method);
    header.extend([0x0c, unpacked_bytes, 0, 0x08, 0, 0]);
    header.extend([0x05, 1, 0x11, u8::try_from(name.len() + 1).unwrap(), 0]);
    header.extend(name);
    header.extend([0, 0]);
    let mut start = Vec::new();
    start.extend((packed.len() as u64).to_le_bytes());
    start.extend((header.len() as u64).to_le_bytes());
    start.extend(crc32fast::hash(&header).to_le_bytes());
    let mut archive = b"7z\xbc\xaf\x27\x1c\0\x04".to_vec();
    archive.extend(crc32fast::hash(&start).to_le_bytes());
    archive.extend(start);
    archive.extend(packed);
    archive.extend(header);
    archive
}
