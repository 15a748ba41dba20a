//! A push service on this machine (RFC 8030), and the browsers behind it, who alone can read what it passes on.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{HeaderMap, RETRY_AFTER};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint as _;

/// One message as it came.
#[derive(Clone, Debug)]
pub struct Push {
    /// To which browser.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    body: Bytes,
}

impl Push {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The claims of its signature (RFC 8292), which must be by this key.
    #[must_use]
    pub fn vouched_by(&self, key: &str) -> Value {
        let (token, by) = self.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(by, key);
        let point = URL_SAFE_NO_PAD.decode(key).unwrap();
        assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point");
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        let mut rules = Validation::new(Algorithm::ES256);
        rules.required_spec_claims = HashSet::new();
        // The desk lives by a clock of its own.
        (rules.validate_exp, rules.validate_aud) = (false, false);
        jsonwebtoken::decode(token, &DecodingKey::from_ec_components(&x, &y).unwrap(), &rules).unwrap().claims
    }

    /// What it says to this browser.
    #[must_use]
    pub fn read_by(&self, browser: &PushBrowser) -> Value {
        serde_json::from_slice(&self.opened_by(browser).expect("it is not for this browser")).unwrap()
    }

    /// What it says to this browser, if it is for it (RFC 8291).
    #[must_use]
    pub fn opened_by(&self, browser: &PushBrowser) -> Option<Vec<u8>> {
        assert_eq!(self.header("content-encoding"), "aes128gcm");
        web_push_native::decrypt(self.body.to_vec(), &browser.secret, &browser.auth.into()).ok()
    }
}

/// A browser that takes pushes.
pub struct PushBrowser {
    endpoint: String,
    secret: SecretKey,
    auth: [u8; 16],
}

impl PushBrowser {
    /// What the browser tells the desk, as `PushSubscription.toJSON` says it.
    #[must_use]
    pub fn subscription(&self) -> Value {
        let p256dh = URL_SAFE_NO_PAD.encode(self.secret.public_key().to_encoded_point(false));
        let keys = json!({"p256dh": p256dh, "auth": URL_SAFE_NO_PAD.encode(self.auth)});
        json!({"endpoint": self.endpoint, "keys": keys})
    }
}

/// The service.
pub struct PushService {
    /// `http://127.0.0.1:<port>`.
    pub origin: String,
    kept: Arc<Mutex<Kept>>,
    count: watch::Receiver<usize>,
}

struct Kept {
    pushes: Vec<Push>,
    answers: VecDeque<(u16, Option<&'static str>)>,
    counter: watch::Sender<usize>,
}

impl PushService {
    /// One that takes everything.
    pub async fn taking() -> Self {
        Self::answering(&[]).await
    }

    /// One that answers each message with the next of these statuses, with a `Retry-After` where one is given, and takes
    /// those after the last.
    pub async fn answering(answers: &[(u16, Option<&'static str>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (counter, count) = watch::channel(0);
        let answers = answers.iter().copied().collect();
        let kept = Arc::new(Mutex::new(Kept { pushes: Vec::new(), answers, counter }));
        let router = Router::new().fallback(take).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { origin, kept, count }
    }

    /// A browser that signed up here, by a name of the story's.
    #[must_use]
    pub fn browser(&self, name: &str) -> PushBrowser {
        let mut bytes = [0; 48];
        getrandom::fill(&mut bytes).unwrap();
        // Below the group's order, whatever else was drawn.
        bytes[0] &= 0x7f;
        PushBrowser {
            endpoint: format!("{}/{name}", self.origin),
            secret: SecretKey::from_slice(&bytes[..32]).unwrap(),
            auth: bytes[32..].try_into().unwrap(),
        }
    }

    /// What came so far.
    #[must_use]
    pub fn pushes(&self) -> Vec<Push> {
        self.kept.lock().unwrap().pushes.clone()
    }

    /// Everything, once this many came.
    pub async fn received(&self, many: usize) -> Vec<Push> {
        self.count.clone().wait_for(|count| *count >= many).await.unwrap();
        self.pushes()
    }
}

async fn take(State(kept): State<Arc<Mutex<Kept>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut kept = kept.lock().unwrap();
    kept.pushes.push(Push { path: uri.path().to_owned(), headers, body });
    kept.counter.send_modify(|count| *count += 1);
    let (status, retry_after) = kept.answers.pop_front().unwrap_or((201, None));
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, retry_after.parse().unwrap());
    }
    response
}
