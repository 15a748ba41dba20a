//! What agents can call, as an OpenAPI 3.1 document: `/v1/openapi.json`, and what `/docs` is drawn from.
//!
//! The calls stand in `calls`, the shapes come from `wire`. The handlers don't know of either.

mod calls;
mod errors;
mod words;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::LazyLock;
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Server};
use utoipa::{Modify, OpenApi};

pub use errors::{AGENT_CODES, Meaning};

/// The name of the one security scheme.
const AGENT_KEY: &str = "agent";

/// How to begin, in CommonMark as the field wants it. Only paragraphs and `code`, which is all that `/docs` draws.
const INTRODUCTION: &str = "\
An agent asks the desk for an action. A policy lets it through, refuses it, or holds it for a person to countersign. \
The desk then makes the call with a credential that the agent never sees, and hands the agent the result.

Send `Authorization: Bearer <key>` with every call: an API key (`csk_...`), or a JWT that the agent signs itself \
(RS256, ES256 or EdDSA; claims `agent_id`, `owner_id`, `iat` and `exp`, at most 60 seconds long).

Times are RFC 3339 in UTC with milliseconds. Errors are RFC 9457 problem details with a `code` that never changes its \
meaning. An ask that was accepted is on disk before anyone waits for it: after a lost connection, ask for it by its \
`approval_id`, or send it again with the same `Idempotency-Key`.";

/// Puts the skeleton together.
#[derive(OpenApi)]
#[openapi(
    paths(
        calls::create_action,
        calls::get_approval,
        calls::watch_approval,
        calls::withdraw_approval,
        calls::claim_approval,
        calls::report_outcome,
        calls::list_permissions,
        calls::list_pending_actions,
        calls::evaluate_access,
        calls::create_access_request,
        calls::get_access_status,
    ),
    components(schemas(calls::ActionForms, countersign_wire::problem::Problem)),
    modifiers(&Finish),
)]
struct Skeleton;

/// What the macros can't say.
struct Finish;

impl Modify for Finish {
    fn modify(&self, document: &mut Document) {
        document.info.title = "Countersign for agents".to_owned();
        document.info.version = env!("CARGO_PKG_VERSION").to_owned();
        document.info.description = Some(INTRODUCTION.to_owned());
        document.servers = Some(vec![Server::new("/")]);
        let components = document.components.get_or_insert_default();
        let bearer: Http = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The agent's API key, or a JWT that it signs itself"))
            .build();
        components.add_security_scheme(AGENT_KEY, SecurityScheme::Http(bearer));
        words::spell_out(components);
    }
}

/// The document.
#[must_use]
pub fn document() -> Document {
    Skeleton::openapi()
}

/// The document as JSON, made once.
pub fn document_json() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::to_value(document()).unwrap_or_else(|error| json!({"error": error.to_string()})));
    &DOCUMENT
}

/// The order in which a reader wants the calls: method in lower case, and path.
pub const READING_ORDER: [(&str, &str); 11] = [
    ("post", "/v1/actions"),
    ("get", "/v1/approvals/{id}"),
    ("get", "/v1/approvals/{id}/events"),
    ("delete", "/v1/approvals/{id}"),
    ("post", "/v1/access-request"),
    ("get", "/v1/access-request/status/{token}"),
    ("post", "/v1/approvals/{id}/claim"),
    ("post", "/v1/approvals/{id}/outcome"),
    ("get", "/v1/agent/permissions"),
    ("get", "/v1/agents/me/pending-actions"),
    ("post", "/v1/authzen/access"),
];

/// `GET /v1/openapi.json`
pub async fn get_document() -> Response {
    static BYTES: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document_json().to_string()));
    ([(CONTENT_TYPE, "application/json")], BYTES.clone()).into_response()
}

#[cfg(test)]
mod tests;
