//! What was told to whom, for admins.

use countersign_domain::Timestamp;
use countersign_domain::delivery::{Channel, DeliveryKind, DeliveryState};
use countersign_domain::ids::{DeliveryId, RequestId};
use serde::{Deserialize, Serialize};

/// One message to one recipient, in `GET /api/deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Which.
    pub id: DeliveryId,
    /// The request that it is about; null of a test and of one about many.
    pub request_id: Option<RequestId>,
    /// What it says.
    pub kind: DeliveryKind,
    /// How it travels.
    pub channel: Channel,
    /// To whom.
    pub recipient: RecipientName,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it became necessary.
    pub created_at: Timestamp,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// When it was told, given up or taken back.
    pub ended_at: Option<Timestamp>,
    /// Whether it may be sent again: what was given up, and what asks somebody outside, who then gets a new link and code.
    #[serde(default)]
    pub may_repeat: bool,
}

/// To whom a message goes, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientName {
    /// Who, such as "Mina Sato" or "Webhook of Standard".
    pub name: String,
    /// Where, where that is known: an email, a phone, the host of a webhook, whose whole address may be a secret.
    pub address: Option<String>,
}
