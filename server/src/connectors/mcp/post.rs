//! Our end of Streamable HTTP (MCP 2026-07-28 and 2025-11-25, "Transports"), under rmcp's client.
//!
//! rmcp has one too, but it sends again and connects again by itself. Here each message is posted once, arguments go up
//! as the approved bytes, it is known whether any of them left, and an answer is kept as it came.

use super::launch::Address;
use super::letter::Letter;
use super::link::{Link, lock};
use super::server::Shared;
use futures::future::{AbortHandle, abortable};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// The transport.
pub(super) struct Post {
    link: Arc<Link>,
    inbox: mpsc::Receiver<ServerJsonRpcMessage>,
    under_way: UnderWayById,
}

type UnderWayById = Arc<Mutex<HashMap<String, AbortHandle>>>;

impl Post {
    /// Connects when there is something to send.
    ///
    /// # Errors
    /// When the address may not be called, or no TLS connection could be checked.
    pub(super) fn to(address: &Address, shared: &Arc<Shared>) -> Result<(Self, Arc<Link>), String> {
        let (link, inbox) = Link::to(address, shared)?;
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
