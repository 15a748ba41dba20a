//! Programs that ask: their names, whether they may ask at all, and for whom.

use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How many denials in a row let an agent cool down.
pub const DENIALS: u32 = 3;

/// For how long it then asks for nothing that people decide, unless an approver lifts that.
pub const COOL_DOWN: Duration = Duration::from_secs(10 * 60);

/// Whether an agent's key opens the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// May ask.
    #[default]
    Active,
    /// May not ask; what it had approved but not begun does not run.
    Suspended,
}

impl AgentStatus {
    /// The word in the database and on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|status| status.word() == word)
    }
}

/// For whom an agent may ask besides its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct MayActFor {
    /// Emails of users.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

impl MayActFor {
    /// Whether a user with this email and these groups may be named in `on_behalf_of`.
    #[must_use]
    pub fn includes(&self, email: &str, groups: &[String]) -> bool {
        self.users.iter().any(|user| user.eq_ignore_ascii_case(email))
            || self.groups.iter().any(|group| groups.contains(group))
    }
}

/// How long a held call of an agent waits by MCP where nothing else is set, in seconds: most clients give up after 60.
pub const WAIT_BUDGET: u32 = 50;

/// What an agent's wait budget may be, in seconds: an hour at most, for behind a longer wait a client that is gone could
/// not be told from one that is patient.
pub const WAIT_BUDGETS: RangeInclusive<u32> = 1..=3_600;

/// The prefix of an agent's API key; 43 base64url characters of 32 random bytes follow.
pub const KEY_PREFIX: &str = "csk_";

/// Whether this has an API key's shape (nothing about whether it opens anything).
#[must_use]
pub fn is_api_key(text: &str) -> bool {
    text.strip_prefix(KEY_PREFIX).is_some_and(|rest| {
        rest.len() == 43 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// An agent's name: 1 to 64 characters, letters, digits, `-`, `_` and `.`, as it stands in policies and logs.
#[must_use]
pub fn is_agent_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_for_named_users_and_members_of_named_groups_only() {
        let may = MayActFor { users: vec!["Mina@acme.test".into()], groups: vec!["Sales".into()] };
        assert!(may.includes("mina@acme.test", &[]));
        assert!(may.includes("jon@acme.test", &["Sales".into()]));
        assert!(!may.includes("jon@acme.test", &["Platform".into()]));
    }

    #[test]
    fn a_key_is_the_prefix_and_43_characters() {
        assert!(is_api_key(&format!("csk_{}", "a".repeat(43))));
        assert!(!is_api_key(&format!("csk_{}", "a".repeat(42))));
        assert!(!is_api_key(&format!("csx_{}", "a".repeat(43))));
        assert!(!is_api_key(&format!("csk_{}", "+".repeat(43))));
    }
}
