//! Passkey ceremonies that have begun: kept until they end, each used once.

use super::Desk;
use super::error::{DeskError, refuse};
use crate::store::ceremonies::{Ceremony, CeremonyKind};
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::challenge::CHALLENGE_LIFETIME;
use countersign_domain::ids::{CeremonyId, UserId};
use countersign_wire::problem::Code;
use countersign_wire::requests::CeremonyOptions;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Desk {
    /// Stores a ceremony that has begun and answers its options.
    pub(super) async fn offer<P: Serialize + Send + 'static>(
        &self,
        kind: CeremonyKind,
        user_id: Option<UserId>,
        state: String,
        public_key: serde_json::Value,
        purpose: P,
    ) -> Result<CeremonyOptions, DeskError> {
        let expires_at = self.now() + CHALLENGE_LIFETIME;
        let id = CeremonyId(self.fresh());
        self.begin_ceremony(kind, Ceremony { id, user_id, request_id: None, state, purpose, expires_at }).await?;
        Ok(CeremonyOptions { ceremony: id.to_string(), public_key })
    }

    pub(super) async fn begin_ceremony<P: Serialize + Send + 'static>(
        &self,
        kind: CeremonyKind,
        ceremony: Ceremony<P>,
    ) -> Result<(), DeskError> {
        self.store()
            .write(move |connection| {
                // `P` need not be `Sync`, so the row is written without holding a reference to it across an await.
                Box::pin(store_ceremony(connection, kind, ceremony))
            })
            .await
    }

    pub(super) async fn ceremony<P: DeserializeOwned>(
        &self,
        kind: CeremonyKind,
        id: &str,
        now: Timestamp,
    ) -> Result<Ceremony<P>, DeskError> {
        let spent = || refuse(Code::LinkSpent, "This confirmation was used already, or is over. Begin again.");
        let id = id.parse().map_err(|_| spent())?;
        let mut connection = self.store().read().await?;
        store::ceremonies::find(&mut connection, kind, id, now).await?.ok_or_else(spent)
    }
}

async fn store_ceremony<P: Serialize>(
    connection: &mut Connection,
    kind: CeremonyKind,
    ceremony: Ceremony<P>,
) -> Result<(), DeskError> {
    let plain = Ceremony {
        id: ceremony.id,
        user_id: ceremony.user_id,
        request_id: ceremony.request_id,
        state: ceremony.state,
        purpose: serde_json::to_value(&ceremony.purpose).map_err(|error| DeskError::Internal(error.to_string()))?,
        expires_at: ceremony.expires_at,
    };
    drop(ceremony.purpose);
    store::ceremonies::insert(connection, kind, &plain).await?;
    Ok(())
}

/// Consumes a ceremony in the transaction that acts on it.
pub(super) async fn take(connection: &mut Connection, id: CeremonyId) -> Result<(), DeskError> {
    match store::ceremonies::consume(connection, id).await? {
        true => Ok(()),
        false => Err(refuse(Code::LinkSpent, "This confirmation was used already, or is over. Begin again.")),
    }
}
