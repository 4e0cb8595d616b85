use super::*;
use crate::rule::{template, vocabulary};

/// 2025, between the two kinds of tokens that `{@jwt}` makes.
const NOW_S: u64 = 1_750_000_000;

/// Expands a template and lets one validator judge it.
fn opinion(name: &str, argument: Option<&Argument>, template: &str) -> Opinion {
    let secret = template::expand(template).unwrap();
    let validator = Validator { name: name.to_owned(), argument: argument.cloned() };
    let evidence = Evidence { secret: &secret, matched: &secret, now_s: NOW_S };
    check(&validator).unwrap().ask(&evidence)
}

#[track_caller]
fn accepts(name: &str, argument: Option<&Argument>, templates: &[&str]) {
    for template in templates {
        let opinion = opinion(name, argument, template);
        assert!(matches!(opinion, Opinion::Pass(_)), "{name} {template}: {opinion:?}");
    }
}

#[track_caller]
fn refuses(name: &str, argument: Option<&Argument>, templates: &[&str]) {
    for template in templates {
        assert_eq!(opinion(name, argument, template), Opinion::Refuse, "{name} {template}");
    }
}

#[test]
fn the_registry_is_the_vocabulary() {
    let tests: Vec<&str> = TESTS.iter().map(|(name, _)| *name).collect();
    let names: Vec<&str> = vocabulary::VALIDATORS.iter().map(|(name, _)| *name).collect();
    assert_eq!(tests, names);
}

#[test]
fn a_checksum_tells_tokens_from_noise() {
    let scheme = Argument::Text("github".to_owned());
    let scheme = Some(&scheme);
    accepts("checksum", scheme, &["{@github ghp_}", "{@github npm_}", "{@github }"]);
    refuses("checksum", scheme, &["ghp_{A-Za-z0-9:36}", "ghp_", "", "{@github ghp_}x"]);
}

/// The body and sum of a published dummy: thirty zeroes and the base62 of their CRC-32.
#[test]
fn the_checksum_is_zero_padded() {
    let zeroes = "0".repeat(30);
    let mut crc = crc32fast::hash(zeroes.as_bytes());
    let mut digits = Vec::new();
    for _ in 0..6 {
        let digit = u8::try_from(crc % 62).unwrap();
        digits.insert(
            0,
            match digit {
                0..10 => b'0' + digit,
                10..36 => b'A' + digit - 10,
                _ => b'a' + digit - 36,
            },
        );
        crc /= 62;
    }
    let token = format!("ghp_{zeroes}{}", String::from_utf8(digits).unwrap());
    accepts("checksum", Some(&Argument::Text("github".to_owned())), &[&token]);
}

#[test]
fn a_jwt_has_three_parts_that_decode() {
    accepts("jwt", None, &["{@jwt}"]);
    assert_eq!(opinion("jwt", None, "{@jwt expired}"), Opinion::Doubt("the token has expired"));
    refuses("jwt", None, &["", "a.b.c", "{A-Za-z0-9:20}.{A-Za-z0-9:20}.{A-Za-z0-9:20}"]);
}

#[test]
fn private_keys_parse_and_other_things_do_not() {
    accepts(
        "pem",
        None,
        &[
            "{@pem rsa}",
            "{@pem ec}",
            "{@pem dsa}",
            "{@pem pkcs8}",
            "{@pem-line rsa}",
            "key: \"{@pem-line pkcs8}\\n\",",
            "{@openssh}",
            "{@pgp}",
            "{@putty}",
        ],
    );
    let header = |label: &str, body: &str| format!("-----{} {label}-----\n{body}\n-----", "BEGIN");
    let refused = [
        header("RSA PRIVATE KEY", "..."),
        header("RSA PRIVATE KEY", "{@base64 300}"),
        header("PRIVATE KEY", ""),
        header("OPENSSH PRIVATE KEY", "{@base64 300}"),
        header("PGP PRIVATE KEY BLOCK", "AAAA"),
        header("ENCRYPTED PRIVATE KEY", "{@base64 300}"),
        header("CERTIFICATE", "{@base64 300}"),
        header("PUBLIC KEY", "{@base64 300}"),
        "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPrivate-Lines: 1\n".to_owned(),
        String::new(),
    ];
    refuses("pem", None, &refused.each_ref().map(String::as_str));
}

#[test]
fn the_encryption_that_openssl_once_had_is_known() {
    let text = format!(
        "-----{} RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{{0-9A-F:32}}\n\n\
         {{@base64 640}}\n-----END RSA PRIVATE KEY-----",
        "BEGIN"
    );
    for encrypted in [text.as_str(), "{@pem encrypted}", "{@openssh encrypted}"] {
        let opinion = opinion("pem", None, encrypted);
        assert_eq!(opinion, Opinion::Doubt("the key parses; it is encrypted"), "{encrypted}");
    }
}

/// Judges the second template after the first: `name = `, and what is assigned to it.
fn opinion_on(before: &str, secret: &str) -> Opinion {
    let secret = template::expand(secret).unwrap();
    let matched = [before.as_bytes(), &secret].concat();
    let validator = Validator { name: "not_public".to_owned(), argument: None };
    check(&validator).unwrap().ask(&Evidence { secret: &secret, matched: &matched, now_s: NOW_S })
}

#[test]
fn a_name_tells_what_is_public() {
    for (before, secret) in [
        ("PublicKeyToken=", "{0-9a-f:16}"),
        ("credentials-id: ", "{@uuid}"),
        ("\"kms_key_id\": \"", "{@uuid}"),
        ("encrypted_key: '", "{@base64 32}"),
    ] {
        assert_eq!(opinion_on(before, secret), Opinion::Refuse, "{before}");
    }
    for (before, secret) in
        [("STRIPE_PUBLIC_KEY=", "{@random 32}"), ("LOG_PASSWORD_SHA256=", "{0-9a-f:64}")]
    {
        assert!(matches!(opinion_on(before, secret), Opinion::Doubt(_)), "{before}");
    }
    for (before, secret) in
        [("api_token: ", "{@uuid}"), ("secret_key = ", "{@random 32}"), ("key_id=", "{@random 20}")]
    {
        assert!(matches!(opinion_on(before, secret), Opinion::Pass(_)), "{before}");
    }
}

/// The head of a `SubjectPublicKeyInfo` for RSA, of 94 bytes in all.
#[test]
fn a_public_key_is_known_by_its_structure() {
    let head = [0x30, 92, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let key = [&head[..], &[3, 75], &[7; 75]].concat();
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key);
    assert_eq!(opinion("not_public", None, &text), Opinion::Refuse);
    accepts("not_public", None, &["{@base64 94}", "MFww{@random 80}"]);
}

#[test]
fn test_systems_mark_their_keys() {
    accepts("live", None, &["{@random 32}", "pdl_live_{@random 32}", "sandboxes{@random 20}"]);
    for marked in ["sbx_{@random 32}", "pdl_sdbx_{@random 32}", "key-sandbox-{@random 20}"] {
        assert!(matches!(opinion("live", None, marked), Opinion::Doubt(_)), "{marked}");
    }
}

#[test]
fn an_aws_key_id_decodes_and_is_not_that_of_the_documentation() {
    accepts("aws_key_id", None, &["{@aws-key-id}"]);
    refuses(
        "aws_key_id",
        None,
        &["AKIA{A-Z:9}EXAMPLE", "AKIA{0-1:16}", "AKIA", "", "AKIA{A-Z:17}"],
    );
    // Account 000000000042 in bits: 42 << 7 in the first six bytes of the body, top bit set.
    let account = aws_account(b"AKIAQAAAAAKQAAAAAAAA").unwrap();
    assert_eq!(account.len(), 12);
}

#[test]
fn encodings_are_checked() {
    accepts("hex", None, &["{0-9a-f:40}", "{0-9A-F:3}"]);
    refuses("hex", None, &["{g-z:40}"]);
    accepts("mixed", None, &["a1", "{@random 12}"]);
    refuses("mixed", None, &["{a-z:20}", "{0-9:20}", "----"]);
    accepts("length", Some(&Argument::Number(20.0)), &["{a-z:20}"]);
    refuses("length", Some(&Argument::Number(20.0)), &["{a-z:21}", ""]);
    accepts("base64", Some(&Argument::Number(32.0)), &["{@base64 32}"]);
    refuses("base64", Some(&Argument::Number(32.0)), &["{@base64 33}", "!", ""]);
    accepts("base64_json", None, &["eyJhIjoxfQ", "eyJhIjoxfQ==", "W10="]);
    refuses("base64_json", None, &["{@base64 32}", "MQ==", ""]);
    accepts("entropy", Some(&Argument::Number(3.5)), &["{@random 20}"]);
    refuses(
        "entropy",
        Some(&Argument::Number(3.5)),
        &["aaaaaaaaaaaaaaaaaaab", "", "abababababababab"],
    );
}

#[test]
fn placeholders_are_told_from_secrets() {
    let placeholders = [
        "changeme",
        "YOUR_API_KEY",
        "${{SECRET}}",
        "$SECRET_NAME",
        "$(cat secret)",
        "<your token>",
        "{{{{ vault_password }}}}",
        "%PASSWORD%",
        "process.env.TOKEN",
        "xxxxxxxxxxxxxxxx",
        "****************",
        "0123456789abcdef",
        "abcabcabcabc",
        "00000000000000000000",
        "AKIA{A-Z:9}EXAMPLE",
        "password",
        "",
    ];
    refuses("not_placeholder", None, &placeholders);
    refuses("uri_password", None, &placeholders);
    let secrets = [
        "{@random 20}",
        "{0-9a-f:40}",
        "{@base64 32}",
        "{A-Za-z0-9:16}",
        "Tr0ub4dor&3",
        "$2y-pa55",
    ];
    accepts("not_placeholder", None, &secrets);
    accepts("uri_password", None, &secrets);
}
