//! Whether a request's caller is there, and what the same ask is known by. Apart from where the request stands: both move
//! at the same time, and neither may overwrite the other.

use super::super::{Connection, StoreError};
use super::{Request, read};
use countersign_domain::Timestamp;
use countersign_domain::ids::RequestId;

/// The newest request that the same ask joins: open, or ended after `since` and not heard of yet.
pub async fn joinable(
    connection: &mut Connection,
    fingerprint: &str,
    since: Timestamp,
) -> Result<Option<Request>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM requests WHERE fingerprint = $1 AND (ended_at IS NULL OR ended_at > $2)
         ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(fingerprint.to_owned())
    .bind(since.millis())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Its end was heard of: the same ask is a new one from now on.
pub async fn delivered(connection: &mut Connection, id: RequestId) -> Result<(), StoreError> {
    let statement = sqlx::query("UPDATE requests SET fingerprint = NULL WHERE id = $1").bind(id.to_string());
    connection.put_off(statement)
}

/// Its caller was given an id to come back with.
pub async fn handed(connection: &mut Connection, id: RequestId, at: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query("UPDATE requests SET handed_at = $2, away_at = NULL WHERE id = $1")
        .bind(id.to_string())
        .bind(at.millis());
    connection.put_off(statement)
}

/// Its last caller left, or is there again.
pub async fn set_away(connection: &mut Connection, id: RequestId, at: Option<Timestamp>) -> Result<(), StoreError> {
    let statement = sqlx::query("UPDATE requests SET away_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(at.map(Timestamp::millis));
    connection.put_off(statement)
}

/// After a start nobody waits: whoever was not given an id is away.
pub async fn nobody_waits(connection: &mut Connection, now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE requests SET away_at = $1 WHERE away_at IS NULL AND handed_at IS NULL
         AND id IN (SELECT request_id FROM timers WHERE kind = 'absent')",
    )
    .bind(now.millis())
    .execute(&mut *connection)
    .await?;
    super::super::timers::put_off_absent(connection, until).await
}

/// Forgets what asks are known by whose request ended before a time.
pub async fn forget_before(connection: &mut Connection, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE requests SET fingerprint = NULL WHERE fingerprint IS NOT NULL AND ended_at < $1")
        .bind(at.millis())
        .execute(connection)
        .await?;
    Ok(())
}
