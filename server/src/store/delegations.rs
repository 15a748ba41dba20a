//! Out of office: who is asked in whose place, and until when.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::{DelegationId, UserId};
use sqlx::any::AnyRow;

/// One person standing in for another for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// Which.
    pub id: DelegationId,
    /// Who is away.
    pub user_id: UserId,
    /// Who is asked in their place.
    pub to_user_id: UserId,
    /// From when.
    pub from_at: Timestamp,
    /// Until when.
    pub until_at: Timestamp,
}

fn read(row: &AnyRow) -> Result<Delegation, StoreError> {
    Ok(Delegation {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        to_user_id: row.id("to_user_id")?,
        from_at: row.time("from_at")?,
        until_at: row.time("until_at")?,
    })
}

/// Adds one.
pub async fn insert(connection: &mut Connection, delegation: &Delegation, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO delegations (id, user_id, to_user_id, from_at, until_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(delegation.id.to_string())
    .bind(delegation.user_id.to_string())
    .bind(delegation.to_user_id.to_string())
    .bind(delegation.from_at.millis())
    .bind(delegation.until_at.millis())
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Those that nobody has ended, the earliest first. Some may be over.
pub async fn all(connection: &mut Connection) -> Result<Vec<Delegation>, StoreError> {
    let rows = sqlx::query("SELECT * FROM delegations WHERE ended_at IS NULL ORDER BY from_at, id");
    rows.fetch_all(connection).await?.iter().map(read).collect()
}

/// Ends one of a person's. False when it is not theirs, or ended before.
pub async fn end(
    connection: &mut Connection,
    user: UserId,
    id: DelegationId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended = sqlx::query("UPDATE delegations SET ended_at = $1 WHERE id = $2 AND user_id = $3 AND ended_at IS NULL")
        .bind(now.millis())
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(ended.rows_affected() > 0)
}

/// Forgets those that were over before a moment.
pub async fn delete_before(connection: &mut Connection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM delegations WHERE until_at < $1").bind(before.millis()).execute(connection).await?;
    Ok(())
}
