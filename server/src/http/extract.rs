//! What handlers are given: who is at the door, and what they brought. Refused here is refused before any use case.

use super::named::Named;
use super::problem::DoorError;
use super::{App, BODY_LIMIT};
use crate::desk::{Admin, AgentCaller, SignedIn};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use countersign_domain::canonical::{Canonical, Strict};
use countersign_wire::problem::Code;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// How long a body may take, all of it: 1 MiB over a poor line, and no more of a caller's trickle.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

impl FromRequestParts<App> for AgentCaller {
    type Rejection = DoorError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, DoorError> {
        let missing = || DoorError::new(Code::Unauthenticated, "Send `Authorization: Bearer <agent key or token>`.");
        let bearer = bearer(&parts.headers)?.ok_or_else(missing)?;
        let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_string());
        Ok(app.desk.authenticate_agent(bearer, ip).await?)
    }
}

/// The agent at the door of `/mcp`, where a refusal says where to read about keys (RFC 9728, section 5.1).
pub struct AgentDoor(pub AgentCaller);

impl FromRequestParts<App> for AgentDoor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let knocked = AgentCaller::from_request_parts(parts, app).await;
        knocked.map(Self).map_err(|error| {
            let mut response = error.into_response();
            let with_key = parts.headers.contains_key(AUTHORIZATION);
            let challenge = challenge(app, with_key);
            if response.status() == StatusCode::UNAUTHORIZED
                && let Ok(challenge) = HeaderValue::from_str(&challenge)
            {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            response
        })
    }
}

fn challenge(app: &App, with_key: bool) -> String {
    let origin = app.desk.public_url().origin();
    let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
    // RFC 6750, section 3.1: who brought nothing is told of no error.
    let error = if with_key { ", error=\"invalid_token\"" } else { "" };
    format!("Bearer realm=\"countersign\"{error}, resource_metadata=\"{metadata}\"")
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = DoorError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, DoorError> {
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(&cookie_name(app)).map(|cookie| cookie.value().to_owned());
        let token = match cookie {
            Some(cookie) => Some(cookie),
            None => bearer(&parts.headers)?.map(str::to_owned),
        };
        let token = token.ok_or_else(|| DoorError::new(Code::Unauthenticated, "You are not signed in."))?;
        Ok(app.desk.session(&token).await?)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = DoorError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, DoorError> {
        Ok(SignedIn::from_request_parts(parts, app).await?.admin()?)
    }
}

/// The session cookie's name. Plain http on loopback can't have `__Host-`, and cookies ignore ports, so there the
/// desk's id tells one desk's cookie from another's.
pub fn cookie_name(app: &App) -> String {
    match app.desk.public_url().is_https() {
        true => "__Host-countersign".to_owned(),
        false => {
            let id = app.desk.snapshot().desk.id.0.simple().to_string();
            format!("countersign_{}", &id[..8])
        }
    }
}

/// The one key or token that was sent. Of two none is believed: a proxy before us may have read the other.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, DoorError> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let first = sent.next();
    if sent.next().is_some() {
        return Err(DoorError::new(Code::BadRequest, "There are two `Authorization` headers; send one."));
    }
    let words = first.and_then(|value| value.to_str().ok()?.split_once(' '));
    Ok(words.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()))
}

/// A JSON body, read strictly: `application/json`, at most 1 MiB, no key twice, no integer beyond 2^53-1.
pub struct Body<T> {
    /// What it says.
    pub value: T,
    /// The body's canonical form, to tell the same body from another.
    pub canonical: Canonical,
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = DoorError;

    async fn from_request(request: Request, app: &App) -> Result<Self, DoorError> {
        check_content_type(request.headers())?;
        let slow = || DoorError::new(Code::BadRequest, "The body did not arrive in time.");
        let whole = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, app)).await;
        let bytes = whole.map_err(|_| slow())?.map_err(|rejection| {
            let status = rejection.into_response().status();
            match status.as_u16() {
                413 => DoorError::new(Code::TooLarge, format!("A body may have at most {BODY_LIMIT} bytes.")),
                _ => DoorError::new(Code::BadRequest, "The body could not be read."),
            }
        })?;
        let Strict(value) = serde_json::from_slice(&bytes).map_err(|error| not_strict(&error))?;
        let canonical =
            Canonical::of(&value).map_err(|error| DoorError::new(Code::ArgumentsNotCanonical, error.to_string()))?;
        Ok(Self { value: fitting(value)?, canonical })
    }
}

/// A body's JSON as what a call takes.
///
/// # Errors
/// Says what does not fit.
pub fn fitting<T: DeserializeOwned>(value: Value) -> Result<T, DoorError> {
    T::deserialize(Named(value)).map_err(|error| misfit(&error))
}

/// Fields that a later version brings, by the name that they will have.
const LATER: [&str; 1] = ["mask"];

/// A body that does not fit; what will fit later is told from what never does.
fn misfit(error: &serde_json::Error) -> DoorError {
    let said = error.to_string();
    match LATER.iter().find(|field| said.starts_with(&format!("unknown field `{field}`"))) {
        Some(field) => DoorError::new(Code::NotAvailable, format!("`{field}` is not available in this version.")),
        None => DoorError::new(Code::BadRequest, format!("The body: {said}.")),
    }
}

/// JSON that could be read in two ways is told from what is no JSON.
fn not_strict(error: &serde_json::Error) -> DoorError {
    let code = match error.classify() {
        Category::Data => Code::ArgumentsNotCanonical,
        Category::Syntax | Category::Eof | Category::Io => Code::BadRequest,
    };
    DoorError::new(code, format!("The body: {error}."))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), DoorError> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(DoorError::new(Code::UnsupportedMediaType, "Send `Content-Type: application/json`.")),
    }
}

/// An id in the path; what is none names nothing.
pub struct Id<T>(pub T);

impl<T: FromStr + Send> FromRequestParts<App> for Id<T> {
    type Rejection = DoorError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, DoorError> {
        let missing = || DoorError::new(Code::NotFound, "There is nothing with this id, or it is not yours to see.");
        let Path(text) = Path::<String>::from_request_parts(parts, app).await.map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

/// What a coding agent's hook calls itself, in `Countersign-Hook`: which of the processes that may wait for one request.
pub struct Hook(pub Option<String>);

/// The longest name of a hook.
const HOOK_LIMIT: usize = 64;

impl<S: Sync> FromRequestParts<S> for Hook {
    type Rejection = DoorError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, DoorError> {
        let Some(value) = parts.headers.get("countersign-hook") else { return Ok(Self(None)) };
        let name = value.to_str().unwrap_or_default();
        match (1..=HOOK_LIMIT).contains(&name.len()) {
            true => Ok(Self(Some(name.to_owned()))),
            false => Err(DoorError::new(Code::BadRequest, "A Countersign-Hook has 1 to 64 visible ASCII characters.")),
        }
    }
}

/// Query parameters.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Parameters<T> {
    type Rejection = DoorError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, DoorError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, app).await;
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| DoorError::new(Code::BadRequest, error.body_text()))
    }
}

/// What a stream was last sent, in `Last-Event-ID`.
pub fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get(HeaderName::from_static("last-event-id"))?.to_str().ok()?.trim().parse().ok()
}

/// Refuses calls that name another host: a page elsewhere that rebinds its name to us gets nowhere.
pub async fn check_host(State(app): State<App>, request: Request, next: Next) -> Response {
    match is_ours(&app, request.headers(), request.uri()) {
        true => next.run(request).await,
        false => {
            let detail = format!("This desk answers at {}.", app.desk.public_url().origin());
            DoorError::new(Code::Misdirected, detail).into_response()
        }
    }
}

/// Whether a call names this desk's host, and no other beside it: of two names somebody before us may have believed
/// the other.
pub fn is_ours(app: &App, headers: &HeaderMap, uri: &Uri) -> bool {
    let ours = app.desk.public_url().host();
    let in_headers = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let mut named = in_headers.chain(uri.authority().map(axum::http::uri::Authority::as_str)).peekable();
    named.peek().is_some() && named.all(|host| host.eq_ignore_ascii_case(&ours))
}

/// Refuses calls that name two hosts: of two names somebody before us may have believed the other (RFC 9112, section
/// 3.2).
pub async fn check_one_host(request: Request, next: Next) -> Response {
    match request.headers().get_all(HOST).iter().count() {
        0 | 1 => next.run(request).await,
        _ => DoorError::new(Code::BadRequest, "A call names one Host.").into_response(),
    }
}

/// Refuses calls by cookie that change something and were not begun on our own pages.
pub async fn check_site(State(app): State<App>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let headers = request.headers();
    let by_cookie = headers.contains_key(COOKIE) || !headers.contains_key(AUTHORIZATION);
    match changes && by_cookie && !is_same_site(&app, headers) {
        false => next.run(request).await,
        true => DoorError::new(Code::CrossSite, "This call was not begun on the desk's own page.").into_response(),
    }
}

fn is_same_site(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(ORIGIN) {
        Some(origin) => origin == app.desk.public_url().origin(),
        None => text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
    }
}
