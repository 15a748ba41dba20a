//! The interface's files, embedded with their compressed forms, and its pages, which are all one file.

use super::App;
use super::extract::is_ours;
use super::problem::DoorError;
use crate::desk::request_behind;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, VARY};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use countersign_wire::problem::Code;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../ui/dist"]
#[allow_missing = true]
struct Built;

/// What is served where the interface was not built: the server works all the same.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Countersign</title>\
    <p>The server runs, but its interface was not built. Run <code>cargo xtask ui</code> and build the server again.</p>\
    </html>";

pub fn routes() -> Router<App> {
    Router::new().route("/a/{short}", get(follow_short_link)).fallback(get_page)
}

/// A text message's link leads to the request's page; what is none leads to the page that says so.
async fn follow_short_link(State(app): State<App>, method: Method, headers: HeaderMap, uri: Uri) -> Response {
    let short = uri.path().strip_prefix("/a/").unwrap_or_default();
    match request_behind(short) {
        Some(id) => Redirect::temporary(&app.desk.public_url().with_path(&format!("/approve/{id}"))).into_response(),
        None => get_page(State(app), method, headers, uri).await,
    }
}

/// A file by its path, else the one page that draws them all. Pages answer at the desk's own address only.
async fn get_page(State(app): State<App>, method: Method, headers: HeaderMap, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return DoorError::new(Code::MethodNotAllowed, "This path takes GET only.").into_response();
    }
    if !is_ours(&app, &headers, &uri) {
        let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
        return Redirect::temporary(&app.desk.public_url().with_path(&one_slash(path))).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    match Built::get(path).filter(|_| !path.starts_with('.')) {
        Some(file) => serve(path, &headers, file.data),
        None if path.contains('.') || path.starts_with("assets/") => {
            DoorError::new(Code::NotFound, "There is no such file.").into_response()
        }
        None => match Built::get("index.html") {
            Some(page) => serve("index.html", &headers, page.data),
            None => (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response(),
        },
    }
}

/// `//host` in a redirect would leave for another host.
fn one_slash(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

type Bytes = std::borrow::Cow<'static, [u8]>;

fn serve(path: &str, headers: &HeaderMap, plain: Bytes) -> Response {
    let (encoding, bytes) = smallest(path, headers).unwrap_or((None, plain));
    let mut response = Response::new(match bytes {
        Bytes::Borrowed(bytes) => Body::from(bytes),
        Bytes::Owned(bytes) => Body::from(bytes),
    });
    let out = response.headers_mut();
    let value = axum::http::HeaderValue::from_static;
    out.insert(CONTENT_TYPE, value(content_type(path)));
    out.insert(VARY, value("accept-encoding"));
    // Names in `assets` carry a hash of their content; everything else may change with the next version.
    let forever = path.starts_with("assets/");
    out.insert(CACHE_CONTROL, value(if forever { "public, max-age=31536000, immutable" } else { "no-cache" }));
    if let Some(encoding) = encoding {
        out.insert(CONTENT_ENCODING, value(encoding));
    }
    response
}

/// The smallest form that the browser takes.
fn smallest(path: &str, headers: &HeaderMap) -> Option<(Option<&'static str>, Bytes)> {
    let accepted = headers.get(ACCEPT_ENCODING)?.to_str().ok()?;
    let takes = |name: &str| accepted.split(',').any(|part| part.split(';').next().unwrap_or_default().trim() == name);
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(name, _)| takes(name))
        .find_map(|(name, ending)| Built::get(&format!("{path}.{ending}")).map(|file| (Some(name), file.data)))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
