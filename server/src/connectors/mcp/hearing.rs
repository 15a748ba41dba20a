//! What an upstream over HTTP answers: a message, a stream of them, or a refusal by its status.

use super::departure::Verdict;
use super::headers::encoded;
use super::letter::Letter;
use super::link::{EVENT_STREAM, Link, Loss, SESSION, lock};
use super::message::{Envelope, LONGEST_MESSAGE, error_of};
use super::sse::Events;
use crate::connectors::http;
use countersign_domain::execution::Attempt;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use rmcp::model::{ErrorCode, ErrorData, JsonRpcMessage, NumberOrString, ServerJsonRpcMessage};
use serde_json::Value;
use std::sync::atomic::Ordering;

impl Link {
    /// Reads a 2xx answer until it holds the one to this letter.
    pub(super) async fn hear_out(&self, response: Response, letter: &Letter) -> Result<(), Verdict> {
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
    pub(super) async fn follow(&self, mut response: Response, about: About<'_>) -> Result<(), Verdict> {
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

    /// An answer that is not 2xx.
    pub(super) async fn refused(&self, response: Response, letter: &Letter, with_session: bool) -> Result<(), Verdict> {
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
        let error = error.or_else(|| {
            let unknown = greeting && is_unknown_greeting(status);
            unknown.then(|| ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "Method not found", None))
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
}

/// Whether a refusal of the greeting says that the server doesn't know it, rather than who is greeting.
fn is_unknown_greeting(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 407 | 429)
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
