//! Errors as RFC 9457 problem details, with a stable `code` that a client can branch on.

use serde::{Deserialize, Serialize};

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error as every door answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: the code says more than a page would.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong here, as a plain sentence.
    pub detail: String,
    /// Stable; see [`Code`].
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Code,
    /// With `request_ended` and its like: the state that the request is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The request, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// One entry per wrong field, where there are fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field, such as `steps[0].approvers`.
    pub field: String,
    /// A plain sentence.
    pub message: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $word:literal $status:literal)*) => {
        /// What a client may branch on. A word once given never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $word)] $name,)*
            /// A code that this version doesn't know.
            #[serde(other, rename = "unknown")] Unknown }

        impl Code {
            /// The word on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status that it comes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }
        }
    };
}

codes! {
    /// The body or a parameter is not what this call takes.
    BadRequest "bad_request" 400
    /// No key or session, or one that opens nothing.
    Unauthenticated "unauthenticated" 401
    /// Signed in, but this is not for you.
    Forbidden "forbidden" 403
    /// A policy says no.
    PolicyDenied "policy_denied" 403
    /// The agent may not act for that user.
    OnBehalfOfNotPermitted "on_behalf_of_not_permitted" 403
    /// The agent is suspended.
    AgentSuspended "agent_suspended" 403
    /// A passkey assertion at most five minutes old is needed.
    ReauthRequired "reauth_required" 403
    /// Not asked at this step.
    NotYourTurn "not_your_turn" 403
    /// This passkey is too new to approve or widen with.
    PasskeyTooNew "passkey_too_new" 403
    /// This decision needs a passkey ceremony.
    CeremonyRequired "ceremony_required" 403
    /// The assertion does not fit what was to be signed.
    AssertionRefused "assertion_refused" 403
    /// A call from another site, or without its origin.
    CrossSite "cross_site" 403
    /// Nothing there, or nothing that you may see.
    NotFound "not_found" 404
    /// No such tool, or none that this agent may see.
    UnknownTool "unknown_tool" 404
    /// This path takes other methods.
    MethodNotAllowed "method_not_allowed" 405
    /// The request has ended; `state` says how.
    RequestEnded "request_ended" 409
    /// You have voted on this request.
    AlreadyDecided "already_decided" 409
    /// The claim was taken before.
    AlreadyClaimed "already_claimed" 409
    /// The window to claim is over.
    ClaimExpired "claim_expired" 409
    /// There is no approval to claim.
    NotApproved "not_approved" 409
    /// Somebody changed it meanwhile, or the name is taken.
    Conflict "conflict" 409
    /// A one-time link or ceremony was used, or is over.
    LinkSpent "link_spent" 410
    /// Over 1 MiB.
    TooLarge "too_large" 413
    /// Not `application/json`.
    UnsupportedMediaType "unsupported_media_type" 415
    /// The Host is not this desk's.
    Misdirected "misdirected" 421
    /// A field is wrong; `errors` says which.
    Invalid "invalid" 422
    /// The arguments don't fit the tool's schema.
    InvalidArguments "invalid_arguments" 422
    /// Duplicate keys, or integers beyond 2^53-1.
    ArgumentsNotCanonical "arguments_not_canonical" 422
    /// AgentValet's endpoint or method is not the named scope's.
    EndpointNotInScope "endpoint_not_in_scope" 422
    /// Same Idempotency-Key, other body.
    IdempotencyMismatch "idempotency_mismatch" 422
    /// A later version brings it.
    NotAvailable "not_available" 422
    /// Too many of this agent's requests wait.
    TooManyPending "too_many_pending" 429
    /// This agent asked too often within a minute.
    TooManyAsks "too_many_asks" 429
    /// This agent was denied too often in a row, and has to wait.
    CoolingDown "cooling_down" 429
    /// Too many tries.
    TooManyTries "too_many_tries" 429
    /// The desk could not do it; its log says why.
    Internal "internal" 500
    /// Nothing was sent upstream.
    NotSent "not_sent" 502
    /// Sent, and no complete answer came.
    OutcomeUnknown "outcome_unknown" 502
    /// The desk can't write its record now; nothing ran.
    StoreUnavailable "store_unavailable" 503
    /// Not set up yet, or stopping.
    Unavailable "unavailable" 503
}

impl Problem {
    /// A problem with its code's status.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".into(),
            title: title(code.status()).into(),
            status: code.status(),
            detail: detail.into(),
            code,
            state: None,
            approval_id: None,
            errors: Vec::new(),
        }
    }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_from_a_newer_server_still_reads() {
        let code: Code = serde_json::from_str("\"brand_new\"").unwrap();
        assert_eq!(code, Code::Unknown);
    }

    #[test]
    fn a_problem_carries_code_and_status() {
        let json = serde_json::to_value(Problem::new(Code::RequestEnded, "It ended.")).unwrap();
        assert_eq!(json["code"], "request_ended");
        assert_eq!(json["status"], 409);
        assert_eq!(json["type"], "about:blank");
    }
}
