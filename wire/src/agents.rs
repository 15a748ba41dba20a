//! Agents, for their owners and for admins.

use countersign_domain::Timestamp;
use countersign_domain::agent::{AgentStatus, MayActFor};
use countersign_domain::ids::AgentId;
use serde::{Deserialize, Serialize};

/// One agent in `GET /api/agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRow {
    /// Which.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its owner's name.
    pub owner: String,
    /// Its owner's address.
    pub owner_email: String,
    /// Active or suspended.
    pub status: AgentStatus,
    /// The slugs of the connectors that it may use; null means all.
    pub connectors: Option<Vec<String>>,
    /// For whom it may ask besides its owner.
    pub may_act_for: MayActFor,
    /// How long its held calls wait by MCP before it is told to come back, in seconds.
    pub wait_budget_seconds: u32,
    /// The beginning of its API key, to tell keys apart; null without one.
    pub key_hint: Option<String>,
    /// Whether a public key is registered for signed tokens.
    pub has_public_key: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last asked.
    pub last_seen_at: Option<Timestamp>,
    /// Until when it may ask for nothing that people decide, after several denials in a row.
    #[serde(default)]
    pub cools_until: Option<Timestamp>,
    /// Where it hears that its requests moved.
    #[serde(default)]
    pub callback_url: Option<String>,
}

/// `POST /api/agents`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentBody {
    /// Its name, unique: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Its owner's address; the reader when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A PEM public key for signed tokens, instead of an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The slugs of the connectors that it may use; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectors: Option<Vec<String>>,
    /// For whom it may ask besides its owner.
    #[serde(default)]
    pub may_act_for: MayActFor,
    /// How long its held calls wait by MCP, 1 to 3600 seconds; 50 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_budget_seconds: Option<u32>,
    /// Where it hears that its requests moved: an https address outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

/// `PUT /api/agents/{id}/callback`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackBody {
    /// Where the agent hears that its requests moved, with a new secret; null ends that.
    pub callback_url: Option<String>,
}

/// `PATCH /api/agents/{id}`; what is left out stays.
#[derive(Clone, Debug, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct AgentChange {
    /// Suspend or let in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AgentStatus>,
    /// The slugs of the connectors that it may use from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connectors: Option<Vec<String>>,
    /// For whom it may ask from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_act_for: Option<MayActFor>,
    /// How long its held calls wait by MCP from now on, 1 to 3600 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_budget_seconds: Option<u32>,
}

/// The answer of `POST /api/agents`, `POST /api/agents/{id}/key` and `PUT /api/agents/{id}/callback`: key and secret are
/// shown this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct AgentCreated {
    /// The agent.
    pub agent: AgentRow,
    /// Its key; null when it signs its own tokens or keeps the one that it has.
    pub key: Option<String>,
    /// What calls to its callback are signed with (Standard Webhooks); null when that is not new.
    #[serde(default)]
    pub callback_secret: Option<String>,
}
