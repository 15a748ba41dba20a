//! `/v1/access-request`: an agent asks for several tools at once.

use super::super::App;
use super::super::extract::Body;
use super::super::problem::{Answer, DoorError};
use super::actions::{accepted_as, denied, idempotency_of};
use crate::desk::{AccessAsk, AccessAsked, AgentCaller};
use crate::store::requests::Request;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::response::Response;
use countersign_domain::request::RequestState;
use countersign_wire::agent::{AccessRequestBody, AccessRequested, AccessStatus};
use countersign_wire::problem::Code;
use secrecy::ExposeSecret as _;

pub async fn create_access_request(
    State(app): State<App>,
    caller: AgentCaller,
    headers: HeaderMap,
    body: Body<AccessRequestBody>,
) -> Answer<Response> {
    let idempotency = idempotency_of(&headers, &body.canonical)?;
    let ask = ask(body.value, idempotency)?;
    let (request, token) = match app.desk.request_access(&caller, ask).await? {
        AccessAsked::New(request, token) => (request, Some(token)),
        AccessAsked::Known(id) => (app.desk.request_of(&caller, id).await?, None),
    };
    // A person's no is an answer to ask for; a policy's was given with the ask.
    if request.state == RequestState::Denied && request.flow.is_none() {
        return Err(denied(&request));
    }
    Ok(accepted(&request, token.map(|token| token.expose_secret().to_owned())))
}

pub async fn get_access_status(
    State(app): State<App>,
    caller: AgentCaller,
    Path(token): Path<String>,
) -> Answer<Json<AccessStatus>> {
    Ok(Json(app.desk.access_status(&caller, &token).await?))
}

fn ask(body: AccessRequestBody, idempotency: Option<(String, String)>) -> Answer<AccessAsk> {
    let AccessRequestBody { connector, platform, tools, scope, note, reason, duration_minutes } = body;
    Ok(AccessAsk {
        connector: one("connector", connector, "platform", platform)?.ok_or_else(|| missing("connector"))?,
        tools: one("tools", tools, "scope", scope.map(|scope| vec![scope]))?.ok_or_else(|| missing("tools"))?,
        note: one("note", note, "reason", reason)?,
        minutes: duration_minutes,
        idempotency,
    })
}

/// Either of two words for the same thing.
fn one<T>(name: &str, given: Option<T>, other_name: &str, other: Option<T>) -> Answer<Option<T>> {
    match (given, other) {
        (Some(_), Some(_)) => {
            let detail = format!("The body: `{name}` and `{other_name}` say the same; send one of them.");
            Err(DoorError::new(Code::BadRequest, detail))
        }
        (given, other) => Ok(given.or(other)),
    }
}

fn missing(name: &str) -> DoorError {
    DoorError::new(Code::BadRequest, format!("The body: missing field `{name}`."))
}

fn accepted(request: &Request, request_token: Option<String>) -> Response {
    let body = AccessRequested { request_id: request.id, request_token, status: request.state.status() };
    accepted_as(request, body)
}
