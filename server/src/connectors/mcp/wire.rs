//! Our end of a child's standard input and output, under rmcp's client.
//!
//! rmcp's own transport would do but for three things: arguments must go up as the approved bytes, it must be known
//! whether any of a call's bytes left, and an answer must be kept as it came, whatever rmcp makes of its shape.

use super::departure::Departure;
use super::lines::{Line, Lines};
use super::message::{Envelope, LONGEST_MESSAGE};
use super::progress::Followers;
use countersign_domain::canonical::Canonical;
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, GetExtensions as _, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, watch};

/// The transport.
pub(super) struct Wire {
    lines: Lines<ChildStdout>,
    stdin: Arc<AsyncMutex<Option<ChildStdin>>>,
    closing: watch::Sender<bool>,
    raw: Arc<Mutex<HashSet<String>>>,
    followers: Followers,
    slug: String,
}

impl Wire {
    pub(super) fn new(slug: String, stdout: ChildStdout, stdin: ChildStdin) -> Self {
        Self {
            lines: Lines::new(stdout, LONGEST_MESSAGE),
            stdin: Arc::new(AsyncMutex::new(Some(stdin))),
            closing: watch::Sender::new(false),
            raw: Arc::default(),
            followers: Followers::default(),
            slug,
        }
    }

    fn raw(&self) -> MutexGuard<'_, HashSet<String>> {
        self.raw.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers which answers are wanted raw: those that somebody follows.
    fn note(&self, item: &ClientJsonRpcMessage) {
        match item {
            JsonRpcMessage::Request(request) if request.request.extensions().get::<Departure>().is_some() => {
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
        let envelope = Envelope::read(line)?;
        if self.followers.hear(&envelope) {
            return None;
        }
        match &envelope.id {
            _ if envelope.is_noise() => None,
            Some(id) if envelope.is_answer() && self.raw().remove(&id.to_string()) => Some(envelope.raw(id.clone())),
            _ => serde_json::from_slice(line).ok(),
        }
    }
}

impl Transport<RoleClient> for Wire {
    type Error = io::Error;

    fn send(&mut self, item: ClientJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.note(&item);
        self.followers.note(&item);
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
    leaving.departure.leave();
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
            self.departure.stay();
        }
    }
}
