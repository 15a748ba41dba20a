//! Web Push in this browser (W3C Push API): whether it can be turned on, whether it is, and turning it on.

use super::{Backend, Failure, Reply, read};
use countersign_wire::Page;
use countersign_wire::me::{BrowserBody, BrowserKeys, BrowserRow, PushKey};
use js_sys::{JSON, Reflect};
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Navigator, Notification, NotificationPermission, PushSubscription, PushSubscriptionOptionsInit,
    ServiceWorkerRegistration, Window,
};

/// The service worker that shows what is pushed.
const WORKER: &str = "/sw.js";
/// Where this browser keeps that somebody said "Not now".
const LATER: &str = "countersign-push-later";

/// How pushes stand in this browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PushStanding {
    /// It can't take any.
    Unsupported,
    /// Its reader said no, which only its settings undo.
    Denied,
    /// It takes none.
    Off,
    /// It takes this reader's; by this endpoint the desk knows it.
    On(String),
}

/// How turning pushes on can fail in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PushFailure {
    /// The reader said no, or closed the question.
    NotAllowed,
    /// Something else; the browser's words.
    Other(String),
}

impl PushFailure {
    pub(super) fn message(&self) -> String {
        match self {
            Self::NotAllowed => "This browser was not allowed to show notifications. Allow them for this address in \
                                 the browser's settings, then try again."
                .to_owned(),
            Self::Other(words) => format!("This browser could not turn notifications on: {words}"),
        }
    }
}

/// What a `PushSubscription` says of itself.
#[derive(Deserialize)]
struct Said {
    endpoint: String,
    keys: BrowserKeys,
}

impl Backend {
    /// How pushes stand in this browser, for the one who is signed in: somebody else's are none of theirs.
    pub(crate) fn push_standing(&self) -> Reply<PushStanding> {
        let this = self.clone();
        Box::pin(async move {
            let Some(window) = web_sys::window().filter(is_supported) else { return Ok(PushStanding::Unsupported) };
            if Notification::permission() == NotificationPermission::Denied {
                return Ok(PushStanding::Denied);
            }
            let Some(endpoint) = endpoint_of(&window.navigator()).await else { return Ok(PushStanding::Off) };
            let mine: Page<BrowserRow> = this.get("/api/push/subscriptions").await?;
            let known = mine.items.iter().any(|browser| browser.endpoint == endpoint);
            Ok(if known { PushStanding::On(endpoint) } else { PushStanding::Off })
        })
    }

    /// Asks the reader for leave to show notifications, signs this browser up, and tells the desk of it. To be called
    /// from a tap: browsers ask nobody out of the blue.
    pub(crate) fn turn_push_on(&self) -> Reply<PushStanding> {
        let this = self.clone();
        let asked = Notification::request_permission();
        Box::pin(async move {
            let answer = settled(asked).await.map_err(|error| failed(&error))?;
            if answer.as_string().as_deref() != Some("granted") {
                return Err(Failure::Push(PushFailure::NotAllowed));
            }
            let PushKey { key } = this.get("/api/push/key").await?;
            let navigator = web_sys::window().ok_or(Failure::Unreadable)?.navigator();
            let said = sign_up(&navigator, &key).await.map_err(|error| failed(&error))?;
            let Said { endpoint, keys } = read::from_text(&said).map_err(|_| Failure::Unreadable)?;
            let agent = navigator.user_agent().unwrap_or_default();
            let body = BrowserBody { endpoint, keys, label: Some(label(&agent)) };
            let row: BrowserRow = this.post("/api/push/subscriptions", &body).await?;
            Ok(PushStanding::On(row.endpoint))
        })
    }
}

/// Whether the reader of this browser said "Not now". Where nothing can be kept, they are asked again next time.
pub(crate) fn is_put_off() -> bool {
    let kept = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
    kept.and_then(|kept| kept.get_item(LATER).ok().flatten()).is_some()
}

/// Keeps that they said so.
pub(crate) fn put_off() {
    if let Some(kept) = web_sys::window().and_then(|window| window.local_storage().ok().flatten()) {
        let _ = kept.set_item(LATER, "1");
    }
}

fn is_supported(window: &Window) -> bool {
    let has = |object: &JsValue, name: &str| Reflect::has(object, &JsValue::from_str(name)).unwrap_or(false);
    has(window, "PushManager") && has(window, "Notification") && has(&window.navigator(), "serviceWorker")
}

async fn settled(promise: Result<js_sys::Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}

/// By which address the browser takes pushes from here now, if it does.
async fn endpoint_of(navigator: &Navigator) -> Option<String> {
    let found = JsFuture::from(navigator.service_worker().get_registration()).await.ok()?;
    let registration: ServiceWorkerRegistration = found.dyn_into().ok()?;
    let found = settled(registration.push_manager().ok()?.get_subscription()).await.ok()?;
    Some(found.dyn_into::<PushSubscription>().ok()?.endpoint())
}

/// The new subscription as JSON. One that was made for another desk at this address is in the way, and goes.
async fn sign_up(navigator: &Navigator, key: &str) -> Result<String, JsValue> {
    let workers = navigator.service_worker();
    JsFuture::from(workers.register(WORKER)).await?;
    let registration: ServiceWorkerRegistration = settled(workers.ready()).await?.unchecked_into();
    let manager = registration.push_manager()?;
    let wanted = PushSubscriptionOptionsInit::new();
    wanted.set_user_visible_only(true);
    wanted.set_application_server_key(&JsValue::from_str(key));
    let subscription = match settled(manager.subscribe_with_options(&wanted)).await {
        Ok(subscription) => subscription,
        Err(error) => {
            let before = settled(manager.get_subscription()).await?;
            let before: PushSubscription = before.dyn_into().map_err(|_| error)?;
            settled(before.unsubscribe()).await?;
            settled(manager.subscribe_with_options(&wanted)).await?
        }
    };
    Ok(JSON::stringify(&subscription)?.into())
}

fn failed(error: &JsValue) -> Failure {
    let word = |name| Reflect::get(error, &JsValue::from_str(name)).ok().and_then(|word| word.as_string());
    Failure::Push(match word("name").as_deref() {
        Some("NotAllowedError") => PushFailure::NotAllowed,
        _ => PushFailure::Other(word("message").unwrap_or_default()),
    })
}

/// What to call a browser, from what it says it is: enough to tell one's own apart.
fn label(agent: &str) -> String {
    let first = |words: &[(&str, &'static str)], other: &'static str| {
        words.iter().find(|(word, _)| agent.contains(word)).map_or(other, |(_, name)| *name)
    };
    // Each of them says to be those below it, too.
    let browser = first(
        &[
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("SamsungBrowser", "Samsung Internet"),
            ("Firefox/", "Firefox"),
            ("FxiOS", "Firefox"),
            ("CriOS", "Chrome"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "A browser",
    );
    let system = first(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("CrOS", "ChromeOS"),
            ("Mac OS X", "Mac"),
            ("Linux", "Linux"),
        ],
        "",
    );
    if system.is_empty() { browser.to_owned() } else { format!("{browser} on {system}") }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn browsers_are_told_apart_by_what_people_call_them() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("", "A browser"),
        ] {
            assert_eq!(label(agent), name);
        }
    }
}
