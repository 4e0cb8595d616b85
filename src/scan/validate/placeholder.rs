//! Values that stand for a secret and are none.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use sha2::{Digest, Sha256};

use super::Opinion;

/// The longest run of one character that a random value of usual length has.
const RUN_MAX: usize = 7;

/// The shortest value that can be a sequence: four characters in a row are chance.
const SEQUENCE_MIN: usize = 6;

/// The longest unit whose repetition makes a placeholder: `abcabcabc`.
const UNIT_MAX: usize = 8;

/// The first eight bytes of the SHA-256 of values that whole documentations and emulators share.
const DOCUMENTED: &[u64] = &[
    0x0011_cc25_eb43_2071, // Azure's storage emulator
    0xaa65_4743_9583_c3a2, // Azure's Cosmos DB emulator
    0x2caf_c097_0149_a84f, // Stripe's documentation
    0xf2d6_ca16_5150_33e5, // Stripe's documentation, before 2018
    0x7f75_367e_7881_2551, // the front page of jwt.io
    0xcf4d_418e_d3de_92d7, // RFC 7617, Aladdin
    0x73f7_1af0_93fd_f154, // RFC 7617, as others spell him
    // Keys in the tests of Firebase's own libraries, and so in every copy of them.
    0x27a9_a429_31df_f7eb,
    0x49f7_77db_995e_8260,
    0xa6c8_14bc_555a_e62c,
    0x8731_261c_b72d_8626,
    0x37f8_f09b_df12_c2f2,
    0xeb54_0d2b_6ee2_a0a4,
    0x2037_abca_ffb2_b777,
    0x3a8b_61d0_f636_b007,
    0x4c98_242d_cadc_8b29,
    0xea9b_b108_2cf9_5663,
    0x3f37_0c9d_d822_5c63,
    0xa19f_89ab_3555_eac1,
    0xe4a5_542b_b7fd_7b67,
    0xdc0f_cf04_6c61_640c,
];

/// Texts that give a placeholder away wherever they stand in it.
static FRAGMENTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(lines(include_str!("../../../config/words/placeholder-fragments.txt")))
        .expect("the shipped list fits an automaton")
});

/// Whole values that are placeholders.
const VALUES: &str = include_str!("../../../config/words/placeholder-values.txt");

/// Lists the entries of a word file: one a line, `#` begins a comment.
pub(super) fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Accepts what is no placeholder.
pub(super) fn refuse(secret: &[u8]) -> Opinion {
    Opinion::pass_if(!is_placeholder(secret), "it is no placeholder")
}

/// Accepts the password of a URI that is none of: empty, placeholder, variable.
pub(super) fn uri_password(password: &[u8]) -> Opinion {
    let real = !password.is_empty() && !is_placeholder(password);
    Opinion::pass_if(real, "the password is no placeholder")
}

/// Says whether providers print this value in their documentation.
pub(super) fn is_documented(secret: &[u8]) -> bool {
    let hash = Sha256::digest(secret);
    let head = hash.first_chunk().copied().map(u64::from_be_bytes);
    secret.ends_with(b"EXAMPLE") || head.is_some_and(|head| DOCUMENTED.contains(&head))
}

pub(super) fn is_placeholder(secret: &[u8]) -> bool {
    is_variable(secret)
        || is_pattern(secret)
        || lines(VALUES).any(|value| secret.eq_ignore_ascii_case(value.as_bytes()))
        || FRAGMENTS.is_match(secret)
        || is_documented(secret)
}

/// Brackets that templates put around the name of a variable.
const BRACKETS: &[(&[u8], &[u8])] =
    &[(b"<", b">"), (b"{", b"}"), (b"[", b"]"), (b"%", b"%"), (b"__", b"__"), (b"(", b")")];

/// How the random part of an example is written in a rule file.
const TEMPLATE: &[u8] = b"{@";

/// `<name>`, `{name}`, `%NAME%`, and variables of the shell.
fn is_variable(secret: &[u8]) -> bool {
    let bracketed = |(open, close): &(&[u8], &[u8])| {
        let inside = secret.strip_prefix(*open).and_then(|rest| rest.strip_suffix(*close));
        inside.is_some_and(|inside| inside.iter().copied().all(is_of_name))
    };
    let is_template = memchr::memmem::find(secret, TEMPLATE).is_some();
    BRACKETS.iter().any(bracketed) || is_shell_variable(secret) || is_template
}

/// Letters, digits and what joins words: a JSON object in braces is no name.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" _-.!?'*".contains(&byte)
}

/// `$NAME` and `$name_of`; a password may begin with `$` and go on as passwords do.
fn is_shell_variable(secret: &[u8]) -> bool {
    let Some(name) = secret.strip_prefix(b"$") else {
        return false;
    };
    let name = name.strip_prefix(b"(").unwrap_or(name);
    let upper = name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let lower = name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
    upper || lower
}

/// One character over and over, a short unit over and over, or the alphabet or digits in a row.
fn is_pattern(secret: &[u8]) -> bool {
    let run = longest_run(secret);
    run > RUN_MAX || run == secret.len() || repeats(secret) || is_sequence(secret)
}

/// Returns the length of the longest run of one character.
fn longest_run(secret: &[u8]) -> usize {
    secret.chunk_by(|left, right| left == right).map(<[u8]>::len).max().unwrap_or(0)
}

fn repeats(secret: &[u8]) -> bool {
    let repeats = |unit: usize| secret.get(unit..) == secret.get(..secret.len() - unit);
    (1..=UNIT_MAX.min(secret.len() / 3)).any(repeats)
}

/// Three quarters of the steps go to the next character: `0123456789abcdef`, `abcdefghij`.
fn is_sequence(secret: &[u8]) -> bool {
    let steps = || secret.iter().zip(secret.iter().skip(1));
    let up = steps().filter(|(left, right)| left.checked_add(1) == Some(**right)).count();
    let down = steps().filter(|(left, right)| right.checked_add(1) == Some(**left)).count();
    secret.len() >= SEQUENCE_MIN && up.max(down) * 4 >= (secret.len() - 1) * 3
}
