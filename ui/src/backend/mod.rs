//! The only module that talks to the server. Pages call a method per thing they want and get a typed answer or a
//! [`Failure`]; how a call travels is the door's business (`browser`; later the desktop shell's).

mod browser;
pub(crate) mod calls;
mod clock;
mod failure;
mod live;
mod passkey;

pub(crate) use clock::now;
pub(crate) use failure::{Failure, PasskeyFailure};
pub(crate) use live::{Connection, LiveMessage, LiveStream, announce_session_change};

use countersign_wire::problem::Code;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
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

/// How calls travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// `fetch`, with the cookie.
    Browser,
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

/// The body of calls that have none.
#[derive(Serialize)]
struct Nothing {}

impl Backend {
    /// The backend of a browser's page.
    pub(crate) fn of_browser(signed_out: Callback<()>, asks_again: Callback<()>) -> Self {
        Self { door: Door::Browser, hears: Rc::new(Hears { signed_out, asks_again, sign_ins: Cell::new(0) }) }
    }

    /// How often somebody signed in on this page.
    pub(crate) fn sign_ins(&self) -> u32 {
        self.hears.sign_ins.get()
    }

    /// Notes that somebody signed in.
    pub(crate) fn note_sign_in(&self) {
        self.hears.sign_ins.set(self.sign_ins().wrapping_add(1));
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::Get, path, None).await
    }

    async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(|_| Failure::Unreadable)?;
        self.call(method, path, Some(body)).await
    }

    async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, Failure> {
        self.send(Method::Post, path, body).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<String>) -> Result<T, Failure> {
        failure::parse(&self.exchange(method, path, body).await?)
    }

    /// Calls; where the server wants a fresh passkey touch first, asks for it and calls once more. Not generic, so that
    /// it is compiled once and not for every kind of answer.
    async fn exchange(&self, method: Method, path: &str, body: Option<String>) -> Result<String, Failure> {
        let mut outcome = self.exchange_once(method, path, body.clone()).await;
        if outcome.as_ref().is_err_and(|failure| failure.code() == Some(Code::ReauthRequired)) {
            self.hears.asks_again.emit(());
            self.touch_again().await?;
            outcome = self.exchange_once(method, path, body).await;
        }
        outcome
    }

    async fn exchange_once(&self, method: Method, path: &str, body: Option<String>) -> Result<String, Failure> {
        let before = self.sign_ins();
        let answer = match self.door {
            Door::Browser => browser::send(method, path, body).await?,
        };
        let outcome = failure::sort(answer.status, answer.body);
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
        let start = self.exchange_once(Method::Post, "/api/session/reauth/start", Some("{}".to_owned())).await?;
        let finish = self.give_passkey(failure::parse(&start)?).await?;
        let finish = serde_json::to_string(&finish).map_err(|_| Failure::Unreadable)?;
        self.exchange_once(Method::Post, "/api/session/reauth/finish", Some(finish)).await.map(|_| ())
    }

    async fn give_passkey(&self, options: CeremonyOptions) -> Result<CeremonyFinish, Failure> {
        let credential = match self.door {
            Door::Browser => passkey::get(&options.public_key).await?,
        };
        Ok(CeremonyFinish { ceremony: options.ceremony, credential })
    }

    async fn make_passkey(&self, options: CeremonyOptions) -> Result<CeremonyFinish, Failure> {
        let credential = match self.door {
            Door::Browser => passkey::create(&options.public_key).await?,
        };
        Ok(CeremonyFinish { ceremony: options.ceremony, credential })
    }
}

/// Calls that people make before they are signed in: there a 401 is an answer, not the end of a session.
fn is_for_anyone(path: &str) -> bool {
    ["/api/desk", "/api/session", "/api/setup", "/api/invitations/"].iter().any(|start| path.starts_with(start))
}
