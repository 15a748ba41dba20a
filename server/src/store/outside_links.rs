//! Links by which people outside decide. Only hashes of their tokens and codes are kept.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::delivery::Address;
use countersign_domain::flow::Recipient;
use countersign_domain::ids::{DeliveryId, LinkId, RequestId};
use countersign_domain::outside::LinkStanding;
use sqlx::any::AnyRow;

/// A link to one step of one request, for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideLink {
    /// Which.
    pub id: LinkId,
    /// To which request.
    pub request_id: RequestId,
    /// The message that brought it.
    pub delivery_id: DeliveryId,
    /// For which step, from 1.
    pub step: u32,
    /// For whom: always somebody outside.
    pub to: Recipient,
    /// What is known of its token, 64 hex digits.
    pub token_hash: String,
    /// What is known of its code, 64 hex digits.
    pub code_hash: String,
    /// How many wrong codes were tried.
    pub wrong_codes: u32,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it decided.
    pub used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl OutsideLink {
    /// What can be done with it now.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> LinkStanding {
        LinkStanding::of(self.used_at.is_some(), self.wrong_codes, self.expires_at, now)
    }
}

fn read(row: &AnyRow) -> Result<OutsideLink, StoreError> {
    let count = |column| u32::try_from(row.int(column)?).map_err(|_| StoreError::Row(format!("{column} is negative")));
    Ok(OutsideLink {
        id: row.id("id")?,
        request_id: row.id("request_id")?,
        delivery_id: row.id("delivery_id")?,
        step: count("step")?,
        to: row.word("recipient", outsider_from_word)?,
        token_hash: row.text("token_hash")?,
        code_hash: row.text("code_hash")?,
        wrong_codes: count("wrong_codes")?,
        expires_at: row.time("expires_at")?,
        used_at: row.maybe_time("used_at")?,
        created_at: row.time("created_at")?,
    })
}

/// Somebody outside, as the database names them.
pub(super) fn outsider_from_word(word: &str) -> Option<Recipient> {
    match Address::from_word(word)? {
        Address::Email(email) => Some(Recipient::Email(email)),
        Address::Phone(phone) => Some(Recipient::Phone(phone)),
        Address::User(_) | Address::Webhook | Address::Agent(_) => None,
    }
}

/// Makes a link.
pub async fn insert(connection: &mut Connection, link: &OutsideLink) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outside_links (id, request_id, delivery_id, step, recipient, token_hash, code_hash, wrong_codes,
         expires_at, used_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(link.id.to_string())
    .bind(link.request_id.to_string())
    .bind(link.delivery_id.to_string())
    .bind(i64::from(link.step))
    .bind(Address::from(link.to.clone()).to_word())
    .bind(link.token_hash.clone())
    .bind(link.code_hash.clone())
    .bind(i64::from(link.wrong_codes))
    .bind(link.expires_at.millis())
    .bind(link.used_at.map(Timestamp::millis))
    .bind(link.created_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// The link behind a token's hash, whatever can still be done with it.
pub async fn by_token(connection: &mut Connection, hash: &str) -> Result<Option<OutsideLink>, StoreError> {
    let row = sqlx::query("SELECT * FROM outside_links WHERE token_hash = $1").bind(hash.to_owned());
    row.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// The links to a request, the oldest first.
pub async fn of_request(connection: &mut Connection, request: RequestId) -> Result<Vec<OutsideLink>, StoreError> {
    let rows = sqlx::query("SELECT * FROM outside_links WHERE request_id = $1 ORDER BY created_at, id")
        .bind(request.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Counts a wrong code.
pub async fn count_wrong_code(connection: &mut Connection, id: LinkId) -> Result<(), StoreError> {
    sqlx::query("UPDATE outside_links SET wrong_codes = wrong_codes + 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Uses a link up; whether it was still unused.
pub async fn spend(connection: &mut Connection, id: LinkId, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE outside_links SET used_at = $2 WHERE id = $1 AND used_at IS NULL")
        .bind(id.to_string())
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets what was over before a time.
pub async fn delete_before(connection: &mut Connection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM outside_links WHERE expires_at < $1").bind(before.millis()).execute(connection).await?;
    Ok(())
}
