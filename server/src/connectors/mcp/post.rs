//! Our end of Streamable HTTP (MCP 2026-07-28 and 2025-11-25, "Transports"), under rmcp's client.
//!
//! rmcp has one too, but it sends again and connects again by itself. Here each message is posted once, arguments go up
//! as the approved bytes, it is known whether any of them left, and an answer is kept as it came.

use super::asking::UnderWay;
use super::departure::{Departure, Verdict};
use super::headers::{Params, encoded, name_of};
use super::launch::Address;
use super::listening::{REOPEN_AFTER, REOPEN_AT_MOST};
use super::message::{Envelope, LONGEST_MESSAGE, error_of};
use super::progress::Followers;
use super::server::Shared;
use super::sse::Events;
use crate::connectors::http::{self, place};
use countersign_domain::canonical::Canonical;
use countersign_domain::execution::Attempt;
use futures::future::{AbortHandle, abortable};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response};
use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorCode, ErrorData, GetExtensions as _, JsonRpcMessage, NumberOrString,
    ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use serde_json::Value;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

const EVENT_STREAM: &str = "text/event-stream";

/// How many messages may wait for rmcp to take them.
const INBOX: usize = 256;

/// How long the end of a session may take to be told.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a conversation is given up.
#[derive(Clone, Debug)]
pub(super) enum Loss {
    /// The other side does not know it any more.
    Forgotten,
    /// The other side can't be connected to.
    Unreachable(String),
}

/// The transport.
pub(super) struct Post {
    link: Arc<Link>,
    inbox: mpsc::Receiver<ServerJsonRpcMessage>,
    under_way: UnderWayById,
}

type UnderWayById = Arc<Mutex<HashMap<String, AbortHandle>>>;

/// What all messages of one conversation share.
pub(super) struct Link {
    shared: Arc<Shared>,
    address: Address,
    client: Client,
    /// In the older era: what `initialize` settled.
    settled: Mutex<Settled>,
    inbox: mpsc::Sender<ServerJsonRpcMessage>,
    followers: Followers,
    exchanges: watch::Sender<usize>,
    loss: watch::Sender<Option<Loss>>,
    trouble: Mutex<Option<String>>,
    /// Whether a request was answered, beside the greeting.
    served: AtomicBool,
    steady: Arc<AtomicBool>,
    closing: watch::Sender<bool>,
}

#[derive(Clone, Default)]
struct Settled {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
}

/// A message on its way out.
struct Letter {
    body: Vec<u8>,
    json: Value,
    id: Option<NumberOrString>,
    /// Set when somebody waits for the answer as it came.
    departure: Option<Departure>,
    params: Params,
}

impl Letter {
    fn of(item: &ClientJsonRpcMessage) -> Result<Self, String> {
        // JCS for the whole message: the arguments in it are then, byte for byte, the ones that were approved.
        let unwritten = |_| "The message could not be written.".to_owned();
        let canonical = Canonical::of(item).map_err(unwritten)?;
        let (id, extensions) = match item {
            JsonRpcMessage::Request(request) => (Some(request.id.clone()), Some(request.request.extensions())),
            _ => (None, None),
        };
        Ok(Self {
            json: canonical.value().map_err(unwritten)?,
            body: canonical.bytes().to_vec(),
            id,
            departure: extensions.and_then(|all| all.get::<Departure>().cloned()),
            params: extensions.and_then(|all| all.get::<Params>().cloned()).unwrap_or_default(),
        })
    }

    fn method(&self) -> &str {
        self.json["method"].as_str().unwrap_or_default()
    }

    /// The version that a message of the newer era names.
    fn version(&self) -> Option<&str> {
        self.json["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str()
    }
}

impl Post {
    /// Connects when there is something to send.
    ///
    /// # Errors
    /// When the address may not be called, or no TLS connection could be checked.
    pub(super) fn to(address: &Address, shared: &Arc<Shared>) -> Result<(Self, Arc<Link>), String> {
        let client = address.clients.client_for(&address.url, address.allow_private)?.clone();
        let (sender, inbox) = mpsc::channel(INBOX);
        let link = Arc::new(Link {
            shared: shared.clone(),
            address: address.clone(),
            client,
            settled: Mutex::default(),
            inbox: sender,
            followers: Followers::default(),
            exchanges: watch::Sender::new(0),
            loss: watch::Sender::new(None),
            trouble: Mutex::default(),
            served: AtomicBool::default(),
            steady: Arc::default(),
            closing: watch::Sender::new(false),
        });
        Ok((Self { link: link.clone(), inbox, under_way: Arc::default() }, link))
    }

    /// A call that was given up is not waited for. True when that is all there is to tell: in the newer era the end of
    /// its connection says so.
    fn is_cancelled(&self, item: &ClientJsonRpcMessage) -> bool {
        let JsonRpcMessage::Notification(notification) = item else { return false };
        let ClientNotification::CancelledNotification(cancelled) = &notification.notification else { return false };
        let id = cancelled.params.request_id.as_ref().map(ToString::to_string);
        if let Some(exchange) = id.and_then(|id| lock(&self.under_way).remove(&id)) {
            exchange.abort();
        }
        self.link.settled().version.is_none()
    }
}

impl Transport<RoleClient> for Post {
    type Error = io::Error;

    fn send(&mut self, item: ClientJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let told = self.is_cancelled(&item);
        self.link.followers.note(&item);
        let letter = Letter::of(&item);
        let (link, under_way, mut closing) = (self.link.clone(), self.under_way.clone(), self.link.closing.subscribe());
        async move {
            if told {
                return Ok(());
            }
            let letter = letter.map_err(io::Error::other)?;
            let id = letter.id.as_ref().map(ToString::to_string);
            let (exchange, abort) = abortable(link.deliver(letter));
            let _listed = id.map(|id| Listed::enter(&under_way, id, abort));
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => Err(io::ErrorKind::NotConnected.into()),
                done = exchange => done.unwrap_or_else(|_| Err(io::Error::other("the caller gave up"))),
            }
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        self.inbox.recv().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.link.closing.send_replace(true);
        self.link.say_goodbye().await;
        Ok(())
    }
}

/// An exchange that can be given up, for as long as it lasts.
struct Listed {
    all: UnderWayById,
    id: String,
}

impl Listed {
    fn enter(all: &UnderWayById, id: String, abort: AbortHandle) -> Self {
        lock(all).insert(id.clone(), abort);
        Self { all: all.clone(), id }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Whether what the server lists stays so until it says otherwise: only while a stream is open that it would say so
    /// on.
    pub(super) fn steady(&self) -> Arc<AtomicBool> {
        self.steady.clone()
    }

    /// Why the last message did not get through.
    pub(super) fn trouble(&self) -> String {
        lock(&self.trouble).clone().unwrap_or_else(|| "The server did not begin to speak MCP.".to_owned())
    }

    /// Whether the conversation was of any use yet.
    pub(super) fn has_served(&self) -> bool {
        self.served.load(Ordering::Acquire)
    }

    pub(super) async fn lost(&self) -> Loss {
        let mut loss = self.loss.subscribe();
        let lost = loss.wait_for(Option::is_some).await;
        lost.ok().and_then(|loss| loss.clone()).unwrap_or(Loss::Forgotten)
    }

    /// Until no call is under way.
    pub(super) async fn idle(&self) {
        drop(self.exchanges.subscribe().wait_for(|exchanges| *exchanges == 0).await);
    }

    fn lose(&self, loss: Loss) {
        self.loss.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(loss);
            }
            first
        });
    }

    fn settled(&self) -> Settled {
        lock(&self.settled).clone()
    }

    /// Posts a message, once, and hears its answer out.
    async fn deliver(self: Arc<Self>, letter: Letter) -> io::Result<()> {
        let _counted = letter.departure.is_some().then(|| UnderWay::enter(&self.exchanges));
        let posted = self.post(&letter).await;
        if posted.is_ok() && letter.method() == "notifications/initialized" {
            tokio::spawn(self.clone().overhear());
        }
        posted.map_err(|verdict| {
            let sentence = verdict.sentence();
            *lock(&self.trouble) = Some(sentence.clone());
            if let Some(departure) = &letter.departure {
                departure.judge(verdict);
            }
            io::Error::other(sentence)
        })
    }

    async fn post(&self, letter: &Letter) -> Result<(), Verdict> {
        let request = self.compose(letter).map_err(Verdict::NotSent)?;
        if let Some(departure) = &letter.departure {
            if !departure.begin() {
                return Err(Verdict::NotSent("The caller gave up.".to_owned()));
            }
            // From here on it may have left, unless the client knows better.
            departure.leave();
        }
        let with_session = request.headers().contains_key(SESSION);
        let response = self.execute(request).await?;
        match response.status().is_success() {
            true => self.hear_out(response, letter).await,
            false => self.refused(response, letter, with_session).await,
        }
    }

    async fn execute(&self, request: Request) -> Result<Response, Verdict> {
        self.client.execute(request).await.map_err(|error| match http::failure(&error, self.shared.launch.timeout) {
            Attempt::NotSent(sentence) => {
                self.lose(Loss::Unreachable(sentence.clone()));
                Verdict::NotSent(sentence)
            }
            Attempt::Unknown(sentence) => Verdict::Unknown(sentence),
            Attempt::Answered(answer) => Verdict::Answered(answer),
        })
    }

    fn compose(&self, letter: &Letter) -> Result<Request, String> {
        let mut request = self.request(Method::POST);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        if let Some(version) = letter.version() {
            let (method, params) = (letter.method(), &letter.json["params"]);
            let standard = [(VERSION, Some(version)), (METHOD, Some(method)), (NAME, name_of(method, params))];
            let standard = standard.into_iter().filter_map(|(name, value)| Some((name, encoded(value?)?)));
            headers.extend(standard);
            let own = letter.params.of(&params["arguments"]).map(|(name, value)| (name.clone(), value));
            headers.extend(own);
        } else {
            self.settle_headers(headers);
        }
        *request.body_mut() = Some(letter.body.clone().into());
        self.authorize(request)
    }

    fn request(&self, method: Method) -> Request {
        Request::new(method, self.address.url.clone())
    }

    fn settle_headers(&self, headers: &mut HeaderMap) {
        let Settled { session, version } = self.settled();
        headers.extend(session.map(|session| (SESSION, session)));
        headers.extend(version.map(|version| (VERSION, version)));
    }

    fn authorize(&self, mut request: Request) -> Result<Request, String> {
        if let Some(credential) = &self.address.credential {
            place(credential, &mut request)?;
        }
        Ok(request)
    }

    /// Reads a 2xx answer until it holds the one to this letter.
    async fn hear_out(&self, response: Response, letter: &Letter) -> Result<(), Verdict> {
        let Some(id) = &letter.id else { return Ok(()) };
        if letter.method() == "initialize" {
            lock(&self.settled).session = response.headers().get(SESSION).cloned();
        }
        let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            EVENT_STREAM => self.follow(response, Some((letter, id))).await,
            "application/json" => match self.hear(&whole(response).await?, Some((letter, id))).await? {
                true => Ok(()),
                false => Err(Verdict::Unknown("What the server answered is no answer to the call.".to_owned())),
            },
            _ => Err(Verdict::Unknown("The server's answer is no MCP message.".to_owned())),
        }
    }

    /// A stream, to the answer that it is about, or to its end.
    async fn follow(&self, mut response: Response, about: About<'_>) -> Result<(), Verdict> {
        let mut events = Events::default();
        while let Ok(Some(chunk)) = response.chunk().await {
            for data in events.take(&chunk).map_err(|_| too_long())? {
                if self.hear(&data, about).await? {
                    return Ok(());
                }
            }
        }
        Err(Verdict::Unknown("The connection ended before an answer came.".to_owned()))
    }

    /// Passes a message on to rmcp; true when it is the answer that was waited for.
    async fn hear(&self, text: &[u8], about: About<'_>) -> Result<bool, Verdict> {
        let Some(envelope) = Envelope::read(text) else { return Ok(false) };
        if self.followers.hear(&envelope) || envelope.is_noise() {
            return Ok(false);
        }
        let understood = || serde_json::from_slice::<ServerJsonRpcMessage>(text).ok();
        if !envelope.is_answer() {
            if let Some(message) = understood() {
                self.pass_on(message).await;
            }
            return Ok(false);
        }
        let Some((letter, id)) = about.filter(|(_, id)| envelope.id.as_ref().is_none_or(|theirs| same(theirs, id)))
        else {
            return Ok(false);
        };
        let message = match letter.departure {
            Some(_) => envelope.raw(id.clone()),
            None => understood()
                .ok_or_else(|| Verdict::Unknown("The server's first answer was not understood.".to_owned()))?,
        };
        if letter.method() == "initialize" {
            let answer: Value = serde_json::from_slice(text).unwrap_or_default();
            lock(&self.settled).version = answer["result"]["protocolVersion"].as_str().and_then(encoded);
        }
        if letter.departure.is_some() {
            self.served.store(true, Ordering::Release);
        }
        self.pass_on(message).await;
        Ok(true)
    }

    async fn pass_on(&self, message: ServerJsonRpcMessage) {
        // Nobody reads any more when the conversation is over.
        let _read = self.inbox.send(message).await;
    }

    /// An answer that is not 2xx.
    async fn refused(&self, response: Response, letter: &Letter, with_session: bool) -> Result<(), Verdict> {
        let status = response.status();
        let answer = match http::read(response, &self.shared.scrubber).await {
            Attempt::Answered(answer) => answer,
            Attempt::NotSent(sentence) | Attempt::Unknown(sentence) => return Err(Verdict::Unknown(sentence)),
        };
        let id = letter.id.as_ref().and_then(|id| serde_json::to_value(id).ok());
        let is_answer = id.is_some_and(|id| answer.data["id"] == id);
        if status.as_u16() == 404 && with_session && !is_answer {
            // "The server no longer knows the session": it looked at nothing else (2025-11-25, "Session Management").
            // What names the message it answers was looked at, whatever its status.
            self.lose(Loss::Forgotten);
            return Err(Verdict::Gone);
        }
        let error = (answer.data["jsonrpc"] == "2.0").then(|| &answer.data["error"]).filter(|error| error.is_object());
        let error = error.map(error_of);
        let outdated = error.as_ref().is_none_or(|error| error.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
        // The question which era the server knows comes before anything was settled: the older one may follow.
        let greeting = letter.method() == "server/discover";
        if !greeting && matches!(status.as_u16(), 400 | 404 | 405) && (with_session || outdated) {
            // Whatever was settled with the server may hold no more; the next call settles it anew.
            self.lose(Loss::Forgotten);
        }
        let unknown_greeting =
            greeting && status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 407 | 429);
        let error = error.or_else(|| {
            unknown_greeting.then(|| ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "Method not found", None))
        });
        match (error, &letter.id) {
            (Some(error), Some(id)) => {
                self.pass_on(JsonRpcMessage::error(error, Some(id.clone()))).await;
                Ok(())
            }
            _ if status.is_redirection() => {
                let status = status.as_u16();
                Err(Verdict::Unknown(format!("The server answered with a redirect ({status}), which is not followed.")))
            }
            _ => Err(Verdict::Answered(answer)),
        }
    }

    /// In the older era the server tells of changes on a stream of its own, where it has one.
    async fn overhear(self: Arc<Self>) {
        let mut closing = self.closing.subscribe();
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            () = self.listen() => {}
        }
    }

    async fn listen(&self) {
        let (mut pause, mut heard) = (REOPEN_AFTER, false);
        loop {
            let mut request = self.request(Method::GET);
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
            self.settle_headers(request.headers_mut());
            let Ok(request) = self.authorize(request) else { return };
            match self.execute(request).await {
                // A server that has no such stream says so by 405, and some by 404; one that has had it lost the session.
                Ok(response) if heard && response.status().as_u16() == 404 && self.settled().session.is_some() => {
                    return self.lose(Loss::Forgotten);
                }
                Ok(response) if response.status().is_success() => {
                    heard = true;
                    // What changed while nobody listened was not heard.
                    self.shared.forget_tools();
                    self.steady.store(true, Ordering::Release);
                    let _ended = self.follow(response, None).await;
                    self.steady.store(false, Ordering::Release);
                    self.shared.forget_tools();
                }
                // It has none, or it can't be reached, which the next call or check will notice.
                Ok(_) | Err(Verdict::NotSent(_)) => return,
                Err(_) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(REOPEN_AT_MOST);
        }
    }

    /// Ends the session, where there is one.
    async fn say_goodbye(&self) {
        let mut request = self.request(Method::DELETE);
        self.settle_headers(request.headers_mut());
        if !request.headers().contains_key(SESSION) || self.loss.borrow().is_some() {
            return;
        }
        if let Ok(request) = self.authorize(request) {
            let _told = timeout(FAREWELL, self.client.execute(request)).await;
        }
    }
}

/// The letter that an answer is waited for, and its id.
type About<'a> = Option<(&'a Letter, &'a NumberOrString)>;

fn same(theirs: &NumberOrString, ours: &NumberOrString) -> bool {
    theirs.to_string() == ours.to_string()
}

fn too_long() -> Verdict {
    Verdict::Unknown(format!("The server's answer is longer than the {LONGEST_MESSAGE} bytes that are read."))
}

async fn whole(mut response: Response) -> Result<Vec<u8>, Verdict> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|_| Verdict::Unknown("The server's answer was cut off in the middle.".to_owned()))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST_MESSAGE {
            return Err(too_long());
        }
    }
    Ok(bytes)
}
