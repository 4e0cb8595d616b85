//! The rule files inside the program: one line for each file of `config/rules`.

/// Path as messages show it, and text.
const FILES: &[(&str, &str)] = &[
    ("config/rules/ai-services.toml", include_str!("../../config/rules/ai-services.toml")),
    ("config/rules/ai.toml", include_str!("../../config/rules/ai.toml")),
    ("config/rules/authorization.toml", include_str!("../../config/rules/authorization.toml")),
    ("config/rules/aws.toml", include_str!("../../config/rules/aws.toml")),
    ("config/rules/azure.toml", include_str!("../../config/rules/azure.toml")),
    (
        "config/rules/business-services.toml",
        include_str!("../../config/rules/business-services.toml"),
    ),
    ("config/rules/chat.toml", include_str!("../../config/rules/chat.toml")),
    ("config/rules/ci.toml", include_str!("../../config/rules/ci.toml")),
    ("config/rules/code-hosts.toml", include_str!("../../config/rules/code-hosts.toml")),
    (
        "config/rules/connection-strings.toml",
        include_str!("../../config/rules/connection-strings.toml"),
    ),
    (
        "config/rules/developer-services.toml",
        include_str!("../../config/rules/developer-services.toml"),
    ),
    ("config/rules/gcp.toml", include_str!("../../config/rules/gcp.toml")),
    ("config/rules/generic.toml", include_str!("../../config/rules/generic.toml")),
    ("config/rules/github.toml", include_str!("../../config/rules/github.toml")),
    ("config/rules/gitlab.toml", include_str!("../../config/rules/gitlab.toml")),
    ("config/rules/infrastructure.toml", include_str!("../../config/rules/infrastructure.toml")),
    ("config/rules/mail.toml", include_str!("../../config/rules/mail.toml")),
    ("config/rules/observability.toml", include_str!("../../config/rules/observability.toml")),
    ("config/rules/packages.toml", include_str!("../../config/rules/packages.toml")),
    ("config/rules/payments.toml", include_str!("../../config/rules/payments.toml")),
    (
        "config/rules/platform-services.toml",
        include_str!("../../config/rules/platform-services.toml"),
    ),
    ("config/rules/private-keys.toml", include_str!("../../config/rules/private-keys.toml")),
    (
        "config/rules/secrets-platforms.toml",
        include_str!("../../config/rules/secrets-platforms.toml"),
    ),
    (
        "config/rules/services-by-prefix.toml",
        include_str!("../../config/rules/services-by-prefix.toml"),
    ),
    ("config/rules/slack.toml", include_str!("../../config/rules/slack.toml")),
    (
        "config/rules/software-services.toml",
        include_str!("../../config/rules/software-services.toml"),
    ),
    ("config/rules/system-files.toml", include_str!("../../config/rules/system-files.toml")),
    ("config/rules/tokens.toml", include_str!("../../config/rules/tokens.toml")),
];

pub(super) fn files() -> Vec<(String, String)> {
    FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Ruleset;

    #[test]
    fn no_file_is_forgotten() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = std::fs::read_dir(root.join("config/rules")).unwrap();
        let mut on_disk: Vec<String> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.as_bytes().ends_with(b".toml"))
            .map(|name| format!("config/rules/{name}"))
            .collect();
        on_disk.sort();
        let listed: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, on_disk, "list every file of config/rules in src/rule/shipped.rs");
    }

    #[test]
    fn they_load() {
        if let Err(errors) = Ruleset::shipped() {
            let lines: Vec<String> =
                errors.iter().map(|error| format!("{error}\n{}", error.excerpt())).collect();
            panic!("{}", lines.join("\n"));
        }
    }
}
