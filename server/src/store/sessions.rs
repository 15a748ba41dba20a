//! Browsers' sessions. Only a token's hash is kept, so a stolen database opens no session.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::{SessionId, UserId};

/// A session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When a passkey was last touched in it.
    pub asserted_at: Option<Timestamp>,
}

/// The session behind a token's hash, if it has not ended.
pub async fn by_token(connection: &mut Connection, hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query("SELECT * FROM sessions WHERE token_hash = $1 AND expires_at > $2")
        .bind(hash)
        .bind(now.millis())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Session {
            id: row.id("id")?,
            user_id: row.id("user_id")?,
            expires_at: row.time("expires_at")?,
            asserted_at: row.maybe_time("asserted_at")?,
        })
    })
    .transpose()
}

/// Begins a session.
pub async fn insert(
    connection: &mut Connection,
    session: Session,
    token_hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, expires_at, asserted_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(session.id.to_string())
    .bind(token_hash)
    .bind(session.user_id.to_string())
    .bind(now.millis())
    .bind(session.expires_at.millis())
    .bind(session.asserted_at.map(Timestamp::millis))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a passkey was touched in a session.
pub async fn asserted(connection: &mut Connection, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET asserted_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(connection: &mut Connection, id: SessionId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id.to_string()).execute(connection).await?;
    Ok(())
}

/// Ends all sessions of a person; which they were.
pub async fn delete_of_user(connection: &mut Connection, user: UserId) -> Result<Vec<SessionId>, StoreError> {
    let rows = sqlx::query("DELETE FROM sessions WHERE user_id = $1 RETURNING id")
        .bind(user.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.id("id")).collect()
}

/// Forgets sessions that have ended.
pub async fn delete_expired(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now.millis()).execute(connection).await?;
    Ok(())
}
