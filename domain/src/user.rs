//! People with an account: what they are called, what they may do, which groups they stand in.

use serde::{Deserialize, Serialize};

/// What a person may do at the desk. Each word includes the ones before it in rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns agents and sees their own requests.
    #[default]
    Member,
    /// May also decide requests that a flow asks them on.
    Approver,
    /// May also change policies, flows, connectors, agents and people.
    Admin,
}

impl Role {
    /// The word in files, on screens and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Member, Self::Approver, Self::Admin].into_iter().find(|role| role.word() == word)
    }
}

/// Whether this could be an email address: one `@` with something on both sides, no white space, at most 254 octets
/// (RFC 5321, section 4.5.3.1.3). Whether mail arrives there is for the mail to show.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let well_formed = |(local, host): (&str, &str)| !local.is_empty() && !host.is_empty() && !host.contains('@');
    text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(well_formed)
}

/// One spelling per address, so that two accounts cannot differ by case alone.
#[must_use]
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_addresses_from_what_is_none() {
        assert!(is_email("mina@acme.test"));
        for bad in ["", "mina", "@acme.test", "mina@", "a@b@c", "a b@c", "a\n@b"] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    #[test]
    fn an_admin_outranks_an_approver_outranks_a_member() {
        assert!(Role::Admin > Role::Approver && Role::Approver > Role::Member);
    }
}
