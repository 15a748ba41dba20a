//! The record: what was decided, by whom, and what came of it. A row is a leaf of an RFC 6962 tree.

use countersign_domain::Timestamp;
use countersign_domain::canonical::{Canonical, CanonicalError};
use countersign_domain::ids::{AgentId, RequestId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An agent.
    Agent(AgentId),
    /// A person.
    User(UserId),
    /// Somebody without an account, at this address.
    Outside(String),
    /// A policy, or the clock.
    Desk,
    /// Somebody at the command line.
    Cli(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(id) => write!(f, "agent:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Outside(address) => write!(f, "external:{address}"),
            Self::Desk => f.write_str("desk"),
            Self::Cli(user) => write!(f, "cli:{user}"),
        }
    }
}

/// A row to be.
#[derive(Clone, Debug)]
pub struct Entry {
    at: Timestamp,
    actor: Actor,
    action: &'static str,
    request_id: Option<RequestId>,
    subject: String,
    metadata: Value,
}

impl Entry {
    /// What happened to something that has a name or an id.
    #[must_use]
    pub fn new(now: Timestamp, actor: Actor, action: &'static str, subject: impl fmt::Display) -> Self {
        Self { at: now, actor, action, request_id: None, subject: subject.to_string(), metadata: json!({}) }
    }

    /// What happened to a request.
    #[must_use]
    pub fn of_request(now: Timestamp, actor: Actor, action: &'static str, request: RequestId) -> Self {
        Self { request_id: Some(request), ..Self::new(now, actor, action, request) }
    }

    /// With more about it. Never a secret, an argument or a result: those are sealed, this is not.
    #[must_use]
    pub fn with(mut self, metadata: Value) -> Self {
        self.metadata = metadata;
        self
    }

    pub(crate) fn numbered(self, seq: i64) -> Row {
        Row {
            seq,
            at: self.at.millis(),
            actor: self.actor.to_string(),
            action: self.action.to_owned(),
            request_id: self.request_id,
            subject: self.subject,
            metadata: self.metadata,
        }
    }
}

/// A row of the record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its number; there are no gaps.
    pub seq: i64,
    /// When, in milliseconds.
    pub at: i64,
    /// Who: `user:<id>`, `external:<address>`, `agent:<id>`, `desk`, `cli:<os user>`.
    pub actor: String,
    /// What: `approval.approved` and so on.
    pub action: String,
    /// Of which request.
    pub request_id: Option<RequestId>,
    /// Of what.
    pub subject: String,
    /// More about it.
    pub metadata: Value,
}

impl Row {
    /// `SHA-256(0x00 || JCS(row))`, hex (RFC 6962, section 2.1: the hash of a leaf).
    ///
    /// # Errors
    /// Never in practice: rows hold what JCS can write.
    pub fn leaf_hash(&self) -> Result<String, CanonicalError> {
        let canonical = Canonical::of(self)?;
        Ok(hex::encode(Sha256::new().chain_update([0]).chain_update(canonical.bytes()).finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_changes_with_any_field() {
        let now = Timestamp::from_millis(5);
        let row = Entry::new(now, Actor::Desk, "policy.created", "x").with(json!({"a": 1})).numbered(1);
        let changes: [fn(&mut Row); 6] = [
            |r| r.seq = 2,
            |r| r.at = 6,
            |r| r.actor = "cli:root".into(),
            |r| r.action = "policy.updated".into(),
            |r| r.subject = "y".into(),
            |r| r.metadata = json!({"a": 2}),
        ];
        for change in changes {
            let mut other = row.clone();
            change(&mut other);
            assert_ne!(other.leaf_hash().unwrap(), row.leaf_hash().unwrap());
        }
    }
}
