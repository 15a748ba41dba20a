//! Passkey ceremonies that have begun. Each is consumed once, in the transaction that acts on it.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::{CeremonyId, RequestId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeremonyKind {
    /// Setting the desk up.
    Setup,
    /// Taking an invitation.
    Invitation,
    /// Adding a passkey.
    Passkey,
    /// Signing in.
    SignIn,
    /// Touching the passkey again before widening.
    Reauth,
    /// Deciding a request.
    Decision,
}

impl CeremonyKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::Passkey => "passkey",
            Self::SignIn => "sign_in",
            Self::Reauth => "reauth",
            Self::Decision => "decision",
        }
    }
}

/// A ceremony that has begun. `P` is what else must be remembered, by kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Ceremony<P> {
    /// Which.
    pub id: CeremonyId,
    /// Who, where that is known.
    pub user_id: Option<UserId>,
    /// For which request.
    pub request_id: Option<RequestId>,
    /// The crate's state, JSON.
    pub state: String,
    /// What it is for.
    pub purpose: P,
    /// When it goes stale.
    pub expires_at: Timestamp,
}

/// Begins a ceremony.
pub async fn insert<P: Serialize>(
    connection: &mut Connection,
    kind: CeremonyKind,
    ceremony: &Ceremony<P>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ceremonies (id, kind, user_id, request_id, state, purpose, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(ceremony.id.to_string())
    .bind(kind.word())
    .bind(ceremony.user_id.map(|id| id.to_string()))
    .bind(ceremony.request_id.map(|id| id.to_string()))
    .bind(ceremony.state.clone())
    .bind(to_json(&ceremony.purpose)?)
    .bind(ceremony.expires_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// A ceremony of this kind that is not stale.
pub async fn find<P: DeserializeOwned>(
    connection: &mut Connection,
    kind: CeremonyKind,
    id: CeremonyId,
    now: Timestamp,
) -> Result<Option<Ceremony<P>>, StoreError> {
    let row = sqlx::query("SELECT * FROM ceremonies WHERE id = $1 AND kind = $2 AND expires_at > $3")
        .bind(id.to_string())
        .bind(kind.word())
        .bind(now.millis())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Ceremony {
            id: row.id("id")?,
            user_id: row.maybe_id("user_id")?,
            request_id: row.maybe_id("request_id")?,
            state: row.text("state")?,
            purpose: row.json("purpose")?,
            expires_at: row.time("expires_at")?,
        })
    })
    .transpose()
}

/// Consumes a ceremony; whether it was still there. Of two that finish at once, one wins.
pub async fn consume(connection: &mut Connection, id: CeremonyId) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM ceremonies WHERE id = $1").bind(id.to_string()).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets stale ceremonies.
pub async fn delete_expired(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ceremonies WHERE expires_at <= $1").bind(now.millis()).execute(connection).await?;
    Ok(())
}
