//! Policies and flows, for people.

use countersign_domain::Timestamp;
use countersign_domain::flow::FlowBody;
use countersign_domain::ids::{FlowId, PolicyId};
use countersign_domain::policy::PolicyBody;
use serde::{Deserialize, Serialize};

/// One policy in `GET /api/policies`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// Which.
    pub id: PolicyId,
    /// Its version.
    pub version: i64,
    /// Whether it is looked at.
    pub active: bool,
    /// What it says.
    #[serde(flatten)]
    pub body: PolicyBody,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whether a desk file made it.
    pub from_file: bool,
}

/// `PATCH /api/policies/{id}`: switch on or off. `POST` and `PUT` take a [`PolicyBody`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// Whether it is looked at.
    pub active: bool,
}

/// One flow in `GET /api/flows`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowRow {
    /// Which.
    pub id: FlowId,
    /// Its version.
    pub version: i64,
    /// Whether it is the desk's default.
    pub is_default: bool,
    /// The policies that hold calls by it, by name.
    #[serde(default)]
    pub used_by: Vec<String>,
    /// Whether a desk file made it.
    #[serde(default)]
    pub from_file: bool,
    /// What it says.
    #[serde(flatten)]
    pub body: FlowBody,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
