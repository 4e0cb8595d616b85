//! An owner and its reasons, as people read them.

use super::{Owner, OwnerConfidence, OwnerSource, OwnerStep};

impl OwnerSource {
    /// Returns the source in words: "CODEOWNERS".
    pub fn words(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Identity => "identity",
            Self::Kind => "kind",
            Self::Path => "path",
            Self::Codeowners => "CODEOWNERS",
            Self::Repository => "repository",
            Self::Default => "default queue",
        }
    }
}

impl OwnerConfidence {
    /// Returns the confidence in words: "high"; "none (unowned)".
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "none (unowned)",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Returns the answer of `pushwarden owner explain`: the owner, then each source that was asked,
/// the one that decided marked by `->`. Ends in a line end.
pub fn explain(owner: &Owner) -> String {
    let mut text = format!(
        "owner       {}\nsource      {}\nconfidence  {}\n\nasked, most believed first:\n",
        owner.name,
        owner.source.words(),
        owner.confidence.words(),
    );
    for step in &owner.chain {
        text.push_str(&line(step, step.source == owner.source));
    }
    text
}

fn line(step: &OwnerStep, decided: bool) -> String {
    let mark = if decided { "->" } else { "  " };
    let source = step.source.words();
    let answer = step.answer.as_deref().unwrap_or("-");
    format!("{mark} {source:<14} {answer:<20} {}\n", step.evidence)
}
