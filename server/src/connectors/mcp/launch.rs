//! How an `mcp` connector's server is reached: a program that is started, or an address that is connected to.

use crate::connectors::http::HttpClients;
use crate::connectors::scrub::Scrubber;
use crate::connectors::{ConnectorSpec, Credential, Settings};
use countersign_domain::ids::ConnectorId;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A connector's settings as they were when its server was started.
pub(super) struct Launch {
    pub(super) id: ConnectorId,
    pub(super) slug: String,
    pub(super) way: Way,
    pub(super) timeout: Duration,
}

/// Which transport is spoken.
pub(super) enum Way {
    /// Standard input and output of a child process.
    Start { command: Vec<String>, env: Vec<(String, SecretString)> },
    /// Streamable HTTP.
    Connect(Address),
}

/// Where a server is, and what it asks for.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) url: Url,
    pub(super) allow_private: bool,
    pub(super) credential: Option<Credential>,
    pub(super) clients: Arc<HttpClients>,
}

impl Launch {
    pub(super) fn of(connector: &ConnectorSpec, clients: &Arc<HttpClients>) -> Option<Self> {
        let (way, timeout) = match connector.settings.clone() {
            Settings::Mcp { command, env, timeout } => (Way::Start { command, env }, timeout),
            Settings::RemoteMcp { url, allow_private, credential, timeout } => {
                (Way::Connect(Address { url, allow_private, credential, clients: clients.clone() }), timeout)
            }
            Settings::Http { .. } | Settings::External => return None,
        };
        Some(Self { id: connector.id, slug: connector.slug.clone(), way, timeout })
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (&self.way, &other.way) {
            (Way::Start { command, env }, Way::Start { command: theirs, env: their_env }) => {
                command == theirs && env.len() == their_env.len() && env.iter().zip(their_env).all(same_variable)
            }
            (Way::Connect(ours), Way::Connect(theirs)) => {
                ours.url == theirs.url
                    && ours.allow_private == theirs.allow_private
                    && same_credential(ours.credential.as_ref(), theirs.credential.as_ref())
            }
            _ => false,
        }
    }

    pub(super) fn scrubber(&self) -> Scrubber {
        match &self.way {
            Way::Start { env, .. } => Scrubber::of_environment(env),
            Way::Connect(address) => Scrubber::of_credential(address.credential.as_ref()),
        }
    }
}

fn same_variable((ours, theirs): (&(String, SecretString), &(String, SecretString))) -> bool {
    ours.0 == theirs.0 && ours.1.expose_secret() == theirs.1.expose_secret()
}

fn same_credential(ours: Option<&Credential>, theirs: Option<&Credential>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            ours.placement == theirs.placement
                && ours.name == theirs.name
                && ours.secret.expose_secret() == theirs.secret.expose_secret()
        }
        (None, None) => true,
        _ => false,
    }
}
