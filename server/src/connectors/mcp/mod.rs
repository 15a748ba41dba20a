//! Calls of MCP servers: child processes that are spoken to over standard input and output, and remote ones that are
//! spoken to over Streamable HTTP.
//!
//! One conversation per connector, begun at the first call or check and begun again when it ends. This file keeps them
//! by connector; `server.rs` and `asking.rs` speak with one of them, `life.rs` and `remote.rs` keep it alive.

pub(super) mod ask;
mod asking;
mod child;
mod departure;
mod headers;
mod hearing;
mod launch;
mod letter;
mod life;
mod lines;
mod link;
mod listening;
mod listing;
mod message;
mod post;
mod progress;
mod remote;
mod result;
mod server;
mod sse;
pub(super) mod tools;
mod wire;

use super::http::HttpClients;
use super::{ConnectorEvent, ConnectorSpec, DiscoveredTool, Outgoing, Settings};
use ask::{AskError, ReadOnly};
use countersign_domain::execution::Attempt;
use countersign_domain::ids::ConnectorId;
use countersign_domain::request::Target;
use launch::Launch;
use serde_json::Value;
use server::Server;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// How long calls under way may take once the desk stops.
const LAST_CALLS: Duration = Duration::from_secs(5);

const NOT_MCP: &str = "This is no `mcp` connector.";

/// How soon a child that ended is started again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// After the first end; each further one doubles it.
    pub(super) first: Duration,
    /// It grows no longer than this.
    pub(super) longest: Duration,
    /// A child that lived so long counts as well again.
    pub(super) settled: Duration,
    /// How long a call waits for a child that is down to come back.
    pub(super) grace: Duration,
    /// `tools/list_changed` is told at most so often.
    pub(super) quiet: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            settled: Duration::from_secs(60),
            grace: Duration::from_secs(2),
            quiet: Duration::from_secs(1),
        }
    }
}

/// The running servers; none any more once the desk stops.
pub(super) struct McpServers {
    pace: Pace,
    clients: Arc<HttpClients>,
    events: broadcast::Sender<ConnectorEvent>,
    running: Mutex<Option<HashMap<ConnectorId, Server>>>,
}

impl McpServers {
    pub(super) fn new(pace: Pace, clients: Arc<HttpClients>, events: broadcast::Sender<ConnectorEvent>) -> Self {
        Self { pace, clients, events, running: Mutex::new(Some(HashMap::new())) }
    }

    pub(super) async fn call(&self, outgoing: &Outgoing) -> Attempt {
        let Some(limit) = limit_if_approved(&outgoing.target, &outgoing.connector.settings) else {
            return Attempt::NotSent("The approved destination is not the connector's any more.".to_owned());
        };
        match self.server(&outgoing.connector) {
            Ok(server) => server.call(outgoing, limit).await,
            Err(sentence) => Attempt::NotSent(sentence),
        }
    }

    pub(super) async fn check(&self, connector: &ConnectorSpec) -> Result<Vec<DiscoveredTool>, String> {
        let limit = limit(&connector.settings).ok_or(NOT_MCP)?;
        self.server(connector)?.list_tools(limit).await
    }

    pub(super) async fn ask(&self, connector: &ConnectorSpec, what: &ReadOnly) -> Result<Value, AskError> {
        let Some(limit) = limit(&connector.settings) else { return what.answer_of_none() };
        self.server(connector).map_err(AskError::Unavailable)?.ask_for(what, limit).await
    }

    pub(super) fn retire(&self, connector: ConnectorId) {
        let retired = self.running().as_mut().and_then(|running| running.remove(&connector));
        if let Some(server) = retired {
            server.stop(server.longest_call());
        }
    }

    pub(super) async fn stop(&self) {
        let running = self.running().take().unwrap_or_default();
        for server in running.values() {
            server.stop(LAST_CALLS);
        }
        for server in running.values() {
            server.stopped().await;
        }
    }

    /// The connector's server as it is set up now; one that was started with other settings is stopped.
    fn server(&self, connector: &ConnectorSpec) -> Result<Server, String> {
        let launch = Launch::of(connector, &self.clients).ok_or(NOT_MCP)?;
        let mut running = self.running();
        let running = running.as_mut().ok_or("The desk is being stopped.")?;
        if let Some(server) = running.get(&connector.id) {
            if server.was_launched_as(&launch) {
                return Ok(server.clone());
            }
            server.stop(server.longest_call());
        }
        let server = Server::start(launch, self.pace, self.events.clone());
        running.insert(connector.id, server.clone());
        Ok(server)
    }

    fn running(&self) -> MutexGuard<'_, Option<HashMap<ConnectorId, Server>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for McpServers {
    fn drop(&mut self) {
        for server in self.running().iter().flat_map(HashMap::values) {
            server.stop(Duration::ZERO);
        }
    }
}

const fn limit(settings: &Settings) -> Option<Duration> {
    match settings {
        Settings::Mcp { timeout, .. } | Settings::RemoteMcp { timeout, .. } => Some(*timeout),
        Settings::Http { .. } | Settings::External => None,
    }
}

/// How long the call may take, if the destination is still the one that was approved.
fn limit_if_approved(target: &Target, settings: &Settings) -> Option<Duration> {
    match (target, settings) {
        (Target::Stdio { command: approved, .. }, Settings::Mcp { command, timeout, .. }) => {
            (approved == command).then_some(*timeout)
        }
        (Target::Remote { url: approved, .. }, Settings::RemoteMcp { url, timeout, .. }) => {
            (approved == url.as_str()).then_some(*timeout)
        }
        _ => None,
    }
}
