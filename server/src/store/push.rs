//! Browsers that take pushes.

use super::row::Columns as _;
use super::{Connection, StoreError};
use crate::notify::Subscription;
use countersign_domain::Timestamp;
use countersign_domain::ids::{SubscriptionId, UserId};
use sqlx::any::AnyRow;

/// A browser that takes pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Which.
    pub id: SubscriptionId,
    /// Whose.
    pub user_id: UserId,
    /// Where it takes them.
    pub subscription: Subscription,
    /// What it is called, such as "Firefox on Android".
    pub label: String,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<Browser> for Subscription {
    fn from(browser: Browser) -> Self {
        browser.subscription
    }
}

fn read(row: &AnyRow) -> Result<Browser, StoreError> {
    Ok(Browser {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        subscription: Subscription {
            endpoint: row.text("endpoint")?,
            p256dh: row.text("p256dh")?,
            auth: row.text("auth")?,
        },
        label: row.text("label")?,
        created_at: row.time("created_at")?,
    })
}

/// Adds a browser, or gives it to whoever is signed in there now.
pub async fn put(connection: &mut Connection, browser: &Browser) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO push_subscriptions (id, user_id, endpoint, p256dh, auth, label, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (endpoint) DO UPDATE SET id = excluded.id, user_id = excluded.user_id, p256dh = excluded.p256dh,
         auth = excluded.auth, label = excluded.label, created_at = excluded.created_at",
    )
    .bind(browser.id.to_string())
    .bind(browser.user_id.to_string())
    .bind(browser.subscription.endpoint.clone())
    .bind(browser.subscription.p256dh.clone())
    .bind(browser.subscription.auth.clone())
    .bind(browser.label.clone())
    .bind(browser.created_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// A person's browsers, in the order they came.
pub async fn of_user(connection: &mut Connection, user: UserId) -> Result<Vec<Browser>, StoreError> {
    let rows = sqlx::query("SELECT * FROM push_subscriptions WHERE user_id = $1 ORDER BY created_at, id")
        .bind(user.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// The browser that takes pushes at an address, whose ever it is.
pub async fn by_endpoint(connection: &mut Connection, endpoint: &str) -> Result<Option<Browser>, StoreError> {
    let row = sqlx::query("SELECT * FROM push_subscriptions WHERE endpoint = $1").bind(endpoint);
    row.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// Forgets a browser, wherever it was signed up.
pub async fn forget(connection: &mut Connection, endpoint: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM push_subscriptions WHERE endpoint = $1").bind(endpoint).execute(connection).await?;
    Ok(())
}

/// Forgets one of a person's browsers. False when it is not theirs.
pub async fn remove(connection: &mut Connection, user: UserId, id: SubscriptionId) -> Result<bool, StoreError> {
    let removed = sqlx::query("DELETE FROM push_subscriptions WHERE id = $1 AND user_id = $2")
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(removed.rows_affected() > 0)
}
