//! What a tool does to the world: reads it, writes to it, or destroys something in it.

use serde::{Deserialize, Serialize};

/// A tool's effect, set by an admin and first guessed from annotations. Unknown counts as destructive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes or adds something.
    Write,
    /// May lose something for good.
    #[default]
    Destructive,
}

impl Effect {
    /// The word on badges, in policies and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }

    /// From the database's or a file's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Destructive].into_iter().find(|effect| effect.word() == word)
    }

    /// The first guess from MCP tool annotations (MCP 2025-06-18, "Tool annotations"), which are hints from an
    /// upstream that we don't trust: whatever is not said counts as the worst.
    #[must_use]
    pub const fn guess(read_only_hint: Option<bool>, destructive_hint: Option<bool>) -> Self {
        match (read_only_hint, destructive_hint) {
            (Some(true), _) => Self::Read,
            (_, Some(false)) => Self::Write,
            _ => Self::Destructive,
        }
    }

    /// The first guess for an HTTP tool from its method: only a safe one (RFC 9110, section 9.2.1) says that it changes
    /// nothing, and none says that nothing is lost.
    #[must_use]
    pub fn of_method(method: &str) -> Self {
        match method {
            "GET" | "HEAD" => Self::Read,
            _ => Self::Destructive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_safe_method_is_guessed_to_be_harmless() {
        for safe in ["GET", "HEAD"] {
            assert_eq!(Effect::of_method(safe), Effect::Read);
        }
        for other in ["POST", "PUT", "PATCH", "DELETE", "get", ""] {
            assert_eq!(Effect::of_method(other), Effect::Destructive, "{other:?}");
        }
    }
}
