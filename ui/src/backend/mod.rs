//! The only module that talks to the server. Pages call a method per thing they want and get a typed answer or a
//! [`Failure`]; how a call travels is the door's business (`browser`, or `shell` within the desktop app).

mod browser;
pub(crate) mod calls;
mod clock;
mod failure;
mod live;
mod passkey;
mod push;
mod read;
pub(crate) mod shell;

pub(crate) use clock::now;
pub(crate) use failure::{Failure, PasskeyFailure, sentence};
pub(crate) use live::{Connection, LiveMessage, LiveStream, announce_session_change};
pub(crate) use push::{PushStanding, is_put_off, put_off};

use countersign_wire::problem::Code;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use yew::Callback;

/// The methods that the server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// How calls travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// `fetch`, with the cookie.
    Browser,
    /// The desktop app, which holds the session.
    Shell,
}

/// An answer before it is read.
struct Answer {
    status: u16,
    body: String,
}

/// What the pages hold to reach the server.
#[derive(Clone)]
pub(crate) struct Backend {
    door: Door,
    hears: Rc<Hears>,
}

/// What the backend tells the app, whoever called.
struct Hears {
    /// The session is over.
    signed_out: Callback<()>,
    /// A passkey is about to be asked for, because the call widens what may run.
    asks_again: Callback<()>,
    /// How often somebody signed in here: an answer to a call of before says nothing of the session of now.
    sign_ins: Cell<u32>,
}

impl PartialEq for Backend {
    fn eq(&self, other: &Self) -> bool {
        self.door == other.door && Rc::ptr_eq(&self.hears, &other.hears)
    }
}

/// An answer that is on its way. Boxed, so that whoever waits for it doesn't contain the whole call: there are many who
/// wait, and their code is sent over the wire.
pub(crate) type Reply<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

/// The body of calls that say everything in their path.
const NOTHING: &str = "{}";

impl Backend {
    /// The backend of this page, in a browser or in the desktop app.
    pub(crate) fn new(signed_out: Callback<()>, asks_again: Callback<()>) -> Self {
        let door = if shell::is_here() { Door::Shell } else { Door::Browser };
        Self { door, hears: Rc::new(Hears { signed_out, asks_again, sign_ins: Cell::new(0) }) }
    }

    /// How often somebody signed in on this page.
    pub(crate) fn sign_ins(&self) -> u32 {
        self.hears.sign_ins.get()
    }

    /// Notes that somebody signed in.
    pub(crate) fn note_sign_in(&self) {
        self.hears.sign_ins.set(self.sign_ins().wrapping_add(1));
    }

    fn get<T: DeserializeOwned + 'static>(&self, path: impl Into<String>) -> Reply<T> {
        parsed(self.exchange(Method::Get, path.into(), None))
    }

    fn post<B: Serialize, T: DeserializeOwned + 'static>(&self, path: impl Into<String>, body: &B) -> Reply<T> {
        parsed(self.exchange(Method::Post, path.into(), written(body)))
    }

    fn send<B: Serialize, T: DeserializeOwned + 'static>(
        &self,
        method: Method,
        path: impl Into<String>,
        body: &B,
    ) -> Reply<T> {
        parsed(self.exchange(method, path.into(), written(body)))
    }

    /// Calls; where the server wants a fresh passkey touch first, asks for it and calls once more.
    fn exchange(&self, method: Method, path: String, body: Option<String>) -> Reply<String> {
        let this = self.clone();
        Box::pin(async move {
            let outcome = this.exchange_once(method, &path, body.clone()).await;
            if outcome.as_ref().is_err_and(|failure| failure.code() == Some(Code::ReauthRequired)) {
                this.hears.asks_again.emit(());
                this.touch_again().await?;
                return this.exchange_once(method, &path, body).await;
            }
            outcome
        })
    }

    async fn exchange_once(&self, method: Method, path: &str, body: Option<String>) -> Result<String, Failure> {
        let before = self.sign_ins();
        let answer = match self.door {
            Door::Browser => browser::send(method, path, body).await,
            Door::Shell => shell::send(method, path, body).await,
        };
        let outcome = answer
            .and_then(|answer| failure::sort(answer.status, answer.body))
            // Only of a deed it matters that it may have been done.
            .map_err(|failure| if method == Method::Get { failure } else { failure.of_a_deed() });
        if let Err(failure) = &outcome
            && failure.code() == Some(Code::Unauthenticated)
            && !is_for_anyone(path)
            && before == self.sign_ins()
        {
            self.hears.signed_out.emit(());
        }
        outcome
    }

    async fn touch_again(&self) -> Result<(), Failure> {
        let start = self.exchange_once(Method::Post, "/api/session/reauth/start", Some(NOTHING.to_owned())).await?;
        let finish = self.with_passkey(Ceremony::Get, &start).await?;
        self.exchange_once(Method::Post, "/api/session/reauth/finish", Some(finish)).await.map(|_| ())
    }

    /// A ceremony from its start to its end: what `start` answers goes to the browser, and the browser's credential to
    /// `finish`, whose answer is the outcome.
    fn ceremony(
        &self,
        kind: Ceremony,
        start: impl Into<String>,
        body: Option<String>,
        finish: impl Into<String>,
    ) -> Reply<String> {
        let (this, start, finish) = (self.clone(), start.into(), finish.into());
        Box::pin(async move {
            let options = this.exchange(Method::Post, start, body).await?;
            let credential = this.with_passkey(kind, &options).await?;
            this.exchange(Method::Post, finish, Some(credential)).await
        })
    }

    /// The body for `finish`, from the answer of `start`.
    async fn with_passkey(&self, kind: Ceremony, options: &str) -> Result<String, Failure> {
        let options: CeremonyOptions = failure::parse(options)?;
        let credential = match (self.door, kind) {
            (Door::Browser, Ceremony::Get) => passkey::get(&options.public_key).await?,
            (Door::Browser, Ceremony::Create) => passkey::create(&options.public_key).await?,
            (Door::Shell, _) => {
                shell::open_here_in_browser().await?;
                return Err(Failure::Passkey(PasskeyFailure::InBrowser));
            }
        };
        written(&CeremonyFinish { ceremony: options.ceremony, credential }).ok_or(Failure::Unreadable)
    }
}

/// What a passkey is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ceremony {
    /// To sign with one that there is.
    Get,
    /// To make one.
    Create,
}

fn parsed<T: DeserializeOwned + 'static>(reply: Reply<String>) -> Reply<T> {
    Box::pin(async move { failure::parse(&reply.await?) })
}

/// Our own shapes can always be written; should one not be, the server says that the body is missing.
fn written<B: Serialize>(body: &B) -> Option<String> {
    serde_json::to_string(body).ok()
}

/// Calls that people make before they are signed in: there a 401 is an answer, not the end of a session.
fn is_for_anyone(path: &str) -> bool {
    ["/api/desk", "/api/session", "/api/setup", "/api/invitations/", "/api/outside/"]
        .iter()
        .any(|start| path.starts_with(start))
}
