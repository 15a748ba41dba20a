//! People outside: looking at a request by a message's link, and deciding on it with the message's code.

use crate::requests::Card;
use countersign_domain::request::Vote;
use serde::{Deserialize, Serialize};

/// The answer of `POST /api/outside/look`, whose body is a [`crate::session::LinkToken`]; a link that decides nothing any
/// more is refused with the reason instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutsideView {
    /// The desk's name.
    pub desk: String,
    /// For whom the link is, masked.
    pub to: String,
    /// What is asked, without what only people with an account see.
    pub card: Card,
}

/// `POST /api/outside/decide`; the answer is a [`crate::requests::Decided`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideDecision {
    /// The link's token.
    pub token: String,
    /// The six digits of the message that brought the link.
    pub code: String,
    /// Approve or deny.
    pub decision: Vote,
    /// What to tell the agent, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
