//! The same text in other letters.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::{line, push_file, techniques};

techniques! {
    utf_16_bom: "UTF-16LE with a byte order mark", CAUGHT, "Y----", |scene, secret| {
        push_file(scene, "a.ps1", [&[0xff, 0xfe][..], &utf_16(&line(secret))].concat())
    };
    utf_16: "UTF-16LE without one", CAUGHT, "Y----", |scene, secret| {
        push_file(scene, "a.reg", utf_16(&line(secret)))
    };
    nul: "NUL byte in the file", CAUGHT, "Y----", |scene, secret| {
        push_file(scene, "a.bin", format!("\0\x01\x02\n{}", line(secret)))
    };
    base_64: "base64", CAUGHT, "YY---", |scene, secret| {
        push_file(scene, "a.yaml", format!("data: {}\n", STANDARD.encode(line(secret))))
    };
    base_64_twice: "base64, twice", CAUGHT, "YY---", |scene, secret| {
        let once = STANDARD.encode(line(secret));
        push_file(scene, "a.yaml", format!("data: {}\n", STANDARD.encode(once)))
    };
    notebook: "output cell of a notebook", CAUGHT, "YYYYY", |scene, secret| {
        let cell = format!("{{\"cells\": [{{\"outputs\": [{{\"text\": [\"a\\n\", \"{secret}\\n\"]}}]}}]}}");
        push_file(scene, "a.ipynb", cell)
    };
    long_line: "line of 3 MB", CAUGHT, "YYYYY", |scene, secret| {
        let half = "word ".repeat(300_000);
        push_file(scene, "a.js", format!("{half}\"{secret}\";{half}"))
    };
    large: "text file of 120 MB", CAUGHT, "YYYYY", |scene, secret| {
        let half = "a line of text that compresses\n".repeat(2_000_000);
        push_file(scene, "a.txt", format!("{half}{}{half}", line(secret)))
    };
    carriage_return: "lines that end in CR alone", CAUGHT, "YYYYY", |scene, secret| {
        push_file(scene, "a.txt", format!("first\rTOKEN={secret}\rlast\r"))
    };
    split: "token split in two strings", CAUGHT, "-----", |scene, secret| {
        let (head, tail) = secret.split_at(20);
        push_file(scene, "a.js", format!("const t = \"{head}\" + \"{tail}\";\n"))
    };
    utf_16_be: "UTF-16BE", CAUGHT, "", |scene, secret| {
        let wide: Vec<u8> = line(secret).bytes().flat_map(|byte| [0, byte]).collect();
        push_file(scene, "a.txt", wide)
    };
    utf_32: "UTF-32LE", CAUGHT, "", |scene, secret| {
        let wide: Vec<u8> = line(secret).bytes().flat_map(|byte| [byte, 0, 0, 0]).collect();
        push_file(scene, "a.txt", wide)
    };
    base_64_bare: "base64 without padding", CAUGHT, "", |scene, secret| {
        push_file(scene, "a.txt", format!("x = '{}'\n", STANDARD_NO_PAD.encode(line(secret))))
    };
    base_64_url: "base64 for URLs", CAUGHT, "", |scene, secret| {
        push_file(scene, "a.txt", format!("?q={}&r=1\n", URL_SAFE_NO_PAD.encode(format!("{}???>>>", line(secret)))))
    };
    base_64_wrapped: "base64 in lines of 76", CAUGHT, "", |scene, secret| {
        let text = STANDARD.encode(format!("{}{}{}", "some text\n".repeat(9), line(secret), "more\n".repeat(9)));
        let lines: Vec<&str> = (0..text.len()).step_by(76).map(|at| &text[at..text.len().min(at + 76)]).collect();
        push_file(scene, "a.eml", format!("\n{}\n", lines.join("\r\n")))
    };
    hex: "hexadecimal", CAUGHT, "", |scene, secret| push_file(scene, "a.txt", format!("{}\n", hex(secret)));
    hex_escapes: "`\\x41` escapes", CAUGHT, "", |scene, secret| {
        let escaped: String = secret.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        push_file(scene, "a.py", format!("t = \"{escaped}\"\n"))
    };
    unicode_escapes: "`\\u0041` escapes", CAUGHT, "", |scene, secret| {
        let escaped: String = secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        push_file(scene, "a.json", format!("{{\"t\": \"{escaped}\"}}\n"))
    };
    percent: "percent encoding", CAUGHT, "", |scene, secret| {
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        push_file(scene, "a.txt", format!("https://example.com/?t={escaped}\n"))
    };
    entities: "HTML entities", CAUGHT, "", |scene, secret| {
        let escaped: String = secret.bytes().map(|byte| format!("&#{byte};")).collect();
        push_file(scene, "a.html", format!("<p>{escaped}</p>\n"))
    };
    quoted_printable: "quoted-printable with soft line breaks", CAUGHT, "", |scene, secret| {
        let (head, tail) = secret.split_at(18);
        push_file(scene, "a.eml", format!("TOKEN=3D{}=\r\n{tail}\r\n", head.replace('_', "=5F")))
    };
    continued: "line continuation", CAUGHT, "", |scene, secret| {
        let (head, tail) = secret.split_at(20);
        push_file(scene, "a.sh", format!("export T={head}\\\n{tail}\n"))
    };
    character_codes: "list of character codes", CAUGHT, "", |scene, secret| {
        let codes: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
        push_file(scene, "a.js", format!("String.fromCharCode({})\n", codes.join(",")))
    };
    reversed: "reversed", CAUGHT, "", |scene, secret| {
        push_file(scene, "a.py", format!("t = \"{}\"[::-1]\n", secret.chars().rev().collect::<String>()))
    };
    encrypted: "XOR with a key that the program knows", MISSED, "", |scene, secret| {
        let masked: Vec<u8> = secret.bytes().map(|byte| byte ^ 0x5a).collect();
        push_file(scene, "a.py", format!("t = \"{}\"\n", hex(&masked)))
    };
    variables: "token split over variables that are joined later", MISSED, "", |scene, secret| {
        let (head, tail) = secret.split_at(20);
        push_file(scene, "a.js", format!("const a = \"{head}\";\nconst b = \"{tail}\";\nuse(a + b);\n"))
    };
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
