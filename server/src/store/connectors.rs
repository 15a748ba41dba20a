//! Connectors, their tools, and the sealed credentials that calls are made with.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::connector::{ConnectorKind, ConnectorStatus, CredentialPlacement, ToolState};
use countersign_domain::ids::{ConnectorId, CredentialId};
use countersign_domain::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;

/// A service that agents reach through the desk.
#[derive(Clone, Debug, PartialEq)]
pub struct Connector {
    /// Which.
    pub id: ConnectorId,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How its calls leave.
    pub kind: ConnectorKind,
    /// Where they go.
    pub settings: ConnectorSettings,
    /// Grows with every change of the settings.
    pub version: i64,
    /// Whether agents may use it.
    pub active: bool,
    /// Whether its tools were listed once; what is first seen later waits for a nod.
    pub discovered: bool,
    /// As last checked.
    pub status: ConnectorStatus,
    /// Why, where it is not well.
    pub status_reason: Option<String>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// Whether a desk file made it.
    pub from_file: bool,
    /// Since when.
    pub created_at: Timestamp,
}

/// Where a connector's calls go. Which fields count depends on the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectorSettings {
    /// `http`: the address that paths are added to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// `mcp`: program and arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `mcp`: the endpoint of a server that is connected to; then there is no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `http`, and `mcp` by URL: whether private addresses are allowed.
    pub allow_private: bool,
    /// `http`: what a check fetches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_path: Option<String>,
}

/// One operation of a connector.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Of which connector.
    pub connector_id: ConnectorId,
    /// Its bare name.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// What it says of itself.
    pub description: Option<String>,
    /// `http`: the method.
    pub method: Option<String>,
    /// `http`: the path template.
    pub path: Option<String>,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// `mcp`: what the upstream hints about it, as it sent it.
    pub annotations: Option<Value>,
    /// `mcp`: the JSON Schema of its structured results. No part of what an admin nods to.
    pub output_schema: Option<Value>,
    /// What an admin nodded to, as a hash.
    pub schema_hash: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether an admin set the effect.
    pub effect_set: bool,
    /// Where it stands with the admins.
    pub state: ToolState,
}

/// A sealed secret. It is opened only when a call is about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// Which.
    pub id: CredentialId,
    /// Of which connector.
    pub connector_id: ConnectorId,
    /// How it is put into a request.
    pub placement: CredentialPlacement,
    /// The header's, parameter's or variable's name.
    pub name: Option<String>,
    /// The environment variable that a desk file took it from.
    pub env: Option<String>,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// Grows when the secret is replaced.
    pub version: i64,
    /// Whether it may be used.
    pub active: bool,
}

fn read_connector(row: &AnyRow) -> Result<Connector, StoreError> {
    Ok(Connector {
        id: row.id("id")?,
        slug: row.text("slug")?,
        name: row.text("name")?,
        kind: row.word("kind", ConnectorKind::from_word)?,
        settings: row.json("settings")?,
        version: row.int("version")?,
        active: row.truth("active")?,
        discovered: row.truth("discovered")?,
        status: row.word("status", ConnectorStatus::from_word)?,
        status_reason: row.maybe_text("status_reason")?,
        checked_at: row.maybe_time("checked_at")?,
        from_file: row.truth("from_file")?,
        created_at: row.time("created_at")?,
    })
}

fn read_tool(row: &AnyRow) -> Result<Tool, StoreError> {
    Ok(Tool {
        connector_id: row.id("connector_id")?,
        name: row.text("name")?,
        title: row.maybe_text("title")?,
        description: row.maybe_text("description")?,
        method: row.maybe_text("method")?,
        path: row.maybe_text("path")?,
        input_schema: row.json("input_schema")?,
        annotations: row.maybe_json("annotations")?,
        output_schema: row.maybe_json("output_schema")?,
        schema_hash: row.text("schema_hash")?,
        effect: row.word("effect", Effect::from_word)?,
        effect_set: row.truth("effect_set")?,
        state: row.word("state", ToolState::from_word)?,
    })
}

fn read_credential(row: &AnyRow) -> Result<Credential, StoreError> {
    Ok(Credential {
        id: row.id("id")?,
        connector_id: row.id("connector_id")?,
        placement: row.word("placement", CredentialPlacement::from_word)?,
        name: row.maybe_text("name")?,
        env: row.maybe_text("env")?,
        sealed: row.blob("sealed")?,
        version: row.int("version")?,
        active: row.truth("active")?,
    })
}

/// All connectors, by name.
pub async fn all(connection: &mut Connection) -> Result<Vec<Connector>, StoreError> {
    let rows = sqlx::query("SELECT * FROM connectors ORDER BY name, id").fetch_all(connection).await?;
    rows.iter().map(read_connector).collect()
}

/// All tools of all connectors, by name.
pub async fn all_tools(connection: &mut Connection) -> Result<Vec<Tool>, StoreError> {
    let rows = sqlx::query("SELECT * FROM tools ORDER BY connector_id, name").fetch_all(connection).await?;
    rows.iter().map(read_tool).collect()
}

/// All credentials that may be used.
pub async fn all_credentials(connection: &mut Connection) -> Result<Vec<Credential>, StoreError> {
    let rows = sqlx::query("SELECT * FROM credentials WHERE active = 1 ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(read_credential).collect()
}

/// Adds a connector.
pub async fn insert(connection: &mut Connection, connector: &Connector) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO connectors (id, slug, name, kind, settings, version, active, discovered, status, from_file,
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(connector.id.to_string())
    .bind(connector.slug.clone())
    .bind(connector.name.clone())
    .bind(connector.kind.word())
    .bind(to_json(&connector.settings)?)
    .bind(connector.version)
    .bind(i64::from(connector.active))
    .bind(i64::from(connector.discovered))
    .bind(connector.status.word())
    .bind(i64::from(connector.from_file))
    .bind(connector.created_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores everything of a connector that may change.
pub async fn update(connection: &mut Connection, connector: &Connector) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE connectors SET name = $2, settings = $3, version = $4, active = $5, discovered = $6, status = $7,
         status_reason = $8, checked_at = $9, from_file = $10 WHERE id = $1",
    )
    .bind(connector.id.to_string())
    .bind(connector.name.clone())
    .bind(to_json(&connector.settings)?)
    .bind(connector.version)
    .bind(i64::from(connector.active))
    .bind(i64::from(connector.discovered))
    .bind(connector.status.word())
    .bind(connector.status_reason.clone())
    .bind(connector.checked_at.map(Timestamp::millis))
    .bind(i64::from(connector.from_file))
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a tool or stores all of it.
pub async fn put_tool(connection: &mut Connection, tool: &Tool) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tools (connector_id, name, title, description, method, path, input_schema, schema_hash, effect,
         effect_set, state, annotations, output_schema)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (connector_id, name) DO UPDATE SET title = excluded.title, description = excluded.description,
         method = excluded.method, path = excluded.path, input_schema = excluded.input_schema,
         schema_hash = excluded.schema_hash, effect = excluded.effect, effect_set = excluded.effect_set,
         state = excluded.state, annotations = excluded.annotations, output_schema = excluded.output_schema",
    )
    .bind(tool.connector_id.to_string())
    .bind(tool.name.clone())
    .bind(tool.title.clone())
    .bind(tool.description.clone())
    .bind(tool.method.clone())
    .bind(tool.path.clone())
    .bind(to_json(&tool.input_schema)?)
    .bind(tool.schema_hash.clone())
    .bind(tool.effect.word())
    .bind(i64::from(tool.effect_set))
    .bind(tool.state.word())
    .bind(tool.annotations.as_ref().map(to_json).transpose()?)
    .bind(tool.output_schema.as_ref().map(to_json).transpose()?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a credential.
pub async fn insert_credential(
    connection: &mut Connection,
    credential: &Credential,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO credentials (id, connector_id, placement, name, env, sealed, version, active, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(credential.id.to_string())
    .bind(credential.connector_id.to_string())
    .bind(credential.placement.word())
    .bind(credential.name.clone())
    .bind(credential.env.clone())
    .bind(credential.sealed.clone())
    .bind(credential.version)
    .bind(i64::from(credential.active))
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores everything of a credential that may change.
pub async fn update_credential(connection: &mut Connection, credential: &Credential) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE credentials SET placement = $2, name = $3, env = $4, sealed = $5, version = $6, active = $7 WHERE id = $1",
    )
    .bind(credential.id.to_string())
    .bind(credential.placement.word())
    .bind(credential.name.clone())
    .bind(credential.env.clone())
    .bind(credential.sealed.clone())
    .bind(credential.version)
    .bind(i64::from(credential.active))
    .execute(connection)
    .await?;
    Ok(())
}
