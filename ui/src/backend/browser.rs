//! Calls by `fetch`, same origin, with the session's cookie.

use super::{Answer, Failure, Method, clock};
use gloo_net::http::{Method as HttpMethod, RequestBuilder};
use gloo_timers::callback::Timeout;
use web_sys::{AbortController, RequestCache};

/// Longer than any call of ours should take; a hanging connection must not leave "Processing..." forever.
const PATIENCE_MS: u32 = 30_000;

pub(super) async fn send(method: Method, path: &str, body: Option<String>) -> Result<Answer, Failure> {
    let method = match method {
        Method::Get => HttpMethod::GET,
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Patch => HttpMethod::PATCH,
        Method::Delete => HttpMethod::DELETE,
    };
    let abort = AbortController::new().ok();
    let signal = abort.as_ref().map(AbortController::signal);
    let _until = Timeout::new(PATIENCE_MS, move || {
        if let Some(abort) = abort {
            abort.abort();
        }
    });
    let builder = RequestBuilder::new(path)
        .method(method)
        .cache(RequestCache::NoStore)
        .header("Accept", "application/json")
        .abort_signal(signal.as_ref());
    let request = match body {
        Some(body) => builder.header("Content-Type", "application/json").body(body),
        None => builder.build(),
    };
    let response = request.map_err(|_| Failure::Unreadable)?.send().await.map_err(|_| Failure::Unreachable)?;
    clock::learn(response.headers().get("date").as_deref());
    let status = response.status();
    let body = response.text().await.map_err(|_| Failure::Unreachable)?;
    Ok(Answer { status, body })
}
