//! `POST /v1/actions`: an agent asks.

use super::super::App;
use super::super::extract::{Body, Hook, fitting};
use super::super::problem::{Answer, DoorError};
use super::preferred_wait;
use crate::desk::{AgentCaller, Ask, AskedArguments, Desk, Submitted, Wait};
use crate::store::requests::{DecidedBy, Request};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::canonical::Canonical;
use countersign_domain::execution::{Answer as UpstreamAnswer, Attempt, ExecutionErrorCode};
use countersign_domain::request::{Door, RequestState};
use countersign_wire::agent::{AgentValetBody, CallBody};
use countersign_wire::problem::Code;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The longest Idempotency-Key.
const KEY_LIMIT: usize = 255;
/// The longest name of a coding agent's session.
const SESSION_LIMIT: usize = 200;
/// How long a repeated ask waits for a call that is under way anyway.
const UNDER_WAY: Duration = Duration::from_secs(55);
/// Says of a bare body that it is only the beginning of what the upstream sent.
const TRUNCATED: HeaderName = HeaderName::from_static("countersign-truncated");

pub async fn create_action(
    State(app): State<App>,
    caller: AgentCaller,
    Hook(hook): Hook,
    headers: HeaderMap,
    body: Body<Value>,
) -> Answer<Response> {
    let wait = preferred_wait(&headers);
    let mut ask = ask(body, &headers)?;
    if hook.is_some() {
        ask.door = Door::Hook;
    }
    let hook = hook.as_deref();
    // They hold on to the connection's buffer.
    drop(headers);
    // What takes part in the asking is gone before the waiting begins: many wait at once.
    let answer = match Box::pin(app.desk.submit(&caller, ask)).await? {
        Submitted::Held(request) => held(&app, &caller, request, wait, hook).await?,
        Submitted::Sent(request, sending) => {
            let attempt = sending.attempt().await;
            sent(&request, &attempt)?
        }
        Submitted::Denied(request) => return Err(denied(&request)),
        Submitted::Joined(request) => held(&app, &caller, request, wait, hook).await?,
        Submitted::Known(id) => {
            let request = app.desk.request_of(&caller, id).await?;
            Box::pin(again(&app, &caller, request, wait, hook)).await?
        }
    };
    Ok(applied(answer, wait))
}

fn ask(body: Body<Value>, headers: &HeaderMap) -> Answer<Ask> {
    let idempotency = idempotency_of(headers, &body.canonical)?;
    // Told apart by a key that only one form has, so that a mistake is named in the form that was meant.
    let is_agent_valet = ["platform", "scope", "endpoint"].iter().any(|key| body.value.get(key).is_some());
    Ok(match is_agent_valet {
        true => agent_valet(fitting::<AgentValetBody>(body.value)?, idempotency),
        false => call(fitting::<CallBody>(body.value)?, idempotency)?,
    })
}

fn call(body: CallBody, idempotency: Option<(String, String)>) -> Answer<Ask> {
    let fits = |id: &String| (1..=SESSION_LIMIT).contains(&id.chars().count()) && !id.chars().any(char::is_control);
    if body.session_id.as_ref().is_some_and(|id| !fits(id)) {
        let detail = format!("`session_id` has 1 to {SESSION_LIMIT} characters, none of them a control character.");
        return Err(DoorError::new(Code::BadRequest, detail));
    }
    Ok(Ask {
        connector: body.connector,
        tool: body.tool,
        arguments: AskedArguments::Given(body.arguments.0),
        reason: body.reason,
        on_behalf_of: body.on_behalf_of,
        idempotency,
        door: if body.session_id.is_some() { Door::Hook } else { Door::Http },
        session_id: body.session_id,
    })
}

fn agent_valet(body: AgentValetBody, idempotency: Option<(String, String)>) -> Ask {
    Ask {
        connector: body.platform,
        tool: body.scope,
        arguments: AskedArguments::AgentValet {
            endpoint: body.endpoint,
            method: body.method,
            data: body.data.map(|data| data.0),
            connection_id: body.connection_id,
        },
        reason: body.reason,
        on_behalf_of: None,
        idempotency,
        door: Door::Http,
        session_id: None,
    }
}

/// The Idempotency-Key and the SHA-256 of the body that it stands for, hex.
pub(super) fn idempotency_of(headers: &HeaderMap, body: &Canonical) -> Answer<Option<(String, String)>> {
    Ok(idempotency_key(headers)?.map(|key| (key, hex::encode(Sha256::digest(body.bytes())))))
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Answer<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map(str::trim).unwrap_or_default();
    match (1..=KEY_LIMIT).contains(&key.len()) {
        true => Ok(Some(key.to_owned())),
        false => Err(DoorError::new(Code::BadRequest, "An Idempotency-Key has 1 to 255 visible ASCII characters.")),
    }
}

async fn held(
    app: &App,
    caller: &AgentCaller,
    request: Box<Request>,
    wait: Option<Duration>,
    hook: Option<&str>,
) -> Answer<Response> {
    let Some(limit) = wait else { return waiting_or_ended(app, &request, hook).await };
    let id = request.id;
    let _waiting = app.desk.wait_for(&request, hook).await?;
    drop(request);
    tokio::select! {
        waited = app.desk.await_request(caller, id, Wait::ForEnd(limit)) => waiting_or_ended(app, &*waited?, hook).await,
        // Who hears this now can't be known any more, so nothing is handed over on the strength of it.
        () = app.stopped() => Ok(accepted(&*app.desk.request_of(caller, id).await?)),
    }
}

async fn waiting_or_ended(app: &App, request: &Request, hook: Option<&str>) -> Answer<Response> {
    if !request.has_ended() {
        if request.door.rejoins() {
            app.desk.hand_over(request.id).await?;
        }
        if let Some(hook) = hook {
            app.desk.expect(request, hook);
        }
        return Ok(accepted(request));
    }
    // What the agent runs itself is its own by the claim.
    if request.state != RequestState::Approved {
        app.desk.note_delivery(request).await?;
    }
    Ok(Json(app.desk.approval(request)?).into_response())
}

/// 202: it is durable, and here is where to ask.
fn accepted(request: &Request) -> Response {
    let body = json!({
        "approval_id": request.id,
        "status": request.state.status(),
        "expires_at": request.expires_at,
        "created_at": request.created_at,
    });
    accepted_as(request, body)
}

/// 202 in these words, with where to ask and when.
pub(super) fn accepted_as(request: &Request, body: impl Serialize) -> Response {
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/approvals/{}", request.id)) {
        headers.insert(LOCATION, location);
    }
    headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn sent(request: &Request, attempt: &Attempt) -> Answer<Response> {
    match attempt {
        Attempt::NotSent(why) => Err(DoorError::new(Code::NotSent, why.clone()).of(request.id)),
        Attempt::Unknown(why) => Err(DoorError::new(Code::OutcomeUnknown, why.clone()).of(request.id)),
        Attempt::Answered(answer) if request.bare => Ok(bare(answer)),
        Attempt::Answered(_) => Ok(Json(Desk::approval_of_attempt(request, attempt)).into_response()),
    }
}

/// AgentValet's clients expect the upstream's own status and body. A status that can't stand on its own answer (1xx,
/// 3xx without its headers) keeps its number all the same: it is what the upstream said.
fn bare(answer: &UpstreamAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let content_type = answer.content_type.as_deref().unwrap_or("application/json");
    let is_json = content_type.split(';').next().is_some_and(|essence| essence.trim().ends_with("json"));
    let body = match (&answer.data, answer.base64()) {
        (_, Some(binary)) if !is_json => STANDARD.decode(binary).unwrap_or_else(|_| binary.as_bytes().to_vec()),
        (Value::Null, _) => Vec::new(),
        (Value::String(text), _) if !is_json || answer.truncated.is_some() => text.as_bytes().to_vec(),
        (data, _) => data.to_string().into_bytes(),
    };
    let mut response = (status, body).into_response();
    // `nosniff` goes with every answer, so a page that an upstream sends is never run as one of ours.
    let safe =
        if is_json || content_type.starts_with("text/plain") { content_type } else { "application/octet-stream" };
    let value = HeaderValue::from_str(safe).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, value);
    if let Some(note) = answer.truncated.as_deref().and_then(|note| HeaderValue::from_str(note).ok()) {
        response.headers_mut().insert(TRUNCATED, note);
    }
    response
}

pub(super) fn denied(request: &Request) -> DoorError {
    let detail = match &request.decided_by {
        _ if request.comment.is_some() => request.comment.clone().unwrap_or_default(),
        Some(DecidedBy::Policy { name: Some(name) }) => format!("The policy {name:?} denies this."),
        _ => "No policy allows this.".to_owned(),
    };
    DoorError::new(Code::PolicyDenied, detail).of(request.id)
}

/// The same ask again: the answer that it has by now, in the shape that it would have had.
async fn again(
    app: &App,
    caller: &AgentCaller,
    request: Box<Request>,
    wait: Option<Duration>,
    hook: Option<&str>,
) -> Answer<Response> {
    let at_once = matches!(request.decided_by, Some(DecidedBy::Policy { .. } | DecidedBy::Grant { .. }));
    if request.state == RequestState::Denied && at_once {
        return Err(denied(&request));
    }
    if !at_once {
        return held(app, caller, request, wait, hook).await;
    }
    let request = app.desk.await_request(caller, request.id, Wait::ForEnd(UNDER_WAY)).await?;
    if !request.has_ended() {
        return Ok(accepted(&request));
    }
    let why = request.error.clone().unwrap_or_default();
    match request.error_code {
        Some(ExecutionErrorCode::NotSent) => Err(DoorError::new(Code::NotSent, why).of(request.id)),
        Some(ExecutionErrorCode::OutcomeUnknown) => Err(DoorError::new(Code::OutcomeUnknown, why).of(request.id)),
        _ => match app.desk.answer_of(&request)?.filter(|_| request.bare) {
            Some(answer) => Ok(bare(&answer)),
            None => Ok(Json(app.desk.approval(&request)?).into_response()),
        },
    }
}

fn applied(mut response: Response, wait: Option<Duration>) -> Response {
    let value = wait.and_then(|wait| HeaderValue::from_str(&format!("wait={}", wait.as_secs())).ok());
    if let Some(value) = value {
        response.headers_mut().insert(HeaderName::from_static("preference-applied"), value);
    }
    response
}
