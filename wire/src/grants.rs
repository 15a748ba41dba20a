//! Grants, for whoever may end them.

use countersign_domain::Timestamp;
use countersign_domain::card::Segment;
use countersign_domain::grant::GrantKind;
use countersign_domain::ids::{AgentId, GrantId, RequestId};
use serde::{Deserialize, Serialize};

/// One grant in `GET /api/grants`, which lists those that hold, and on the cards of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// Which.
    pub id: GrantId,
    /// For an hour, for a session, or out of an ask for access.
    pub kind: GrantKind,
    /// Whose calls it lets through.
    pub agent_id: AgentId,
    /// That agent's name.
    pub agent: String,
    /// The name of the one on whose behalf.
    pub requester: String,
    /// The connector's name.
    pub connector: String,
    /// The tool's qualified name, escaped.
    pub tool: Vec<Segment>,
    /// The tool's bare name.
    pub tool_name: String,
    /// Who approved it.
    pub made_by: Vec<String>,
    /// The request that it was made by.
    pub request_id: RequestId,
    /// The coding agent's session that it holds in, escaped; empty when it holds in all.
    pub session: Vec<Segment>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// Whether it holds now.
    pub live: bool,
    /// Why not, in a sentence, where not.
    pub why_not: Option<String>,
    /// Whether the reader may take it back.
    pub may_revoke: bool,
}
