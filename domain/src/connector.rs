//! Services that agents reach through the desk, their tools, and how a call of one is put together.

pub mod http_call;

use serde::{Deserialize, Serialize};

/// How a connector's calls leave the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// A Model Context Protocol server.
    Mcp,
    /// A REST API.
    Http,
    /// The agent runs the tool itself and only asks.
    External,
}

impl ConnectorKind {
    /// The word in files, on screens and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Http => "http",
            Self::External => "external",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Mcp, Self::Http, Self::External].into_iter().find(|kind| kind.word() == word)
    }
}

/// Whether a connector can be reached, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorStatus {
    /// The last check found it well.
    Connected,
    /// The last check failed; the reason says how.
    Error,
    /// Not checked yet, or being checked.
    #[default]
    Checking,
}

impl ConnectorStatus {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Error => "error",
            Self::Checking => "checking",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Connected, Self::Error, Self::Checking].into_iter().find(|status| status.word() == word)
    }
}

/// Where a tool stands with the admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolState {
    /// May be called, as the policies say.
    Ready,
    /// First seen after its connector was set up: waits for an admin's nod.
    New,
    /// Its schema, title or annotations changed since: waits for an admin's nod.
    Changed,
    /// The upstream no longer offers it, or its desk file no longer names it.
    Gone,
}

impl ToolState {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ready, Self::New, Self::Changed, Self::Gone].into_iter().find(|state| state.word() == word)
    }
}

/// How a credential is put into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialPlacement {
    /// `Authorization: Bearer <secret>` (RFC 6750, section 2.1).
    Bearer,
    /// A header of the given name.
    Header,
    /// A query parameter of the given name.
    Query,
    /// `Authorization: Basic <base64>`; the secret is `user:password` (RFC 7617).
    Basic,
}

impl CredentialPlacement {
    /// The word in files and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Header => "header",
            Self::Query => "query",
            Self::Basic => "basic",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Bearer, Self::Header, Self::Query, Self::Basic].into_iter().find(|placement| placement.word() == word)
    }

    /// Whether it needs a name beside the secret.
    #[must_use]
    pub const fn needs_name(self) -> bool {
        matches!(self, Self::Header | Self::Query)
    }
}

/// The longest qualified name that MCP clients take.
pub const QUALIFIED_NAME_LIMIT: usize = 64;

/// Whether this is a connector's slug: `[a-z0-9-]{1,32}`. No `_`, so that a qualified name splits at the first one.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether this can be a tool's name: letters, digits, `_`, `-`, `.` and `/`, 1 to 128 of them.
#[must_use]
pub fn is_tool_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b))
}

/// The name that screens and MCP use.
#[must_use]
pub fn qualified_name(slug: &str, tool: &str) -> String {
    format!("{slug}_{tool}")
}

/// Whether a tool can be offered under its qualified name.
#[must_use]
pub const fn fits_qualified(slug: &str, tool: &str) -> bool {
    slug.len() + 1 + tool.len() <= QUALIFIED_NAME_LIMIT
}

/// A connector's slug and a tool's bare name out of a qualified name.
#[must_use]
pub fn split_qualified(name: &str) -> Option<(&str, &str)> {
    name.split_once('_').filter(|(slug, tool)| is_slug(slug) && !tool.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_qualified_name_splits_into_what_it_was_made_of(slug in "[a-z0-9-]{1,32}", tool in "[a-zA-Z0-9_./-]{1,64}") {
            let name = qualified_name(&slug, &tool);
            prop_assert_eq!(split_qualified(&name), Some((slug.as_str(), tool.as_str())));
        }
    }

    #[test]
    fn a_qualified_name_has_an_end() {
        assert!(fits_qualified("git", &"x".repeat(60)));
        assert!(!fits_qualified("git", &"x".repeat(61)));
    }

    #[test]
    fn a_slug_has_no_capitals_no_underscore_and_an_end() {
        for bad in ["", "Git", "git_hub", "a b", &"x".repeat(33)] {
            assert!(!is_slug(bad), "{bad:?}");
        }
        assert!(is_slug("google-calendar"));
    }
}
