//! People and invitations, for admins.

use countersign_domain::Timestamp;
use countersign_domain::ids::{DelegationId, UserId};
use countersign_domain::user::Role;
use serde::{Deserialize, Serialize};

/// One person in `GET /api/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Who.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their role.
    pub role: Role,
    /// Their groups.
    pub groups: Vec<String>,
    /// Whether their account is open.
    pub active: bool,
    /// How many passkeys they have; none means that they can't sign in without a link.
    pub passkeys: u32,
    /// Until when their newest passkey can't approve or widen, because no older one vouches for it.
    #[serde(default)]
    pub fresh_passkey_until: Option<Timestamp>,
    /// When they were last here.
    pub last_seen_at: Option<Timestamp>,
}

/// `PATCH /api/users/{id}`; what is left out stays.
#[derive(Clone, Debug, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// All groups from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Close or reopen the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// `POST /api/delegations`: who is asked in this person's place, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationBody {
    /// The colleague's address.
    pub to: String,
    /// From when; now when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when; at most 90 days.
    pub until: Timestamp,
}

/// One of `GET /api/delegations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationRow {
    /// Which.
    pub id: DelegationId,
    /// Whether the reader is away; else they stand in.
    pub own: bool,
    /// The name of who is away.
    pub away: String,
    /// The name of who is asked in their place.
    pub stand_in: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// `POST /api/invitations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationBody {
    /// For whom.
    pub email: String,
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// As what.
    #[serde(default)]
    pub role: Role,
    /// In which groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// The answer: the link is shown once and works once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// The link to hand over.
    pub url: String,
    /// When it goes stale.
    pub expires_at: Timestamp,
}
