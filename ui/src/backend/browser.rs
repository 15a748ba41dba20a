//! Calls by `fetch`, same origin, with the session's cookie.

use super::{Answer, Failure, Method, clock};
use gloo_timers::callback::Timeout;
use js_sys::JsString;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestCache, RequestInit, Response};

/// Longer than any call of ours should take; a hanging connection must not leave "Processing..." forever.
const PATIENCE_MS: u32 = 30_000;

pub(super) async fn send(method: Method, path: &str, body: Option<String>) -> Result<Answer, Failure> {
    let init = request(method, body).map_err(|_| Failure::Unreadable)?;
    let abort = AbortController::new().ok();
    init.set_signal(abort.as_ref().map(AbortController::signal).as_ref());
    let _until = Timeout::new(PATIENCE_MS, move || {
        if let Some(abort) = abort {
            abort.abort();
        }
    });
    exchange(path, &init).await.map_err(|_| Failure::Unreachable)
}

fn request(method: Method, body: Option<String>) -> Result<RequestInit, JsValue> {
    let (init, headers) = (RequestInit::new(), Headers::new()?);
    init.set_method(method.word());
    init.set_cache(RequestCache::NoStore);
    headers.set("Accept", "application/json")?;
    if let Some(body) = body {
        headers.set("Content-Type", "application/json")?;
        init.set_body(&JsValue::from_str(&body));
    }
    init.set_headers(&headers);
    Ok(init)
}

async fn exchange(path: &str, init: &RequestInit) -> Result<Answer, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(path, init)).await?.dyn_into()?;
    clock::learn(response.headers().get("date")?.as_deref());
    let body: JsString = JsFuture::from(response.text()?).await?.dyn_into()?;
    Ok(Answer { status: response.status(), body: body.into() })
}
