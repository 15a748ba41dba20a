//! Agents, and the token ids that they have used.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::agent::{AgentStatus, MayActFor, WAIT_BUDGET};
use countersign_domain::ids::{AgentId, UserId};
use sqlx::any::AnyRow;
use std::time::Duration;

/// A program that asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Which.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Whose.
    pub owner_id: UserId,
    /// Active or suspended.
    pub status: AgentStatus,
    /// SHA-256 of its API key, hex.
    pub key_hash: Option<String>,
    /// The key's first characters.
    pub key_hint: Option<String>,
    /// The PEM public key that its tokens are checked with.
    pub public_key: Option<String>,
    /// The slugs that it may use; none means all.
    pub connectors: Option<Vec<String>>,
    /// For whom it may ask besides its owner.
    pub may_act_for: MayActFor,
    /// How long its held calls wait by MCP, in seconds; none means [`WAIT_BUDGET`].
    pub wait_budget_seconds: Option<u32>,
    /// Whether a desk file made it.
    pub from_file: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last asked.
    pub last_seen_at: Option<Timestamp>,
    /// Until when it may ask for nothing that people decide.
    pub cools_until: Option<Timestamp>,
    /// Where it hears that its requests moved.
    pub callback: Option<Callback>,
}

/// Where an agent hears that its requests moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The address.
    pub url: String,
    /// What calls are signed with, sealed.
    pub secret: Vec<u8>,
}

impl Agent {
    /// How long its held calls wait by MCP, in seconds.
    #[must_use]
    pub fn wait_budget(&self) -> u32 {
        self.wait_budget_seconds.unwrap_or(WAIT_BUDGET)
    }
}

fn read(row: &AnyRow) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: row.id("id")?,
        name: row.text("name")?,
        owner_id: row.id("owner_id")?,
        status: row.word("status", AgentStatus::from_word)?,
        key_hash: row.maybe_text("key_hash")?,
        key_hint: row.maybe_text("key_hint")?,
        public_key: row.maybe_text("public_key")?,
        connectors: row.maybe_json("connectors")?,
        may_act_for: row.json("may_act_for")?,
        wait_budget_seconds: row.maybe_int("wait_budget_seconds")?.and_then(|seconds| u32::try_from(seconds).ok()),
        from_file: row.truth("from_file")?,
        created_at: row.time("created_at")?,
        last_seen_at: row.maybe_time("last_seen_at")?,
        cools_until: row.maybe_time("cools_until")?,
        callback: match (row.maybe_text("callback_url")?, row.maybe_blob("callback_secret")?) {
            (Some(url), Some(secret)) => Some(Callback { url, secret }),
            _ => None,
        },
    })
}

/// All agents, in the order they came.
pub async fn all(connection: &mut Connection) -> Result<Vec<Agent>, StoreError> {
    let rows = sqlx::query("SELECT * FROM agents ORDER BY created_at, id").fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// Adds an agent.
pub async fn insert(connection: &mut Connection, agent: &Agent) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO agents (id, name, owner_id, status, key_hash, key_hint, public_key, connectors, may_act_for,
         from_file, created_at, wait_budget_seconds, callback_url, callback_secret)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(agent.id.to_string())
    .bind(agent.name.clone())
    .bind(agent.owner_id.to_string())
    .bind(agent.status.word())
    .bind(agent.key_hash.clone())
    .bind(agent.key_hint.clone())
    .bind(agent.public_key.clone())
    .bind(agent.connectors.as_ref().map(to_json).transpose()?)
    .bind(to_json(&agent.may_act_for)?)
    .bind(i64::from(agent.from_file))
    .bind(agent.created_at.millis())
    .bind(agent.wait_budget_seconds.map(i64::from))
    .bind(agent.callback.as_ref().map(|callback| callback.url.clone()))
    .bind(agent.callback.as_ref().map(|callback| callback.secret.clone()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores everything of an agent that may change.
pub async fn update(connection: &mut Connection, agent: &Agent) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE agents SET owner_id = $2, status = $3, key_hash = $4, key_hint = $5, public_key = $6, connectors = $7,
         may_act_for = $8, from_file = $9, wait_budget_seconds = $10, callback_url = $11, callback_secret = $12 WHERE id = $1",
    )
    .bind(agent.id.to_string())
    .bind(agent.owner_id.to_string())
    .bind(agent.status.word())
    .bind(agent.key_hash.clone())
    .bind(agent.key_hint.clone())
    .bind(agent.public_key.clone())
    .bind(agent.connectors.as_ref().map(to_json).transpose()?)
    .bind(to_json(&agent.may_act_for)?)
    .bind(i64::from(agent.from_file))
    .bind(agent.wait_budget_seconds.map(i64::from))
    .bind(agent.callback.as_ref().map(|callback| callback.url.clone()))
    .bind(agent.callback.as_ref().map(|callback| callback.secret.clone()))
    .execute(connection)
    .await?;
    Ok(())
}

/// How much an agent asks of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// How many of its requests wait.
    pub pending: u32,
    /// How many it made of late.
    pub lately: u32,
    /// Until when it may ask for nothing that people decide.
    pub cools_until: Option<Timestamp>,
}

/// How much an agent asks of people, `lately` being since a moment.
pub async fn asking(connection: &mut Connection, id: AgentId, since: Timestamp) -> Result<Asking, StoreError> {
    let row = sqlx::query(
        "SELECT cools_until, (SELECT COUNT(*) FROM requests WHERE agent_id = $1 AND state = 'pending') AS pending,
         (SELECT COUNT(*) FROM requests WHERE agent_id = $1 AND created_at > $2 AND flow_id IS NOT NULL) AS lately
         FROM agents WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(since.millis())
    .fetch_one(connection)
    .await?;
    let count = |column| Ok::<_, StoreError>(u32::try_from(row.int(column)?).unwrap_or(u32::MAX));
    Ok(Asking { pending: count("pending")?, lately: count("lately")?, cools_until: row.maybe_time("cools_until")? })
}

/// Until when an agent may ask for nothing that people decide.
pub async fn cools_until(connection: &mut Connection, id: AgentId) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query("SELECT cools_until FROM agents WHERE id = $1").bind(id.to_string());
    let row = row.fetch_optional(connection).await?;
    Ok(row.map(|row| row.maybe_time("cools_until")).transpose()?.flatten())
}

/// Counts a denial, or forgets those before an approval. The last of so many in a row lets it cool down, and is the
/// first of the next.
pub async fn decided(
    connection: &mut Connection,
    id: AgentId,
    denied: bool,
    most: u32,
    cools_until: Timestamp,
) -> Result<(), StoreError> {
    let statement = match denied {
        false => sqlx::query("UPDATE agents SET denials_in_a_row = 0 WHERE id = $1 AND denials_in_a_row > 0")
            .bind(id.to_string()),
        true => sqlx::query(
            "UPDATE agents SET cools_until = CASE WHEN denials_in_a_row + 1 >= $2 THEN $3 ELSE cools_until END,
             denials_in_a_row = CASE WHEN denials_in_a_row + 1 >= $2 THEN 0 ELSE denials_in_a_row + 1 END WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(i64::from(most))
        .bind(cools_until.millis()),
    };
    connection.put_off(statement)
}

/// Lets an agent ask again. False when it was not cooling down.
pub async fn lift_cool_down(connection: &mut Connection, id: AgentId, now: Timestamp) -> Result<bool, StoreError> {
    let lifted =
        sqlx::query("UPDATE agents SET cools_until = NULL, denials_in_a_row = 0 WHERE id = $1 AND cools_until > $2")
            .bind(id.to_string())
            .bind(now.millis())
            .execute(connection)
            .await?;
    Ok(lifted.rows_affected() > 0)
}

/// How exactly it is known when an agent was last seen: a busy one need not be written down with each ask.
const SEEN: Duration = Duration::from_secs(1);

/// Notes that an agent asked.
pub async fn seen(connection: &mut Connection, id: AgentId, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "UPDATE agents SET last_seen_at = $2 WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at <= $3)",
    )
    .bind(id.to_string())
    .bind(now.millis())
    .bind((now - SEEN).millis());
    connection.put_off(statement)
}

/// Notes a token's id; false when it was seen before, and so is replayed.
pub async fn note_jti(
    connection: &mut Connection,
    agent: AgentId,
    jti: &str,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let done =
        sqlx::query("INSERT INTO jwt_ids (agent_id, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(agent.to_string())
            .bind(jti)
            .bind(expires_at.millis())
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets token ids that could not be replayed any more.
pub async fn delete_expired_jtis(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM jwt_ids WHERE expires_at <= $1").bind(now.millis()).execute(connection).await?;
    Ok(())
}
