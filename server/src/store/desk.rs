//! The desk's own row: its id, name, address and settings, and the version of everything that admins set.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use crate::notify::Content;
use crate::vault::KeyId;
use countersign_domain::Timestamp;
use countersign_domain::ids::{DeskId, FlowId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The desk's own row.
#[derive(Clone, Debug, PartialEq)]
pub struct DeskRow {
    /// Its id, made at first start.
    pub id: DeskId,
    /// Its name.
    pub name: String,
    /// The address that it was last started with.
    pub public_url: Option<String>,
    /// The passkeys' relying party, fixed by the first `public_url`.
    pub rp_id: Option<String>,
    /// When somebody set it up.
    pub set_up_at: Option<Timestamp>,
    /// What made-up passkeys of unknown addresses are derived from, so that they stay the same over restarts.
    pub probe_key: String,
    /// The master key that the vault seals under, by its id; none before the vault was first opened.
    pub vault_key: Option<KeyId>,
    /// Settings.
    pub settings: DeskSettings,
    /// Grows with every change of people, agents, connectors, policies and flows.
    pub config_version: i64,
}

/// Settings that admins change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeskSettings {
    /// The flow of policies that name none.
    pub default_flow: Option<FlowId>,
    /// How many requests of one agent may wait.
    pub max_pending_per_agent: u32,
    /// How often one agent may ask people within a minute.
    pub max_asks_per_minute: u32,
    /// How much a push may say.
    pub push_content: Content,
    /// The server that mail goes out by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Smtp>,
    /// The service that text messages go out by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Sms>,
    /// What `apply --prune` switched off and no desk file has named since, by id.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub pruned: BTreeSet<Uuid>,
}

/// The server that mail goes out by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port; by the kind of TLS when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is secured.
    #[serde(default)]
    pub tls: SmtpTls,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The environment variable that holds its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The address that mail comes from.
    pub from: String,
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// By STARTTLS, which must be there (RFC 3207).
    #[default]
    Starttls,
    /// From the first byte (RFC 8314).
    Tls,
    /// Not at all: for a server on this machine.
    None,
}

/// The service that text messages go out by: Twilio's, or one with the same interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sms {
    /// Its address; Twilio's when left out.
    #[serde(default = "twilio")]
    pub base_url: String,
    /// The account.
    pub account_sid: String,
    /// The environment variable that holds its token.
    pub token_env: String,
    /// The number that messages come from.
    pub from: String,
}

/// Twilio's own address.
#[must_use]
pub fn twilio() -> String {
    "https://api.twilio.com".to_owned()
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self {
            default_flow: None,
            max_pending_per_agent: 20,
            max_asks_per_minute: 60,
            push_content: Content::Full,
            smtp: None,
            sms: None,
            pruned: BTreeSet::new(),
        }
    }
}

/// The desk's row; none before the first start.
pub async fn desk(connection: &mut Connection) -> Result<Option<DeskRow>, StoreError> {
    let row = sqlx::query("SELECT * FROM desk WHERE one = 1").fetch_optional(connection).await?;
    row.map(|row| {
        Ok(DeskRow {
            id: row.id("id")?,
            name: row.text("name")?,
            public_url: row.maybe_text("public_url")?,
            rp_id: row.maybe_text("rp_id")?,
            set_up_at: row.maybe_time("set_up_at")?,
            probe_key: row.text("probe_key")?,
            vault_key: row.maybe_id("vault_key")?,
            settings: row.json("settings")?,
            config_version: row.int("config_version")?,
        })
    })
    .transpose()
}

/// The version of everything that admins set.
pub async fn config_version(connection: &mut Connection) -> Result<i64, StoreError> {
    if let Some(version) = connection.heads().and_then(|heads| heads.config) {
        return Ok(version);
    }
    let row = sqlx::query("SELECT config_version FROM desk WHERE one = 1").fetch_one(connection).await?;
    row.int("config_version")
}

/// Makes the row at first start.
pub async fn insert(
    connection: &mut Connection,
    id: DeskId,
    probe_key: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO desk (one, id, name, probe_key, settings, config_version, created_at)
         VALUES (1, $1, 'Countersign', $2, $3, 1, $4)",
    )
    .bind(id.to_string())
    .bind(probe_key)
    .bind(to_json(&DeskSettings::default())?)
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes the address that the desk was started with.
pub async fn set_address(connection: &mut Connection, public_url: &str, rp_id: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE desk SET public_url = $1, rp_id = $2 WHERE one = 1")
        .bind(public_url)
        .bind(rp_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes which master key the vault seals under.
pub async fn set_vault_key(connection: &mut Connection, key: KeyId) -> Result<(), StoreError> {
    sqlx::query("UPDATE desk SET vault_key = $1 WHERE one = 1").bind(key.to_string()).execute(connection).await?;
    Ok(())
}

/// The key that pushes are signed with, sealed; none before the first start that knew of pushes.
pub async fn push_key(connection: &mut Connection) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query("SELECT push_key FROM desk WHERE one = 1").fetch_one(connection).await?;
    row.maybe_blob("push_key")
}

/// Stores the key that pushes are signed with.
pub async fn set_push_key(connection: &mut Connection, sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query("UPDATE desk SET push_key = $1 WHERE one = 1").bind(sealed.to_vec()).execute(connection).await?;
    Ok(())
}

/// Names the desk and notes that it is set up.
pub async fn set_up(connection: &mut Connection, name: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE desk SET name = $1, set_up_at = $2 WHERE one = 1")
        .bind(name)
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores the settings.
pub async fn set_settings(connection: &mut Connection, settings: &DeskSettings) -> Result<(), StoreError> {
    sqlx::query("UPDATE desk SET settings = $1 WHERE one = 1").bind(to_json(settings)?).execute(connection).await?;
    Ok(())
}

/// Tells every snapshot that it is old. Belongs into each transaction that changes what admins set.
pub async fn bump_config(connection: &mut Connection) -> Result<(), StoreError> {
    if let Some(heads) = connection.heads() {
        heads.config = None;
    }
    connection.put_off(sqlx::query("UPDATE desk SET config_version = config_version + 1 WHERE one = 1"))
}

/// Writes without changing anything, to see whether it can be done.
pub async fn touch(connection: &mut Connection) -> Result<(), StoreError> {
    for step in [1_i64, -1] {
        sqlx::query("UPDATE desk SET config_version = config_version + $1 WHERE one = 1")
            .bind(step)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
