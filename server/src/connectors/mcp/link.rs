//! One conversation with an upstream over HTTP: what was settled with it, each message posted once, and the stream on
//! which it tells of changes.

use super::asking::UnderWay;
use super::departure::Verdict;
use super::headers::{encoded, name_of};
use super::launch::Address;
use super::letter::Letter;
use super::listening::{REOPEN_AFTER, REOPEN_AT_MOST};
use super::progress::Followers;
use super::server::Shared;
use crate::connectors::http::{self, place};
use countersign_domain::execution::Attempt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response};
use rmcp::model::ServerJsonRpcMessage;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

pub(super) const EVENT_STREAM: &str = "text/event-stream";

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

/// What all messages of one conversation share.
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    address: Address,
    client: Client,
    /// In the older era: what `initialize` settled.
    pub(super) settled: Mutex<Settled>,
    inbox: mpsc::Sender<ServerJsonRpcMessage>,
    pub(super) followers: Followers,
    exchanges: watch::Sender<usize>,
    loss: watch::Sender<Option<Loss>>,
    trouble: Mutex<Option<String>>,
    /// Whether a request was answered, beside the greeting.
    pub(super) served: AtomicBool,
    steady: Arc<AtomicBool>,
    pub(super) closing: watch::Sender<bool>,
}

#[derive(Clone, Default)]
pub(super) struct Settled {
    pub(super) session: Option<HeaderValue>,
    pub(super) version: Option<HeaderValue>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// A conversation in which nothing was said yet, and where what the server says arrives.
    ///
    /// # Errors
    /// When the address may not be called, or no TLS connection could be checked.
    pub(super) fn to(
        address: &Address,
        shared: &Arc<Shared>,
    ) -> Result<(Arc<Self>, mpsc::Receiver<ServerJsonRpcMessage>), String> {
        let client = address.clients.client_for(&address.url, address.allow_private)?.clone();
        let (sender, inbox) = mpsc::channel(INBOX);
        let link = Arc::new(Self {
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
        Ok((link, inbox))
    }

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

    pub(super) fn lose(&self, loss: Loss) {
        self.loss.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(loss);
            }
            first
        });
    }

    pub(super) fn settled(&self) -> Settled {
        lock(&self.settled).clone()
    }

    /// Posts a message, once, and hears its answer out.
    pub(super) async fn deliver(self: Arc<Self>, letter: Letter) -> io::Result<()> {
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

    pub(super) async fn pass_on(&self, message: ServerJsonRpcMessage) {
        // Nobody reads any more when the conversation is over.
        let _read = self.inbox.send(message).await;
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
    pub(super) async fn say_goodbye(&self) {
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
