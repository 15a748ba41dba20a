//! Passkeys as the desk stores them: the public half only.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::{PasskeyId, UserId};
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// A stored passkey.
#[derive(Clone, Debug, PartialEq)]
pub struct PasskeyRecord {
    /// Which.
    pub id: PasskeyId,
    /// Whose.
    pub user_id: UserId,
    /// The authenticator's credential id, base64url.
    pub credential_id: String,
    /// The crate's own record of it, JSON.
    pub passkey: String,
    /// What its owner calls it.
    pub name: String,
    /// From when it may approve and widen.
    pub usable_from: Timestamp,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

fn read(row: &AnyRow) -> Result<PasskeyRecord, StoreError> {
    Ok(PasskeyRecord {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        credential_id: row.text("credential_id")?,
        passkey: row.text("passkey")?,
        name: row.text("name")?,
        usable_from: row.time("usable_from")?,
        created_at: row.time("created_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
    })
}

/// A person's passkeys, oldest first.
pub async fn of_user(connection: &mut Connection, user: UserId) -> Result<Vec<PasskeyRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM passkeys WHERE user_id = $1 ORDER BY created_at, id")
        .bind(user.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// The passkey with this credential id.
pub async fn by_credential(connection: &mut Connection, id: &str) -> Result<Option<PasskeyRecord>, StoreError> {
    let row =
        sqlx::query("SELECT * FROM passkeys WHERE credential_id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// How many passkeys each person has.
pub async fn counts(connection: &mut Connection) -> Result<HashMap<UserId, u32>, StoreError> {
    let rows =
        sqlx::query("SELECT user_id, COUNT(*) AS n FROM passkeys GROUP BY user_id").fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.id("user_id")?, u32::try_from(row.int("n")?).unwrap_or(u32::MAX)))).collect()
}

/// Until when people's newest passkeys are on hold, for those who have one that is.
pub async fn on_hold(connection: &mut Connection, now: Timestamp) -> Result<HashMap<UserId, Timestamp>, StoreError> {
    let rows = sqlx::query(
        "SELECT user_id, MAX(usable_from) AS usable_from FROM passkeys WHERE usable_from > $1 GROUP BY user_id",
    )
    .bind(now.millis())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.id("user_id")?, row.time("usable_from")?))).collect()
}

/// The passkeys that were put on hold when they were added, since a time; the newest first.
pub async fn held_since(connection: &mut Connection, since: Timestamp) -> Result<Vec<PasskeyRecord>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM passkeys WHERE usable_from > created_at AND created_at > $1 ORDER BY created_at DESC, id DESC",
    )
    .bind(since.millis())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Adds a passkey.
pub async fn insert(connection: &mut Connection, passkey: &PasskeyRecord) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO passkeys (id, user_id, credential_id, passkey, name, usable_from, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(passkey.id.to_string())
    .bind(passkey.user_id.to_string())
    .bind(passkey.credential_id.clone())
    .bind(passkey.passkey.clone())
    .bind(passkey.name.clone())
    .bind(passkey.usable_from.millis())
    .bind(passkey.created_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a use, and the counter that came with it; whether the passkey is still there.
pub async fn used(
    connection: &mut Connection,
    credential_id: &str,
    updated: Option<String>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done =
        sqlx::query("UPDATE passkeys SET last_used_at = $2, passkey = COALESCE($3, passkey) WHERE credential_id = $1")
            .bind(credential_id)
            .bind(now.millis())
            .bind(updated)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes one of a person's passkeys; whether there was one.
pub async fn delete(connection: &mut Connection, user: UserId, id: PasskeyId) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM passkeys WHERE id = $1 AND user_id = $2")
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}
