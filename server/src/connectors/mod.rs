//! How an approved call leaves the house: `http` and `mcp`; `external` calls never do.
//!
//! One call is one attempt. Nothing here retries, decides or stores; whether a byte was sent is told as exactly as it
//! can be known, and counts as sent where it can't.

mod address;
mod answer;
mod http;
mod mcp;
mod scrub;
#[cfg(test)]
mod tests;

pub(crate) use self::address::{AddressError, check_literal};
pub use self::http::{check_base_url, target_url};
pub(crate) use self::http::{guarded_client, tls_error};
pub use mcp::ask::{AskError, ReadOnly};
pub use mcp::tools::DiscoveredTool;

use self::http::HttpClients;
use countersign_domain::canonical::Canonical;
use countersign_domain::connector::{ConnectorKind, CredentialPlacement};
use countersign_domain::execution::Attempt;
use countersign_domain::ids::{ConnectorId, RequestId};
use countersign_domain::request::Target;
use mcp::{McpServers, Pace};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use url::Url;

/// How long a call may take where the connector doesn't say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How many changes of status may wait to be read; a reader that is slower misses the oldest.
const EVENTS_KEPT: usize = 256;

/// A connector as it was when the call was approved.
#[derive(Clone, Debug)]
pub struct ConnectorSpec {
    /// Which.
    pub id: ConnectorId,
    /// Its short name, for logs.
    pub slug: String,
    /// How it is reached.
    pub settings: Settings,
}

impl ConnectorSpec {
    /// What kind its settings make it.
    #[must_use]
    pub const fn kind(&self) -> ConnectorKind {
        match self.settings {
            Settings::Http { .. } => ConnectorKind::Http,
            Settings::Mcp { .. } | Settings::RemoteMcp { .. } => ConnectorKind::Mcp,
            Settings::External => ConnectorKind::External,
        }
    }
}

/// How a connector is reached.
#[derive(Clone, Debug)]
pub enum Settings {
    /// A REST API.
    Http {
        /// As [`check_base_url`] gives it.
        base_url: Url,
        /// Whether it may stand on this machine or in a private network.
        allow_private: bool,
        /// What a check asks for; without one a check only connects.
        health_path: Option<String>,
        /// From the first byte sent to the last one read.
        timeout: Duration,
    },
    /// An MCP server that is started here and spoken to over its standard input and output.
    Mcp {
        /// The program and its arguments.
        command: Vec<String>,
        /// Its environment beside `PATH`, `HOME` and `LANG`; credentials stand here.
        env: Vec<(String, SecretString)>,
        /// For starting it, and for each call.
        timeout: Duration,
    },
    /// An MCP server that is connected to over Streamable HTTP.
    RemoteMcp {
        /// Its one endpoint.
        url: Url,
        /// Whether it may stand on this machine or in a private network.
        allow_private: bool,
        /// Sent there with every message, and to nobody else.
        credential: Option<Credential>,
        /// For beginning the conversation, and for each call.
        timeout: Duration,
    },
    /// The agent runs the tool itself.
    External,
}

/// A credential for one HTTP call.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Where it is put.
    pub placement: CredentialPlacement,
    /// The header's or query parameter's name.
    pub name: Option<String>,
    /// What must never reach the agent, a log or an error.
    pub secret: SecretString,
}

/// What is needed to make one call; all of it was frozen at approval, but for the secret.
#[derive(Clone)]
pub struct Outgoing {
    /// Sent as `Idempotency-Key`.
    pub request_id: RequestId,
    /// Where to.
    pub connector: Arc<ConnectorSpec>,
    /// By its upstream name.
    pub tool: String,
    /// For `mcp`: the hash of the tool's definition as it was approved. A server that lists another now is not called.
    pub schema_hash: Option<String>,
    /// The destination that was approved.
    pub target: Target,
    /// The approved bytes.
    pub arguments: Canonical,
    /// For `http`: the body as it was composed from the arguments.
    pub body: Option<Vec<u8>>,
    /// For `http`; an `mcp` server's credential is part of its settings.
    pub credential: Option<Credential>,
    /// Where its progress is told, if anywhere.
    pub progress: Option<ProgressTo>,
}

/// How far a call has come, as its upstream says while it makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// So much is done.
    pub done: f64,
    /// Of so much, where it knows.
    pub total: Option<f64>,
    /// In its own words, without our secrets.
    pub words: Option<String>,
}

/// Where a call's progress is told. It must not wait.
pub type ProgressTo = Arc<dyn Fn(Progress) + Send + Sync>;

/// Something that the desk should know about a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorEvent {
    /// Which.
    pub connector: ConnectorId,
    /// What happened.
    pub change: ConnectorChange,
}

/// What happened to a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectorChange {
    /// It is up.
    Connected,
    /// It went down or did not come up; the sentence is safe to show.
    Failed(String),
    /// It says that its tools changed; they should be read again.
    ToolsChanged,
    /// It says that its prompts changed.
    PromptsChanged,
    /// It says that its resources changed.
    ResourcesChanged,
}

/// All connectors' clients and child processes. Cheap to clone.
#[derive(Clone)]
pub struct Connectors {
    clients: Arc<HttpClients>,
    servers: Arc<McpServers>,
    events: broadcast::Sender<ConnectorEvent>,
}

impl Default for Connectors {
    fn default() -> Self {
        Self::new()
    }
}

impl Connectors {
    /// Nothing is connected or started before the first call or check.
    #[must_use]
    pub fn new() -> Self {
        Self::paced(Pace::default())
    }

    fn paced(pace: Pace) -> Self {
        let events = broadcast::Sender::new(EVENTS_KEPT);
        let clients = Arc::<HttpClients>::default();
        Self { servers: Arc::new(McpServers::new(pace, clients.clone(), events.clone())), clients, events }
    }

    /// Makes one call, once.
    pub async fn call(&self, outgoing: Outgoing) -> Attempt {
        match &outgoing.connector.settings {
            Settings::Http { .. } => self.clients.call(&outgoing).await,
            Settings::Mcp { .. } | Settings::RemoteMcp { .. } => self.servers.call(&outgoing).await,
            Settings::External => Attempt::NotSent("The agent runs this tool itself.".to_owned()),
        }
    }

    /// Looks whether the connector can be reached, and which tools it names.
    ///
    /// `mcp` lists its tools; `http` connects, or asks for its health path with the credential.
    ///
    /// # Errors
    /// Why it can't be reached, as a sentence that is safe to show.
    pub async fn check(
        &self,
        connector: &Arc<ConnectorSpec>,
        credential: Option<&Credential>,
    ) -> Result<Vec<DiscoveredTool>, String> {
        match &connector.settings {
            Settings::Http { .. } => self.clients.check(connector, credential).await.map(|()| Vec::new()),
            Settings::Mcp { .. } | Settings::RemoteMcp { .. } => self.servers.check(connector).await,
            Settings::External => Ok(Vec::new()),
        }
    }

    /// Asks for something that only reads: an `mcp` upstream's prompts, resources and completions, as its own JSON,
    /// without our secrets. What an upstream doesn't offer at all is an empty list.
    ///
    /// # Errors
    /// When the upstream can't be asked, or refuses.
    pub async fn ask(&self, connector: &Arc<ConnectorSpec>, ask: ReadOnly) -> Result<serde_json::Value, AskError> {
        self.servers.ask(connector, &ask).await
    }

    /// Stops a connector's child process, or ends its conversation: it was changed or disabled, or got another credential. Calls under way may
    /// end; the next call starts a new one.
    pub fn retire(&self, connector: ConnectorId) {
        self.servers.retire(connector);
    }

    /// What happens to connectors from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<ConnectorEvent> {
        self.events.subscribe()
    }

    /// Takes no more calls and stops every child process; calls under way have a few seconds to end.
    pub async fn stop(&self) {
        self.servers.stop().await;
    }
}
