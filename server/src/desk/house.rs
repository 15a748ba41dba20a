//! The desk's own affairs: its first start, its address, the links that the command line makes.

use super::Desk;
use super::error::{DeskError, not_found};
use super::session::fresh_token;
use crate::audit::{Actor, Entry};
use crate::auth::secrets::{NoRandomness, new_token};
use crate::clock::{SharedClock, fresh_id};
use crate::config::PublicUrl;
use crate::notify::VapidKey;
use crate::store::desk::DeskRow;
use crate::store::links::{Link, LinkKind};
use crate::store::{self, Store};
use crate::vault::{MasterKeySource, Vault};
use countersign_domain::ids::{DeskId, LinkId};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// How long a sign-in link from the command line is good.
const SIGN_IN_LIFE: Duration = Duration::from_secs(60 * 60);

/// The desk's row, made at the first start.
///
/// # Errors
/// When the store fails.
pub async fn ensure_desk(store: &Store, clock: &SharedClock) -> Result<DeskRow, DeskError> {
    let now = clock.now();
    let id = DeskId(random_id()?);
    let probe_key = new_token()?;
    store
        .write(move |connection| {
            Box::pin(async move {
                if let Some(row) = store::desk::desk(connection).await? {
                    return Ok(row);
                }
                store::desk::insert(connection, id, probe_key.expose_secret(), now).await?;
                store::audit::append(connection, Entry::new(now, Actor::Desk, "desk.created", id)).await?;
                let row = store::desk::desk(connection).await?;
                row.ok_or_else(|| DeskError::Internal("the desk row was not stored".into()))
            })
        })
        .await
}

/// The desk's id is wholly random: its first digits name the session cookie, and those of a UUIDv7 are a time that two
/// desks on one machine may share.
fn random_id() -> Result<Uuid, DeskError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(NoRandomness::from)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Notes the address that the desk is started with. Another name than before would make every passkey useless, and so
/// is refused; another port or scheme is fine.
///
/// # Errors
/// With an explanation, when the passkeys' domain changed.
pub async fn settle_address(store: &Store, row: &DeskRow, public_url: &PublicUrl) -> Result<(), DeskError> {
    let (origin, rp_id) = (public_url.origin(), public_url.rp_id().to_owned());
    match &row.rp_id {
        Some(before) if *before != rp_id => Err(DeskError::Internal(format!(
            "this desk's passkeys belong to {before:?}, and public_url now says {rp_id:?}. They would all stop \
             working. Start it with the old name ({}), or make a new desk in another --data-dir",
            row.public_url.as_deref().unwrap_or(before)
        ))),
        _ => {
            store
                .write(move |connection| {
                    Box::pin(async move { Ok(store::desk::set_address(connection, &origin, &rp_id).await?) })
                })
                .await
        }
    }
}

/// Opens the vault with the key that this desk is sealed under; the first key that it is ever opened with is that one.
///
/// # Errors
/// When the key is gone or another one, and nothing is changed then.
pub async fn open_vault(store: &Store, row: &DeskRow, source: &MasterKeySource) -> Result<Vault, DeskError> {
    let vault = match row.vault_key {
        Some(before) => Vault::open_again(source, before)?,
        None => Vault::open(source)?,
    };
    let key = vault.key_id();
    if row.vault_key != Some(key) {
        store
            .write(move |connection| {
                Box::pin(async move { Ok::<_, DeskError>(store::desk::set_vault_key(connection, key).await?) })
            })
            .await?;
    }
    Ok(vault)
}

/// The key that browsers know the desk's pushes by, made at the first start. It stays for good: a browser that was signed
/// up with it takes no other.
///
/// # Errors
/// When it can't be opened, or made.
pub async fn ensure_push_key(store: &Store, vault: &Vault, row: &DeskRow) -> Result<VapidKey, DeskError> {
    const KIND: &str = "desk.push_key";
    let fresh = VapidKey::draw().map_err(NoRandomness::from)?;
    let sealed = vault.seal(KIND, row.id.0, fresh.as_slice())?;
    let kept = store
        .write(move |connection| {
            Box::pin(async move {
                if let Some(kept) = store::desk::push_key(connection).await? {
                    return Ok(kept);
                }
                store::desk::set_push_key(connection, &sealed).await?;
                Ok::<_, DeskError>(sealed)
            })
        })
        .await?;
    let private = Zeroizing::new(vault.unseal(KIND, row.id.0, &kept)?);
    VapidKey::of(&private).ok_or_else(|| DeskError::Internal("the desk's push key is none".into()))
}

impl Desk {
    /// A new setup link, when nobody has set the desk up; the old one is good no longer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn setup_link(&self) -> Result<Option<SecretString>, DeskError> {
        if self.snapshot().desk.set_up_at.is_some() {
            return Ok(None);
        }
        let (token, hash) = fresh_token()?;
        let (now, id) = (self.now(), LinkId(self.fresh()));
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::links::delete_unused(connection, LinkKind::Setup).await?;
                    let link = Link { id, user_id: None, invited: None, expires_at: None };
                    store::links::insert(connection, LinkKind::Setup, &link, &hash, false, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        let url = self.public_url().with_path(&format!("/setup#{}", token.expose_secret()));
        Ok(Some(SecretString::from(url)))
    }
}

/// A link that signs somebody in. The demo's works as long as it runs; the command line's once, for an hour.
///
/// # Errors
/// When there is nobody with this address.
pub async fn sign_in_link(
    store: &Store,
    clock: &SharedClock,
    origin: &str,
    email: &str,
    actor: Actor,
    for_demo: bool,
) -> Result<SecretString, DeskError> {
    let (token, hash) = fresh_token()?;
    let now = clock.now();
    let id = LinkId(fresh_id(now));
    let email = email.to_owned();
    store
        .write(move |connection| {
            Box::pin(async move {
                let user = store::users::by_email(connection, &email).await?.filter(|user| user.active);
                let user = user.ok_or_else(|| not_found("person with an open account"))?;
                let expires_at = (!for_demo).then(|| now + SIGN_IN_LIFE);
                let link = Link { id, user_id: Some(user.id), invited: None, expires_at };
                store::links::insert(connection, LinkKind::SignIn, &link, &hash, for_demo, now).await?;
                let entry =
                    Entry::new(now, actor, "user.link_made", user.id).with(serde_json::json!({"email": user.email}));
                store::audit::append(connection, entry.with(json!({"expires_at": expires_at}))).await?;
                Ok::<_, DeskError>(())
            })
        })
        .await?;
    Ok(SecretString::from(format!("{origin}/sign-in/link#{}", token.expose_secret())))
}
