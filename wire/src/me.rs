//! How the reader wants to be told, and the browsers that they are told on.

use countersign_domain::Timestamp;
use countersign_domain::delivery::{Channel, DeliveryState, Preferences};
use countersign_domain::ids::{DeliveryId, SubscriptionId};
use serde::{Deserialize, Serialize};

/// `GET /api/me/preferences`, and the answer of `PUT`, which takes [`Preferences`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyPreferences {
    /// How they want to be told.
    pub preferences: Preferences,
    /// The channels that this desk can tell people by.
    pub set_up: Vec<Channel>,
}

/// `POST /api/me/tests`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestBody {
    /// By which channel.
    pub channel: Channel,
}

/// A test message: the answer of `POST /api/me/tests`, and `GET /api/me/tests/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRow {
    /// Which.
    pub id: DeliveryId,
    /// By which channel.
    pub channel: Channel,
    /// What became of it.
    pub state: DeliveryState,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// `GET /api/push/key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushKey {
    /// The desk's public key, an uncompressed point of P-256 in base64url: the `applicationServerKey`.
    pub key: String,
}

/// `POST /api/push/subscriptions`: what a browser's `PushSubscription` says, and what to call the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserBody {
    /// The push service's address for this browser.
    pub endpoint: String,
    /// What messages to it are encrypted with.
    pub keys: BrowserKeys,
    /// Such as "Firefox on Android".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A browser's keys (W3C Push API, `PushSubscription.getKey`), base64url.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserKeys {
    /// Its public key.
    pub p256dh: String,
    /// The secret that it shares with the desk.
    pub auth: String,
}

/// One of the reader's browsers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserRow {
    /// Which.
    pub id: SubscriptionId,
    /// What it is called.
    pub label: String,
    /// The push service's address for it, by which a browser finds itself.
    pub endpoint: String,
    /// Since when.
    pub created_at: Timestamp,
}
