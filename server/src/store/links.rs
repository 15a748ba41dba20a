//! One-time links: setup, invitation and sign-in. Only a token's hash is kept.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::{LinkId, UserId};
use countersign_domain::user::Role;
use serde::{Deserialize, Serialize};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Names the desk and makes its first admin.
    Setup,
    /// Makes an account.
    Invitation,
    /// Signs somebody in.
    SignIn,
}

impl LinkKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::SignIn => "sign_in",
        }
    }
}

/// As what somebody is invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Their address, in its normal spelling.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Their groups.
    pub groups: Vec<String>,
}

/// A link that is still good.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Which.
    pub id: LinkId,
    /// Whom it signs in.
    pub user_id: Option<UserId>,
    /// Whom it invites.
    pub invited: Option<Invited>,
    /// When it goes stale; null for as long as the desk lives (setup) or the demo runs.
    pub expires_at: Option<Timestamp>,
}

/// The link behind a token's hash, if it is of this kind, unused and not stale.
pub async fn find(
    connection: &mut Connection,
    kind: LinkKind,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Link>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM links WHERE token_hash = $1 AND kind = $2
         AND (used_at IS NULL OR reusable = 1) AND (expires_at IS NULL OR expires_at > $3)",
    )
    .bind(hash)
    .bind(kind.word())
    .bind(now.millis())
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Link {
            id: row.id("id")?,
            user_id: row.maybe_id("user_id")?,
            invited: row.maybe_json("invitation")?,
            expires_at: row.maybe_time("expires_at")?,
        })
    })
    .transpose()
}

/// Makes a link. A reusable one (the demo's) works as long as it is not stale.
pub async fn insert(
    connection: &mut Connection,
    kind: LinkKind,
    link: &Link,
    token_hash: &str,
    reusable: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO links (id, kind, token_hash, user_id, invitation, expires_at, reusable, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(link.id.to_string())
    .bind(kind.word())
    .bind(token_hash)
    .bind(link.user_id.map(|id| id.to_string()))
    .bind(link.invited.as_ref().map(to_json).transpose()?)
    .bind(link.expires_at.map(Timestamp::millis))
    .bind(i64::from(reusable))
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Uses a link up; whether it was still unused.
pub async fn spend(connection: &mut Connection, id: LinkId, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE links SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR reusable = 1)")
        .bind(id.to_string())
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets links that were used, or stale, before a time.
pub async fn delete_spent(connection: &mut Connection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM links WHERE reusable = 0 AND (used_at < $1 OR expires_at < $1)")
        .bind(before.millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets unused links of a kind, so that there is one setup link at a time.
pub async fn delete_unused(connection: &mut Connection, kind: LinkKind) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM links WHERE kind = $1 AND used_at IS NULL").bind(kind.word()).execute(connection).await?;
    Ok(())
}
