//! The agents' door, as `ask` and the hooks go through it. A question that was put stays the same one however often the
//! line breaks.

use countersign_domain::request::RequestState;
use countersign_wire::problem::{Code, Problem};
use reqwest::{Client, Method, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// How long the desk holds one answer.
const HELD: u64 = 50;
/// How long an answer may take, one that is held included.
const PATIENCE: Duration = Duration::from_secs(70);
/// How often a line that broke is tried again, and how long after the first break; each time twice as long.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Where the desk is, and with which key.
#[derive(Clone, clap::Args)]
pub(super) struct DoorArguments {
    /// The desk's address
    #[arg(long, env = "COUNTERSIGN_URL", default_value = "http://localhost:8787")]
    pub(super) url: Url,
    /// A file with the agent's key, instead of the variable COUNTERSIGN_AGENT_KEY
    #[arg(long)]
    pub(super) key_file: Option<PathBuf>,
}

impl DoorArguments {
    /// A door for one question.
    ///
    /// # Errors
    /// Says why there is no key, in a sentence.
    pub(super) fn open(&self) -> Result<Door, String> {
        Door::new(&self.url, self.key()?, None)
    }

    /// A door for one question of a hook, which joins the same question of another.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_for_hook(&self) -> Result<Door, String> {
        Door::new(&self.url, self.key()?, Some(random()?))
    }

    fn key(&self) -> Result<SecretString, String> {
        let text = match &self.key_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| format!("the key file {} can't be read: {error}", file.display()))?,
            None => std::env::var("COUNTERSIGN_AGENT_KEY")
                .map_err(|_| "no key: set COUNTERSIGN_AGENT_KEY, or name a file with --key-file".to_owned())?,
        };
        Ok(SecretString::from(text.trim().to_owned()))
    }
}

/// The desk, as one agent reaches it.
pub(super) struct Door {
    client: Client,
    base: Url,
    key: SecretString,
    /// What a hook calls itself: the desk counts who waits for a question.
    hook: Option<String>,
    idempotency_key: OnceLock<String>,
    asked: OnceLock<String>,
}

/// Why the desk did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorFailure {
    #[error("the desk can't be reached at {0}")]
    Unreachable(String),
    #[error("{0} is not a Countersign desk: {1}")]
    NotADesk(String, String),
    #[error("{1}")]
    Refused(Code, String),
    #[error("this computer gives no random numbers: {0}")]
    Broken(String),
}

/// What the desk says of the question.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "approval_id")]
    pub(super) id: String,
    #[serde(default = "pending")]
    pub(super) state: RequestState,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) decided_by: Option<DecidedBy>,
}

/// Who or what decided, by its kind alone.
#[derive(Deserialize)]
pub(super) struct DecidedBy {
    pub(super) kind: DeciderKind,
}

/// The kinds of `decided_by`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DeciderKind {
    User,
    External,
    Policy,
    Grant,
    Auto,
    /// One that a newer desk has.
    #[serde(other)]
    Unknown,
}

/// A question that is held is answered without a state.
const fn pending() -> RequestState {
    RequestState::Pending
}

impl Door {
    fn new(base: &Url, key: SecretString, hook: Option<String>) -> Result<Self, String> {
        let client = Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        let base = base.clone();
        Ok(Self { client, base, key, hook, idempotency_key: OnceLock::new(), asked: OnceLock::new() })
    }

    /// Whoever asks the same by this key has asked this question, and its claim is theirs too.
    pub(super) fn asks_as(&self, idempotency_key: String) {
        let _ = self.idempotency_key.set(idempotency_key);
    }

    /// Where a person decides.
    pub(super) fn review_link(&self, id: &str) -> String {
        self.url(&format!("/approve/{id}"))
    }

    /// Where a person decides the question that was put, once it was.
    pub(super) fn asked_link(&self) -> Option<String> {
        self.asked.get().map(|id| self.review_link(id))
    }

    pub(super) async fn ask(&self, body: &Value) -> Result<Asked, DoorFailure> {
        if self.idempotency_key.get().is_none() {
            self.asks_as(random().map_err(DoorFailure::Broken)?);
        }
        let asked: Asked = self.call(Method::POST, "/v1/actions", Some(body)).await?;
        // One door is for one question.
        let _ = self.asked.set(asked.id.clone());
        Ok(asked)
    }

    /// Waits until the question is decided.
    pub(super) async fn decided(&self, mut asked: Asked) -> Result<Asked, DoorFailure> {
        while asked.state == RequestState::Pending {
            let path = format!("/v1/approvals/{}?wait={HELD}", asked.id);
            asked = self.call(Method::GET, &path, None).await?;
        }
        Ok(asked)
    }

    /// Wins the leave to run; the approved arguments.
    pub(super) async fn claim(&self, id: &str) -> Result<Value, DoorFailure> {
        // Once only: of a claim whose answer was lost nobody knows whether it was won, and so it was not.
        let path = format!("/v1/approvals/{id}/claim");
        let claimed: Value = self.read(self.send(Method::POST, &path, Some(&json!({}))).await?).await?;
        Ok(claimed["arguments"].clone())
    }

    pub(super) async fn report(&self, id: &str, ok: bool, detail: &str) -> Result<(), DoorFailure> {
        let body = json!({"ok": ok, "detail": detail});
        self.call::<Value>(Method::POST, &format!("/v1/approvals/{id}/outcome"), Some(&body)).await.map(drop)
    }

    /// Takes the question back; that of a hook, when no other hook waits for it.
    pub(super) async fn withdraw(&self) -> Result<(), DoorFailure> {
        let Some(id) = self.asked.get() else { return Ok(()) };
        self.call::<Value>(Method::DELETE, &format!("/v1/approvals/{id}"), None).await.map(drop)
    }

    /// A call that may be made again when the line breaks, once the question is put.
    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, DoorFailure> {
        let mut pause = FIRST_PAUSE;
        let mut left = TRIES;
        loop {
            match self.send(method.clone(), path, body).await {
                Ok(response) if !response.status().is_server_error() || left == 0 => return self.read(response).await,
                // Who has not asked yet loses nothing by hearing at once that nobody is there.
                Err(failure) if left == 0 || self.asked.get().is_none() => return Err(failure),
                Ok(_) | Err(_) => {}
            }
            left -= 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, DoorFailure> {
        let mut request = self.client.request(method, self.url(path)).bearer_auth(self.key.expose_secret());
        if path == "/v1/actions" || path.ends_with("/claim") {
            request = request.header("idempotency-key", self.idempotency_key.get().map_or("", String::as_str));
        }
        if let Some(hook) = &self.hook {
            request = request.header("countersign-hook", hook);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, response: Response) -> Result<T, DoorFailure> {
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            let nothing: &[u8] = b"null";
            let bytes: &[u8] = if bytes.is_empty() { nothing } else { &bytes };
            let strange = || DoorFailure::NotADesk(self.address(), "it answered with something else".to_owned());
            return serde_json::from_slice(bytes).map_err(|_| strange());
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            // A desk, but not at this path: what is called here takes the method that it is called by.
            Ok(problem) if problem.code != Code::MethodNotAllowed => {
                Err(DoorFailure::Refused(problem.code, problem.detail))
            }
            // What stands before a desk that is down says so in words of its own.
            _ if status.is_server_error() => {
                Err(DoorFailure::Unreachable(format!("{}: it answered with status {status}", self.address())))
            }
            _ => Err(DoorFailure::NotADesk(self.address(), format!("it answered with status {status}"))),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> DoorFailure {
        DoorFailure::Unreachable(format!("{}: {}", self.address(), cause(error)))
    }

    /// Where the desk should be, without what may be secret in an address.
    fn address(&self) -> String {
        let path = self.base.path().trim_end_matches('/');
        format!("{}{path}", self.base.origin().ascii_serialization())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}

fn random() -> Result<String, String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    Ok(hex::encode(random))
}

/// Why a call got no answer, in words for whoever set the address.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let causes = causes(error);
    // The last says it best: those before it only say that something went wrong.
    if let Some(why) = causes.iter().rev().find_map(|cause| of_tls(*cause).or_else(|| of_line(*cause))) {
        return why;
    }
    let said: Vec<_> = causes.iter().map(ToString::to_string).collect();
    match said.iter().any(|said| said.starts_with("dns error")) {
        true => "no computer has this name".to_owned(),
        false => said.into_iter().next_back().unwrap_or_default(),
    }
}

/// An error and all that is behind it.
fn causes(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error| behind(*error)).collect()
}

/// What is behind an error. An I/O error names the source of what it holds, and not what it holds.
fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

fn of_tls(cause: &(dyn Error + 'static)) -> Option<String> {
    match cause.downcast_ref()? {
        rustls::Error::InvalidCertificate(why) => Some(format!("its certificate is not trusted ({why})")),
        rustls::Error::InvalidMessage(_) => Some("it does not speak https there".to_owned()),
        _ => None,
    }
}

fn of_line(cause: &(dyn Error + 'static)) -> Option<String> {
    let why = match cause.downcast_ref::<io::Error>()?.kind() {
        ErrorKind::ConnectionRefused => "connection refused, nothing listens there",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof => "the connection broke",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it in this network",
        ErrorKind::TimedOut => "no answer in time",
        _ => return None,
    };
    Some(why.to_owned())
}
