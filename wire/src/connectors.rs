//! Connectors and their tools, for people.

use countersign_domain::connector::{ConnectorKind, ConnectorStatus, ToolState};
use countersign_domain::ids::ConnectorId;
use countersign_domain::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One connector in `GET /api/connectors`; with its tools in `GET /api/connectors/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectorRow {
    /// Which.
    pub id: ConnectorId,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How its calls leave.
    pub kind: ConnectorKind,
    /// Whether agents may use it.
    pub active: bool,
    /// Where it goes: a base URL, an MCP server's URL or a command.
    pub target: String,
    /// As last checked.
    pub status: ConnectorStatus,
    /// Why, where it is not well.
    pub status_reason: Option<String>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// How its credential is placed, as `bearer` or `header X-Key`; null without one. The secret is never told.
    pub credential: Option<String>,
    /// Its tools.
    pub tools: Vec<ToolRow>,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolRow {
    /// Its bare name.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// What it says of itself.
    pub description: Option<String>,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether an admin set the effect, rather than it being a first guess.
    pub effect_set: bool,
    /// Where it stands with the admins.
    pub state: ToolState,
    /// What a nod to it names: SHA-256 of its name, description and schema as it offers them, hex.
    pub schema_hash: String,
    /// The method and path of an HTTP tool.
    pub route: Option<String>,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
}

/// `PATCH /api/connectors/{id}/tools` (the tool's name is in the body, since it may hold a slash).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolChange {
    /// Which tool.
    pub tool: String,
    /// A new effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// `true` is the admin's nod to a new or changed tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// With the nod: the `schema_hash` of what was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_hash: Option<String>,
}

/// `PATCH /api/connectors/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorChange {
    /// Whether agents may use it.
    pub active: bool,
}
