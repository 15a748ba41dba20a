//! `/mcp`: the door of the gateway. Who knocks is known before a byte of what they say is believed.

use super::App;
use super::extract::AgentDoor;
use super::problem::DoorError;
use crate::desk::{AgentCaller, Desk};
use crate::http::BODY_LIMIT;
use crate::mcp::sessions::{CALLER, Sessions};
use crate::mcp::{Gateway, Presence, message};
use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use countersign_wire::problem::Code;
use futures::StreamExt as _;
use http_body_util::LengthLimitError;
use rmcp::transport::streamable_http_server::session::SessionStore;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a session of the older revisions lives in silence. Their clients don't begin anew by themselves.
const SILENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a message may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long those who wait have to hear that the server stops, before their streams end.
const LAST_WORDS: Duration = Duration::from_millis(500);

const SESSION_ID: &str = "mcp-session-id";

/// The protocol behind the door.
pub struct Mcp {
    service: StreamableHttpService<Gateway, LocalSessionManager>,
    sessions: Arc<Sessions>,
}

impl Mcp {
    pub fn new(desk: &Desk, stopping: watch::Receiver<bool>) -> Self {
        let mut session = SessionConfig::default();
        session.keep_alive = Some(SILENCE);
        let mut manager = LocalSessionManager::default();
        manager.session_config = session;
        let manager = Arc::new(manager);
        let sessions = Arc::new(Sessions::new(desk.clone(), Arc::clone(&manager)));
        let host = desk.public_url().host();
        let mut config = StreamableHttpServerConfig::default()
            .with_allowed_hosts(["localhost", "127.0.0.1", "::1", host.as_str()])
            .with_allowed_origins([desk.public_url().origin()])
            .with_json_response(true)
            .with_max_request_body_bytes(BODY_LIMIT)
            .with_cancellation_token(after_last_words(stopping.clone()));
        config.session_store = Some(Arc::clone(&sessions) as Arc<dyn SessionStore>);
        let desk = desk.clone();
        let gateway = move || Ok(Gateway::new(desk.clone(), stopping.clone()));
        Self { service: StreamableHttpService::new(gateway, manager, config), sessions }
    }

    async fn answer(&self, caller: AgentCaller, request: Request<Body>) -> Response {
        CALLER.scope(caller, self.service.handle(request)).await.map(Body::new)
    }
}

/// Cancelled a moment after the server begins to stop.
fn after_last_words(mut stopping: watch::Receiver<bool>) -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        // An error means that the server is gone, which is a stop too.
        let _ = stopping.wait_for(|stop| *stop).await;
        tokio::time::sleep(LAST_WORDS).await;
        cancelled.cancel();
    });
    token
}

pub async fn serve(State(app): State<App>, AgentDoor(caller): AgentDoor, request: Request) -> Response {
    let session = session_of(request.headers());
    if session.as_deref().is_some_and(|id| !app.mcp.sessions.enter(id, &caller)) {
        return (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response();
    }
    let (mut parts, body) = request.into_parts();
    let bytes = match read(body).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into_response(),
    };
    let mut in_flight = None;
    if parts.method == Method::POST {
        let message = match message::read(&bytes) {
            Ok(message) => message,
            Err(refused) => return refused.into_response(),
        };
        in_flight = match app.mcp.sessions.begin_call(session.as_deref(), &message) {
            Ok(call) => call,
            Err(error) => return message::refuse(&message["id"], &error).into_response(),
        };
    }
    let there = CancellationToken::new();
    let guard = (there.clone().drop_guard(), in_flight);
    parts.extensions.insert(caller.clone());
    parts.extensions.insert(Presence(there));
    let answer = answer_in_session(&app, session, caller.clone(), Request::from_parts(parts, Body::from(bytes))).await;
    // The whole answer is there, and nothing waits for the caller any more; or the guard lives as long as the stream:
    // who hangs up drops both.
    if is_stream(answer.headers()) { until_revoked(app.desk.clone(), caller, answer, guard) } else { answer }
}

fn session_of(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION_ID).and_then(|id| id.to_str().ok()).map(str::to_owned)
}

/// The protocol's answer; a session that begins with it, or begins again after a start, has begun.
async fn answer_in_session(
    app: &App,
    session: Option<String>,
    caller: AgentCaller,
    request: Request<Body>,
) -> Response {
    let alone = match &session {
        Some(session) => app.mcp.sessions.alone_unless_begun(session).await,
        None => None,
    };
    let answer = app.mcp.answer(caller, request).await;
    let begun_again = session.filter(|_| alone.is_some() && answer.status().is_success());
    if let Some(session) = session_of(answer.headers()).or(begun_again) {
        app.mcp.sessions.begun(&session);
    }
    answer
}

/// A stream of answers, as long as its key holds.
fn until_revoked(desk: Desk, caller: AgentCaller, answer: Response, guard: impl Send + 'static) -> Response {
    let revoked = async move { desk.until_revoked(&caller).await };
    answer.map(|body| {
        Body::from_stream(body.into_data_stream().take_until(Box::pin(revoked)).map(move |chunk| {
            let _there = &guard;
            chunk
        }))
    })
}

async fn read(body: Body) -> Result<Bytes, DoorError> {
    let whole = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_LIMIT)).await;
    let whole = whole.map_err(|_| DoorError::new(Code::BadRequest, "The body did not arrive in time."))?;
    whole.map_err(|error| match is_too_long(&error) {
        true => DoorError::new(Code::TooLarge, format!("A message may have at most {BODY_LIMIT} bytes.")),
        false => DoorError::new(Code::BadRequest, "The body could not be read."),
    })
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// What agents' clients look for when they are refused (RFC 9728, section 2). Keys are given by the desk's people, so no
/// authorization server is named.
pub async fn describe_resource(State(app): State<App>) -> Response {
    let origin = app.desk.public_url().origin();
    Json(json!({
        "resource": format!("{origin}/mcp"),
        "resource_name": app.desk.snapshot().desk.name,
        "resource_documentation": format!("{origin}/docs"),
        "bearer_methods_supported": ["header"],
    }))
    .into_response()
}
