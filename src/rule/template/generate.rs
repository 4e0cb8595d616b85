//! The generators of examples, by name.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::dice::Dice;
use super::{TemplateError, count_of, key};

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const DIGIT: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Words of `{@words N}`; each stands in the engine's dictionary too.
pub(super) const WORDS: &[&str] = &[
    "account", "backup", "channel", "database", "example", "factory", "gateway", "handler",
    "internal", "journal", "library", "manager", "network", "option", "package", "query",
    "request", "service", "template", "update", "version", "window",
];

/// Expands `name argument`.
pub(super) fn call(call: &str, dice: &mut Dice) -> Result<Vec<u8>, TemplateError> {
    let (name, argument) = call.split_once(' ').unwrap_or((call, ""));
    let refuse = |takes| TemplateError::Argument {
        name: name.to_owned(),
        argument: argument.to_owned(),
        takes,
    };
    let count = || count_of(argument).ok_or_else(|| refuse("a number"));
    let text = match name {
        "aws-key-id" => aws_key_id(dice),
        "base64" => STANDARD.encode(dice.bytes(count()?)),
        "gcp-json" => gcp_json(dice),
        "github" => github(argument, dice),
        "jwk" => jwk(dice),
        "jwt" => jwt(argument, dice).ok_or_else(|| refuse("nothing or `expired`"))?,
        "openssh" => {
            key::openssh(argument, dice).ok_or_else(|| refuse("nothing or `encrypted`"))?
        }
        "pem" => key::pem(argument, dice).ok_or_else(|| refuse(key::PEM_KINDS))?,
        "pem-line" => {
            let lines = key::pem(argument, dice).ok_or_else(|| refuse(key::PEM_KINDS))?;
            lines.replace('\n', "\\n")
        }
        "pgp" => key::pgp(dice),
        "putty" => key::putty(dice),
        "random" => random(count()?, dice),
        "uuid" => uuid(dice),
        "words" => words(count()?, dice),
        _ => return Err(TemplateError::Generator(name.to_owned())),
    };
    Ok(text.into_bytes())
}

/// Draws 30 characters and appends their CRC-32 as six digits of base 62.
fn github(prefix: &str, dice: &mut Dice) -> String {
    let body = dice.text(BASE62, 30);
    let mut crc = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get((crc % 62) as usize).copied().unwrap_or(b'0');
        crc /= 62;
    }
    format!("{prefix}{body}{}", digits.map(char::from).iter().collect::<String>())
}

/// Draws a long-term key id; its first body character is one that real account numbers give.
fn aws_key_id(dice: &mut Dice) -> String {
    let first = char::from(dice.pick(b"QRSTUVWXYZ234567"));
    format!("AK{}{first}{}", "IA", dice.spread(BASE32, 15))
}

fn jwt(argument: &str, dice: &mut Dice) -> Option<String> {
    let expires = match argument {
        "" => 4_102_444_800_u64,    // the year 2100
        "expired" => 1_000_000_000, // 2001, before there were JWTs
        _ => return None,
    };
    let subject = dice.text(DIGIT, 10);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(
        r#"{{"iss":"https://login.example.org","sub":"{subject}","iat":999990000,"exp":{expires}}}"#
    );
    let signature = URL_SAFE_NO_PAD.encode(dice.bytes(32));
    Some(format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims)))
}

fn jwk(dice: &mut Dice) -> String {
    let mut part = || URL_SAFE_NO_PAD.encode(dice.bytes(32));
    let (x, y, d) = (part(), part(), part());
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}}"#)
}

fn gcp_json(dice: &mut Dice) -> String {
    let project = format!("{}-{}", words(1, dice), dice.text(DIGIT, 6));
    let id = dice.text(HEX, 40);
    let key = key::pem("pkcs8", dice).unwrap_or_default().replace('\n', "\\n");
    let client = dice.text(DIGIT, 21);
    format!(
        "{{\n  \"type\": \"service_account\",\n  \"project_id\": \"{project}\",\n  \
         \"private_key_id\": \"{id}\",\n  \"private_key\": \"{key}\\n\",\n  \
         \"client_email\": \"robot@{project}.iam.gserviceaccount.com\",\n  \
         \"client_id\": \"{client}\",\n  \
         \"token_uri\": \"https://oauth2.googleapis.com/token\"\n}}\n"
    )
}

fn uuid(dice: &mut Dice) -> String {
    let [first, second, third, fourth, fifth] = [8, 4, 3, 3, 12].map(|count| dice.text(HEX, count));
    format!("{first}-{second}-4{third}-a{fourth}-{fifth}")
}

fn words(count: usize, dice: &mut Dice) -> String {
    let mut word = || WORDS.get(dice.below(WORDS.len())).copied().unwrap_or_default();
    (0..count).map(|_| word()).collect::<Vec<_>>().join("-")
}

/// Draws letters and digits that never look like a word: every third is a digit.
fn random(count: usize, dice: &mut Dice) -> String {
    let (upper, lower) = (dice.spread(UPPER, count), dice.spread(LOWER, count));
    let digits = dice.spread(DIGIT, count);
    let kinds = [lower.as_bytes(), digits.as_bytes(), upper.as_bytes()];
    let at = |place: usize| kinds.get(place % 3).and_then(|kind| kind.get(place / 3));
    (0..count).filter_map(at).map(|byte| char::from(*byte)).collect()
}
