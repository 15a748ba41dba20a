//! Signing in and out, setting up, and passkeys.

use countersign_domain::Timestamp;
use countersign_domain::ids::{PasskeyId, UserId};
use countersign_domain::user::Role;
use serde::{Deserialize, Serialize};

/// `GET /api/desk`: what anyone may know before signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskInfo {
    /// Its name; "Countersign" until it was given one.
    pub name: String,
    /// Whether nobody has set it up yet.
    pub setup_needed: bool,
    /// Whether this is the throw-away demo.
    pub demo: bool,
    /// The server's version.
    pub version: String,
}

/// `GET /api/session`, and the answer of every sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Who is signed in.
    pub user: Me,
    /// The desk's name.
    pub desk: String,
    /// Whether this is the throw-away demo.
    pub demo: bool,
    /// How many passkeys they have.
    pub passkeys: u32,
    /// Until when widening needs no new touch; null when it needs one now.
    pub fresh_until: Option<Timestamp>,
    /// Whether widening needs a passkey touch at all (not on a desk that confirms by session alone and where this
    /// person has none).
    pub widening_needs_passkey: bool,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// What an admin is told, the newest first; empty for everybody else.
    #[serde(default)]
    pub notices: Vec<Notice>,
}

/// Something that the admins are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Somebody added a passkey that no older one vouches for: told for a day, so that an admin can close the account
    /// of somebody whose session was stolen.
    PasskeyAdded {
        /// Whose account.
        user_id: UserId,
        /// Their name.
        user: String,
        /// Their address.
        email: String,
        /// What the passkey is called.
        passkey: String,
        /// When it was added.
        at: Timestamp,
        /// From when it may approve and widen.
        usable_from: Timestamp,
    },
}

/// The one who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
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
}

/// A one-time token out of a link's fragment: `POST /api/session/link`, `/api/setup/look`, `/api/invitations/look`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkToken {
    /// The token.
    pub token: String,
}

/// `POST /api/session/passkey/start`.
#[derive(Clone, Debug, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct SignInStart {
    /// Whose passkeys; without it the browser offers what it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// `POST /api/session/app`: the browser signs the desktop app in (RFC 7636, S256), with what `GET /sign-in/app` was asked
/// with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSignIn {
    /// The SHA-256 of the app's verifier, base64url.
    pub code_challenge: String,
    /// Where the app waits: `http://127.0.0.1:<port>/` or `countersign://sign-in`.
    pub redirect_uri: String,
    /// Handed back as it is.
    pub state: String,
}

/// Where the browser goes to hand the code over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppRedirect {
    /// The app's address with `code` and `state`.
    pub location: String,
}

/// `POST /api/session/token`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppTokenBody {
    /// The code.
    pub code: String,
    /// What the challenge was made of.
    pub code_verifier: String,
}

/// The app's session.
#[derive(Clone, Serialize, Deserialize)]
pub struct AppToken {
    /// To be sent as a bearer.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// `POST /api/setup/start`: names the desk and its first admin.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupStart {
    /// The token from the setup link.
    pub token: String,
    /// What to call the desk.
    pub desk_name: String,
    /// The admin's name.
    pub name: String,
    /// The admin's address.
    pub email: String,
    /// Whether the admin may approve what their own agents ask: a desk of one person needs it.
    #[serde(default)]
    pub allow_self_approval: bool,
}

/// `POST /api/invitations/look`: what an invitation says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationInfo {
    /// The desk's name.
    pub desk: String,
    /// For whom.
    pub email: String,
    /// The name that the admin gave.
    pub name: String,
    /// As what.
    pub role: Role,
    /// When the link goes stale.
    pub expires_at: Timestamp,
}

/// `POST /api/invitations/accept/start`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationAccept {
    /// The token from the link.
    pub token: String,
    /// What the person wants to be called.
    pub name: String,
}

/// `POST /api/passkeys/start`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyStart {
    /// What to call it: "Dana's phone".
    pub name: String,
}

/// One of the reader's own passkeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyRow {
    /// Which.
    pub id: PasskeyId,
    /// What it is called.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// From when it may approve and widen, where that is still to come.
    pub usable_from: Option<Timestamp>,
}
