//! One's own passkeys: listed, added, removed.

use super::Desk;
use super::ceremony::take;
use super::error::{DeskError, not_found, refuse};
use super::notices::tell_admins;
use super::session::{SignedIn, Widening, stored};
use super::setup::named;
use crate::audit::{Actor, Entry};
use crate::auth::passkeys::StoredPasskey;
use crate::store::ceremonies::CeremonyKind;
use crate::store::passkeys::PasskeyRecord;
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::delivery::DeliveryKind;
use countersign_domain::ids::{PasskeyId, UserId};
use countersign_wire::Page;
use countersign_wire::problem::Code;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use countersign_wire::session::{PasskeyRow, PasskeyStart};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How long a passkey that was added without an older one can't approve or widen.
const PASSKEY_HOLD: Duration = Duration::from_secs(15 * 60);
/// What adding a passkey must remember.
#[derive(Clone, Serialize, Deserialize)]
struct NewPasskey {
    name: String,
    /// Whether an older passkey was touched for it, or none is needed here.
    vouched: bool,
}

impl Desk {
    /// The passkeys of the one who is signed in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn my_passkeys(&self, who: &SignedIn) -> Result<Page<PasskeyRow>, DeskError> {
        let now = self.now();
        let mut connection = self.store().read().await?;
        let passkeys = store::passkeys::of_user(&mut connection, who.user().id).await?;
        Ok(Page { items: passkeys.iter().map(|passkey| passkey_row(passkey, now)).collect(), next: None })
    }

    /// Begins adding a passkey. With an older one touched a moment ago it may approve at once.
    ///
    /// # Errors
    /// When a passkey is there and was not touched lately.
    pub async fn start_passkey(&self, who: &SignedIn, body: PasskeyStart) -> Result<CeremonyOptions, DeskError> {
        let name = named("name", &body.name)?;
        let vouched = who.passkeys() > 0;
        if vouched {
            self.widening(who)?;
        }
        let user = who.user();
        let mut connection = self.store().read().await?;
        let older = stored(store::passkeys::of_user(&mut connection, user.id).await?);
        drop(connection);
        let begun = self.passkeys().start_registration(user.id, &user.email, &user.name, &older)?;
        let purpose = NewPasskey { name, vouched };
        self.offer(CeremonyKind::Passkey, Some(user.id), begun.state, begun.public_key, purpose).await
    }

    /// Ends adding a passkey.
    ///
    /// # Errors
    /// When it does not fit, or is known already.
    pub async fn finish_passkey(&self, who: &SignedIn, finish: CeremonyFinish) -> Result<PasskeyRow, DeskError> {
        let now = self.now();
        let ceremony = self.ceremony::<NewPasskey>(CeremonyKind::Passkey, &finish.ceremony, now).await?;
        if ceremony.user_id != Some(who.user().id) {
            return Err(refuse(Code::AssertionRefused, "This was begun by somebody else."));
        }
        let enrolled = self.passkeys().finish_registration(&ceremony.state, &finish.credential)?;
        let usable_from = if ceremony.purpose.vouched { now } else { now + PASSKEY_HOLD };
        let record = passkey_record(self.fresh(), who.user().id, enrolled, ceremony.purpose.name, usable_from, now);
        let user = who.user().id;
        let (stored, snapshot) = (record.clone(), self.snapshot());
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    take(connection, ceremony.id).await?;
                    add_passkey(connection, &stored).await?;
                    let entry = Entry::new(now, Actor::User(user), "passkey.added", stored.id);
                    let metadata = json!({"name": stored.name, "usable_from": stored.usable_from});
                    store::audit::append(connection, entry.with(metadata)).await?;
                    if stored.usable_from > now {
                        tell_admins(connection, &snapshot, None, DeliveryKind::PasskeyAdded, now).await?;
                    }
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        if record.usable_from > now {
            self.hub().notice();
        }
        Ok(passkey_row(&record, now))
    }

    /// Removes one of one's own passkeys.
    ///
    /// # Errors
    /// When there is no such passkey.
    pub async fn remove_passkey(&self, who: &SignedIn, _leave: &Widening, id: PasskeyId) -> Result<(), DeskError> {
        let (now, user) = (self.now(), who.user().id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    if !store::passkeys::delete(connection, user, id).await? {
                        return Err(not_found("passkey"));
                    }
                    let entry = Entry::new(now, Actor::User(user), "passkey.removed", id);
                    store::audit::append(connection, entry).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}

pub(super) async fn add_passkey(connection: &mut Connection, passkey: &PasskeyRecord) -> Result<(), DeskError> {
    store::passkeys::insert(connection, passkey).await.map_err(|error| match error.is_taken() {
        true => refuse(Code::Conflict, "This passkey is known here already."),
        false => error.into(),
    })
}

pub(super) fn passkey_record(
    id: uuid::Uuid,
    user_id: UserId,
    enrolled: StoredPasskey,
    name: String,
    usable_from: Timestamp,
    now: Timestamp,
) -> PasskeyRecord {
    PasskeyRecord {
        id: PasskeyId(id),
        user_id,
        credential_id: enrolled.credential_id,
        passkey: enrolled.passkey_json,
        name,
        usable_from,
        created_at: now,
        last_used_at: None,
    }
}

fn passkey_row(passkey: &PasskeyRecord, now: Timestamp) -> PasskeyRow {
    PasskeyRow {
        id: passkey.id,
        name: passkey.name.clone(),
        created_at: passkey.created_at,
        last_used_at: passkey.last_used_at,
        usable_from: Some(passkey.usable_from).filter(|from| *from > now),
    }
}
