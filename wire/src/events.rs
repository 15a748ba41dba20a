//! `GET /api/events`: what happened to requests that the reader may see.

use countersign_domain::Timestamp;
use countersign_domain::ids::RequestId;
use countersign_domain::request::RequestState;
use serde::{Deserialize, Serialize};

/// The SSE event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// A new request.
    #[serde(rename = "request.created")]
    Created,
    /// It moved, and goes on.
    #[serde(rename = "request.updated")]
    Updated,
    /// It ended.
    #[serde(rename = "request.ended")]
    Ended,
}

impl EventKind {
    /// The SSE event name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "request.created",
            Self::Updated => "request.updated",
            Self::Ended => "request.ended",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Ended].into_iter().find(|kind| kind.word() == word)
    }
}

/// The SSE event, without data of its own, that tells admins that [`crate::session::SessionInfo::notices`] has changed.
pub const NOTICE_EVENT: &str = "desk.notice";

/// The data of an event. Ids are told, contents are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEvent {
    /// The request.
    pub id: RequestId,
    /// Where it stands.
    pub state: RequestState,
    /// Since when.
    pub at: Timestamp,
}
