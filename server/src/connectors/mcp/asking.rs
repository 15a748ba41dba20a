//! One request of a server, sent once and followed to its end, and sent to the next process where it was as if it had
//! not been sent.

use super::departure::{Departure, Verdict};
use super::headers::Params;
use super::launch::Way;
use super::server::{Live, Phase, Server};
use countersign_domain::execution::Answer;
use rmcp::model::{
    CancelledNotificationParam, ClientRequest, CustomResult, ErrorData, GetExtensions as _, NumberOrString,
    ServerResult,
};
use rmcp::service::{PeerRequestOptions, ServiceError};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How many processes may end one after the other before a request gives up on finding one that takes it.
pub(super) const MOST_GONE: usize = 3;

/// A session that is not known any more did nothing; the request goes to one other.
const MOST_SESSIONS: usize = 2;

pub(super) const GONE: &str = "The server ended, or forgot the session, before it took the call.";

/// Why there is no result.
pub(super) enum Failure {
    /// The process had ended, or was about to, and took nothing.
    Gone,
    NotSent(String),
    Unknown(String),
    /// A JSON-RPC error.
    Refused(ErrorData),
    /// An HTTP answer that is no JSON-RPC.
    Answered(Answer),
}

impl From<Verdict> for Failure {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NotSent(sentence) => Self::NotSent(sentence),
            Verdict::Gone => Self::Gone,
            Verdict::Unknown(sentence) => Self::Unknown(sentence),
            Verdict::Answered(answer) => Self::Answered(answer),
        }
    }
}

/// The tool that was approved, by name and the hash of its definition.
pub(super) type Approved<'a> = Option<(&'a str, &'a str)>;

impl Server {
    /// Asks, and asks the next process where the last one ended without taking a byte of the request: it is as if it
    /// had not been asked, so this is no second try.
    pub(super) async fn ask(
        &self,
        mut live: Live,
        request: &ClientRequest,
        approved: Approved<'_>,
        limit: Duration,
    ) -> Result<String, Failure> {
        let most = match self.0.launch.way {
            Way::Start { .. } => MOST_GONE,
            Way::Connect(_) => MOST_SESSIONS,
        };
        for _ in 0..most {
            let checked = match approved {
                Some(approved) => self.check(&live, approved, limit).await.map(Some),
                None => Ok(None),
            };
            match checked {
                Ok(definition) => {
                    let mut request = request.clone();
                    if let Some(definition) = definition {
                        request.extensions_mut().insert(Params(definition.headers.clone()));
                    }
                    match self.ask_once(&live, request, limit).await {
                        Err(Failure::Gone) => {}
                        answer => return answer,
                    }
                }
                Err(Failure::Gone) => {}
                Err(failure) => return Err(failure),
            }
            live = self.next(&live).await.map_err(Failure::NotSent)?;
        }
        Err(Failure::Gone)
    }

    /// The process after one that ended.
    pub(super) async fn next(&self, gone: &Live) -> Result<Live, String> {
        let mut phase = self.0.phase.subscribe();
        let noticed = phase.wait_for(|phase| !matches!(phase, Phase::Up(now) if now.ends == gone.ends));
        drop(timeout(self.0.pace.grace, noticed).await);
        self.up().await
    }

    /// Sends one request and waits for the text of its result.
    pub(super) async fn ask_once(
        &self,
        live: &Live,
        mut request: ClientRequest,
        limit: Duration,
    ) -> Result<String, Failure> {
        let departure = Departure::default();
        request.extensions_mut().insert(departure.clone());
        let mut id = None;
        let answer = timeout(limit, async {
            let handle = live.peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await?;
            id = Some(handle.id.clone());
            handle.await_response().await
        });
        match answer.await {
            Ok(Ok(ServerResult::CustomResult(CustomResult(Value::String(text))))) => Ok(text),
            Ok(Err(ServiceError::McpError(error))) => Err(Failure::Refused(error)),
            Ok(_) if let Some(verdict) = departure.verdict() => Err(verdict.clone().into()),
            Ok(_) if departure.abandon() => Err(Failure::Gone),
            Ok(_) => Err(Failure::Unknown("The server's process ended before it answered.".to_owned())),
            Err(_) => Err(give_up(live, id, &departure, limit)),
        }
    }
}

fn give_up(live: &Live, id: Option<NumberOrString>, departure: &Departure, limit: Duration) -> Failure {
    let unsent = departure.abandon();
    if departure.has_left() {
        let (peer, why) = (live.peer.clone(), CancelledNotificationParam::new(id, Some("timed out".to_owned())));
        tokio::spawn(async move { timeout(Duration::from_secs(1), peer.notify_cancelled(why)).await });
    } else {
        live.stuck.notify_one();
    }
    match unsent {
        true => Failure::NotSent(format!("The server took no call within {limit:?}.")),
        false => Failure::Unknown(format!("No answer came within {limit:?}.")),
    }
}

/// Counts a call for as long as it is under way.
pub(super) struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    pub(super) fn enter(calls: &'a watch::Sender<usize>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}
