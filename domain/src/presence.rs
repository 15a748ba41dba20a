//! When it matters whether an agent's caller is there, and which asks are the same one.
//!
//! Callers by MCP and hooks lose their answers: their clients give up after a minute, or are killed. The same ask again
//! joins the request that is open; a caller that left before it was given an id to come back with has a while to do so.

use crate::canonical::{Canonical, CanonicalError};
use crate::digest::Digest;
use crate::ids::{AgentId, ConnectorId, CredentialId, UserId};
use crate::request::{Door, RequestState, Target};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// How long after its end a request whose answer nobody heard is still the same ask's.
pub const REJOIN_WINDOW: Duration = Duration::from_secs(10 * 60);
/// How long a caller that left without an id has to come back.
pub const ABSENCE: Duration = Duration::from_secs(2 * 60);
/// The longest that a caller waits before it is given an id; when nobody says that it left, it is missed after that.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Whether a request depends on its caller: nothing of it has begun, and no id was given out to come back with.
#[must_use]
pub const fn needs_caller(door: Door, state: RequestState, ends_approved: bool, has_id: bool) -> bool {
    let not_begun = match state {
        RequestState::Pending => true,
        RequestState::Approved => !ends_approved,
        _ => false,
    };
    door.rejoins() && !has_id && not_begun
}

/// All that must be the same for an ask to join another's request.
#[derive(Clone, Debug, Serialize)]
pub struct Sameness<'a> {
    /// Who asks.
    pub agent: AgentId,
    /// On whose behalf.
    pub requester: UserId,
    /// Through which connector.
    pub connector: ConnectorId,
    /// For which tool.
    pub tool: &'a str,
    /// As it was when asked.
    pub schema_hash: &'a str,
    /// With what; canonical.
    pub arguments: Value,
    /// Where to.
    pub target: &'a Target,
    /// With which credential.
    pub credential: Option<(CredentialId, i64)>,
    /// In which session of a coding agent: what it runs itself is claimed once, so two sessions can't share one leave.
    pub session: Option<&'a str>,
}

impl Sameness<'_> {
    /// What the ask is known by: hex SHA-256 over its JCS (RFC 8785).
    ///
    /// # Errors
    /// When the arguments are no canonical JSON.
    pub fn fingerprint(&self) -> Result<String, CanonicalError> {
        Ok(Digest::of(Canonical::of(self)?.bytes()).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn only_what_has_not_begun_and_gave_out_no_id_needs_its_caller() {
        for state in RequestState::ALL {
            assert!(!needs_caller(Door::Http, state, false, false), "by HTTP nobody is missed");
            assert!(!needs_caller(Door::Mcp, state, false, true), "whoever has an id may be away");
            let waits = matches!(state, RequestState::Pending | RequestState::Approved);
            assert_eq!(needs_caller(Door::Hook, state, false, false), waits, "{state:?}");
        }
        assert!(!needs_caller(Door::Hook, RequestState::Approved, true, false), "there is nothing left to begin");
    }

    #[test]
    fn an_ask_is_the_same_only_if_all_of_it_is() {
        let target = Target::External {};
        let id = Uuid::from_u128;
        let ask = Sameness {
            agent: AgentId(id(1)),
            requester: UserId(id(2)),
            connector: ConnectorId(id(3)),
            tool: "run",
            schema_hash: "00",
            arguments: json!({"a": 1, "b": 2}),
            target: &target,
            credential: Some((CredentialId(id(4)), 1)),
            session: None,
        };
        let known_by = ask.fingerprint().unwrap();
        assert_eq!(known_by, Sameness { arguments: json!({"b": 2, "a": 1}), ..ask.clone() }.fingerprint().unwrap());
        let others = [
            Sameness { agent: AgentId(id(9)), ..ask.clone() },
            Sameness { requester: UserId(id(9)), ..ask.clone() },
            Sameness { connector: ConnectorId(id(9)), ..ask.clone() },
            Sameness { tool: "stop", ..ask.clone() },
            Sameness { schema_hash: "01", ..ask.clone() },
            Sameness { arguments: json!({"a": 1}), ..ask.clone() },
            Sameness { credential: Some((CredentialId(id(4)), 2)), ..ask.clone() },
            Sameness { session: Some("s1"), ..ask.clone() },
        ];
        for other in others {
            assert_ne!(known_by, other.fingerprint().unwrap(), "{other:?}");
        }
    }
}
