//! Codes that the desktop app exchanges for a session. Each is taken once; only its hash is kept.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::UserId;

/// A code that is still good.
#[derive(Clone, Debug, PartialEq)]
pub struct AppCode {
    /// Whom it signs in.
    pub user_id: UserId,
    /// What the verifier must hash to (RFC 7636, section 4.2).
    pub code_challenge: String,
    /// When it goes stale.
    pub expires_at: Timestamp,
}

/// Keeps a code.
pub async fn insert(connection: &mut Connection, code_hash: &str, code: &AppCode) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO app_codes (code_hash, user_id, code_challenge, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(code_hash)
        .bind(code.user_id.to_string())
        .bind(&code.code_challenge)
        .bind(code.expires_at.millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes the code behind a hash: whoever takes it is the only one.
pub async fn take(connection: &mut Connection, code_hash: &str, now: Timestamp) -> Result<Option<AppCode>, StoreError> {
    let row = sqlx::query("DELETE FROM app_codes WHERE code_hash = $1 AND expires_at > $2 RETURNING *")
        .bind(code_hash)
        .bind(now.millis())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(AppCode {
            user_id: row.id("user_id")?,
            code_challenge: row.text("code_challenge")?,
            expires_at: row.time("expires_at")?,
        })
    })
    .transpose()
}

/// Forgets codes that nobody came for.
pub async fn delete_expired(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM app_codes WHERE expires_at <= $1").bind(now.millis()).execute(connection).await?;
    Ok(())
}
