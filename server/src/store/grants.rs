//! Grants: leave for more calls, made by a decision. What a row says counts only as far as votes stand behind it.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::grant::{Bound, GrantKind, Term};
use countersign_domain::ids::{AgentId, GrantId, RequestId, UserId};
use sqlx::any::AnyRow;

/// A stored grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// Which.
    pub id: GrantId,
    /// The request that made it.
    pub request_id: RequestId,
    /// What kind of leave it is.
    pub kind: GrantKind,
    /// What it is bound to.
    pub bound: Bound,
    /// Until when, and where.
    pub term: Term,
    /// Since when.
    pub created_at: Timestamp,
    /// Who took it back.
    pub revoked_by: Option<UserId>,
}

/// Stores a new grant.
pub async fn insert(connection: &mut Connection, grant: &GrantRecord) -> Result<(), StoreError> {
    let bound = &grant.bound;
    let statement = sqlx::query(
        "INSERT INTO grants (id, request_id, kind, agent_id, requester_id, connector_id, connector_version, tool,
         schema_hash, credential_id, credential_version, policy_id, policy_version, session_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(grant.id.to_string())
    .bind(grant.request_id.to_string())
    .bind(grant.kind.word())
    .bind(bound.agent_id.to_string())
    .bind(bound.requester_id.to_string())
    .bind(bound.connector_id.to_string())
    .bind(bound.connector_version)
    .bind(bound.tool.clone())
    .bind(bound.schema_hash.clone())
    .bind(bound.credential.map(|(id, _)| id.to_string()))
    .bind(bound.credential.map(|(_, version)| version))
    .bind(bound.policy.0.to_string())
    .bind(bound.policy.1)
    .bind(grant.term.session_id.clone())
    .bind(grant.created_at.millis())
    .bind(grant.term.expires_at.millis());
    connection.put_off(statement)
}

/// One grant.
pub async fn by_id(connection: &mut Connection, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM grants WHERE id = $1").bind(id.to_string()).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// The grants that a request made, in the order they were made.
pub async fn of_request(connection: &mut Connection, request: RequestId) -> Result<Vec<GrantRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM grants WHERE request_id = $1 ORDER BY created_at, id")
        .bind(request.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// An agent's grants that nothing has ended by themselves, the newest first.
pub async fn running_of_agent(
    connection: &mut Connection,
    agent: AgentId,
    now: Timestamp,
) -> Result<Vec<GrantRecord>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM grants WHERE agent_id = $1 AND expires_at > $2 AND revoked_at IS NULL
         ORDER BY created_at DESC, id DESC",
    )
    .bind(agent.to_string())
    .bind(now.millis())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Those of them that are about one tool.
pub async fn running_for(
    connection: &mut Connection,
    bound: &Bound,
    now: Timestamp,
) -> Result<Vec<GrantRecord>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM grants WHERE agent_id = $1 AND expires_at > $2 AND revoked_at IS NULL
         AND connector_id = $3 AND tool = $4 ORDER BY created_at DESC, id DESC",
    )
    .bind(bound.agent_id.to_string())
    .bind(now.millis())
    .bind(bound.connector_id.to_string())
    .bind(bound.tool.clone())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Takes a grant back; false when it was taken back before.
pub async fn revoke(connection: &mut Connection, id: GrantId, by: UserId, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE grants SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id.to_string())
        .bind(now.millis())
        .bind(by.to_string())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

fn read(row: &AnyRow) -> Result<GrantRecord, StoreError> {
    Ok(GrantRecord {
        id: row.id("id")?,
        request_id: row.id("request_id")?,
        kind: row.word("kind", GrantKind::from_word)?,
        bound: Bound {
            agent_id: row.id("agent_id")?,
            requester_id: row.id("requester_id")?,
            connector_id: row.id("connector_id")?,
            connector_version: row.int("connector_version")?,
            tool: row.text("tool")?,
            schema_hash: row.text("schema_hash")?,
            credential: row.maybe_id("credential_id")?.zip(row.maybe_int("credential_version")?),
            policy: (row.id("policy_id")?, row.int("policy_version")?),
        },
        term: Term {
            session_id: row.maybe_text("session_id")?,
            expires_at: row.time("expires_at")?,
            revoked_at: row.maybe_time("revoked_at")?,
        },
        created_at: row.time("created_at")?,
        revoked_by: row.maybe_id("revoked_by")?,
    })
}
