//! Our end of a child's standard input and output, under rmcp's client.
//!
//! rmcp's own transport would do but for three things: arguments must go up as the approved bytes, it must be known
//! whether any of a call's bytes left, and an answer must be kept as it came, whatever rmcp makes of its shape.

use super::lines::{Line, Lines};
use countersign_domain::canonical::Canonical;
use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, CustomResult, ErrorCode, ErrorData, GetExtensions as _,
    JsonRpcMessage, NumberOrString, ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::Transport;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, watch};

/// The longest message that is read. Answers are kept up to 1 MiB; a longer one still has to be told apart.
const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// Where a call's message stands on its way out. It rides in the request's extensions; rmcp carries it along unseen.
#[derive(Clone, Default)]
pub(super) struct Departure(Arc<AtomicU8>);

const WAITING: u8 = 0;
const LEAVING: u8 = 1;
const LEFT: u8 = 2;
const ABANDONED: u8 = 3;

impl Departure {
    /// The caller gives up. True when the message had not begun to leave; it never will then.
    pub(super) fn abandon(&self) -> bool {
        self.step(WAITING, ABANDONED) || self.0.load(Ordering::Acquire) == ABANDONED
    }

    /// Whether all of it is written.
    pub(super) fn has_left(&self) -> bool {
        self.0.load(Ordering::Acquire) == LEFT
    }

    fn begin(&self) -> bool {
        self.step(WAITING, LEAVING)
    }

    fn step(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// The transport.
pub(super) struct Wire {
    lines: Lines<ChildStdout>,
    stdin: Arc<AsyncMutex<Option<ChildStdin>>>,
    closing: watch::Sender<bool>,
    raw: Arc<Mutex<HashSet<String>>>,
    slug: String,
}

impl Wire {
    pub(super) fn new(slug: String, stdout: ChildStdout, stdin: ChildStdin) -> Self {
        Self {
            lines: Lines::new(stdout, LONGEST_MESSAGE),
            stdin: Arc::new(AsyncMutex::new(Some(stdin))),
            closing: watch::Sender::new(false),
            raw: Arc::default(),
            slug,
        }
    }

    fn raw(&self) -> MutexGuard<'_, HashSet<String>> {
        self.raw.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers which answers are wanted raw.
    fn note(&self, item: &ClientJsonRpcMessage) {
        match item {
            JsonRpcMessage::Request(request)
                if matches!(
                    request.request,
                    ClientRequest::CallToolRequest(_) | ClientRequest::ListToolsRequest(_)
                ) =>
            {
                self.raw().insert(request.id.to_string());
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.raw().remove(&id.to_string());
                }
            }
            _ => {}
        }
    }

    /// What a line says to rmcp, if anything. What isn't understood is passed over: many servers print a greeting.
    fn read(&self, line: &[u8]) -> Option<ServerJsonRpcMessage> {
        let envelope: Envelope<'_> = serde_json::from_slice(line).ok()?;
        match (envelope.method.as_deref(), envelope.id) {
            // Progress and log messages would only end up in rmcp's log.
            (Some(method), None) if !is_wanted(method) => None,
            (None, Some(id)) if self.raw().remove(&id.to_string()) => {
                Some(raw_answer(id, envelope.result, envelope.error))
            }
            _ => serde_json::from_slice(line).ok(),
        }
    }
}

fn is_wanted(notification: &str) -> bool {
    matches!(
        notification,
        "notifications/tools/list_changed" | "notifications/subscriptions/acknowledged" | "notifications/cancelled"
    )
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    id: Option<NumberOrString>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// The text of a result travels as a JSON string within rmcp's result for anything: parsing it is left to whoever
/// asked, who may find it too long for that.
fn raw_answer(id: NumberOrString, result: Option<&RawValue>, error: Option<&RawValue>) -> ServerJsonRpcMessage {
    match error {
        Some(error) => JsonRpcMessage::error(lenient(error.get()), Some(id)),
        None => {
            let text = result.map_or("null", RawValue::get).to_owned();
            JsonRpcMessage::response(ServerResult::CustomResult(CustomResult(Value::String(text))), id)
        }
    }
}

/// An error in whatever shape is still an answer.
fn lenient(text: &str) -> ErrorData {
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    let code =
        error["code"].as_i64().and_then(|code| i32::try_from(code).ok()).map_or(ErrorCode::INTERNAL_ERROR, ErrorCode);
    let message = error["message"].as_str().unwrap_or("The server reported an error without a message.").to_owned();
    ErrorData::new(code, message, None)
}

impl Transport<RoleClient> for Wire {
    type Error = io::Error;

    fn send(&mut self, item: ClientJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.note(&item);
        let departure = match &item {
            JsonRpcMessage::Request(request) => request.request.extensions().get::<Departure>().cloned(),
            _ => None,
        };
        // JCS for the whole message: the arguments in it are then, byte for byte, the ones that were approved.
        let line = Canonical::of(&item).map(|canonical| [canonical.bytes(), b"\n"].concat());
        let (stdin, mut closing) = (self.stdin.clone(), self.closing.subscribe());
        async move {
            let line = line.map_err(io::Error::other)?;
            // Closing must not wait for a child that no longer reads.
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => Err(io::ErrorKind::NotConnected.into()),
                written = write(&stdin, &line, departure.unwrap_or_default()) => written,
            }
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            match self.lines.next().await? {
                Line::Whole(line) => {
                    if let Some(message) = self.read(&line) {
                        return Some(message);
                    }
                }
                Line::TooLong => {
                    tracing::warn!(
                        connector = self.slug,
                        limit = LONGEST_MESSAGE,
                        "An MCP server's message was too long and is dropped"
                    );
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.closing.send_replace(true);
        // Dropping our end is how MCP asks a server to go (2025-11-25, "Lifecycle", "Shutdown").
        self.stdin.lock().await.take();
        Ok(())
    }
}

async fn write(stdin: &AsyncMutex<Option<ChildStdin>>, line: &[u8], departure: Departure) -> io::Result<()> {
    let mut stdin = stdin.lock().await;
    let stdin = stdin.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    if !departure.begin() {
        return Err(io::Error::other("the caller gave up"));
    }
    let mut leaving = Leaving { departure, written: 0 };
    while leaving.written < line.len() {
        match stdin.write(&line[leaving.written..]).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            more => leaving.written += more,
        }
    }
    leaving.departure.0.store(LEFT, Ordering::Release);
    stdin.flush().await
}

/// However writing ends: a message of which the pipe took nothing has not left, and never will.
struct Leaving {
    departure: Departure,
    written: usize,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if self.written == 0 {
            self.departure.0.store(ABANDONED, Ordering::Release);
        }
    }
}
