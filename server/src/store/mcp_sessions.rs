//! How MCP clients of the older revisions began their sessions.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::AgentId;

/// Keeps a session's beginning: `initialize` as JSON.
pub async fn insert(
    connection: &mut Connection,
    id_hash: &str,
    agent: AgentId,
    initialize: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "INSERT INTO mcp_sessions (id_hash, agent_id, initialize, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id_hash) DO NOTHING",
    )
    .bind(id_hash.to_owned())
    .bind(agent.to_string())
    .bind(initialize.to_owned())
    .bind(now.millis());
    connection.put_off(statement)
}

/// How an agent's session began.
pub async fn find(connection: &mut Connection, id_hash: &str, agent: AgentId) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT initialize FROM mcp_sessions WHERE id_hash = $1 AND agent_id = $2")
        .bind(id_hash.to_owned())
        .bind(agent.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| row.text("initialize")).transpose()
}

/// Forgets an agent's session.
pub async fn delete(connection: &mut Connection, id_hash: &str, agent: AgentId) -> Result<(), StoreError> {
    let statement = sqlx::query("DELETE FROM mcp_sessions WHERE id_hash = $1 AND agent_id = $2")
        .bind(id_hash.to_owned())
        .bind(agent.to_string());
    connection.put_off(statement)
}

/// Forgets sessions that began before a time.
pub async fn delete_before(connection: &mut Connection, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM mcp_sessions WHERE created_at < $1").bind(at.millis()).execute(connection).await?;
    Ok(())
}
