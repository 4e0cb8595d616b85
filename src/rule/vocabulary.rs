//! The names that rule files may use, and the shape of what stands beside each.
//!
//! The loader checks rules against these lists; the functions behind the names live in
//! [`crate::scan`] and, for generators, in [`super::template`]. Tests on both sides hold lists and
//! functions equal, so a new validator is one function and one line here.

/// What a validator takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Nothing: written `name = true`.
    Nothing,
    /// A number from the first to the second, both included.
    Number(f64, f64),
    /// A whole number from the first to the second, both included.
    Count(u32, u32),
    /// One of these names.
    OneOf(&'static [&'static str]),
}

/// The validators, in the order of their names.
pub const VALIDATORS: &[(&str, Shape)] = &[
    ("aws_key_id", Shape::Nothing),
    ("base64", Shape::Count(1, 65_536)),
    ("base64_json", Shape::Nothing),
    ("checksum", Shape::OneOf(CHECKSUMS)),
    ("entropy", Shape::Number(0.0, 8.0)),
    ("hex", Shape::Nothing),
    ("jwt", Shape::Nothing),
    ("length", Shape::Count(1, 65_536)),
    ("live", Shape::Nothing),
    ("mixed", Shape::Nothing),
    ("not_placeholder", Shape::Nothing),
    ("not_public", Shape::Nothing),
    ("not_word", Shape::Nothing),
    ("pem", Shape::Nothing),
    ("uri_password", Shape::Nothing),
];

/// The checksum schemes.
pub const CHECKSUMS: &[&str] = &["github"];

/// The decoders of facts, in the order of their names.
pub const DECODERS: &[&str] =
    &["aws-account", "base64", "jwt-expires", "jwt-issuer", "jwt-subject", "lower", "percent"];

/// The generators of examples, in the order of their names.
pub const GENERATORS: &[&str] = &[
    "aws-key-id",
    "base64",
    "gcp-json",
    "github",
    "jwk",
    "jwt",
    "openssh",
    "pem",
    "pem-line",
    "pgp",
    "putty",
    "random",
    "uuid",
    "words",
];

/// Finds the shape of a validator's argument.
pub fn validator(name: &str) -> Option<Shape> {
    let (_, shape) = VALIDATORS.iter().find(|(known, _)| *known == name)?;
    Some(*shape)
}

impl Shape {
    /// Returns an argument of this shape, for messages.
    pub fn example(self) -> &'static str {
        match self {
            Self::Nothing => "true",
            Self::Number(..) => "3.5",
            Self::Count(..) => "32",
            Self::OneOf(names) => names.first().copied().unwrap_or_default(),
        }
    }
}
