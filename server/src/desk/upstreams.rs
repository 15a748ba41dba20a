//! The MCP servers that an agent may read beside calling their tools.

use super::error::{DeskError, agent_suspended};
use super::{AgentCaller, Desk};
use crate::audit::{Actor, Entry};
use crate::connectors::ConnectorSpec;
use crate::store;
use countersign_domain::connector::ConnectorKind;
use countersign_domain::ids::ConnectorId;
use serde_json::json;
use std::sync::Arc;

/// A connector whose MCP server may be read.
pub struct Upstream {
    /// The connector's slug.
    pub slug: String,
    /// How it is reached.
    pub spec: Arc<ConnectorSpec>,
}

/// The longest name or address that the record keeps.
const LONGEST: usize = 500;

impl Desk {
    /// The MCP connectors that an agent may see, by slug.
    ///
    /// # Errors
    /// When the agent was suspended meanwhile, or a credential can't be opened.
    pub fn upstreams(&self, caller: &AgentCaller) -> Result<Vec<Upstream>, DeskError> {
        let snapshot = self.snapshot();
        let (agent, _) = snapshot.agent_at_the_door(caller.id).ok_or_else(agent_suspended)?;
        let visible = snapshot.connectors.values().filter(|entry| entry.visible_to(agent));
        let mcp = visible.filter(|entry| entry.connector.kind == ConnectorKind::Mcp);
        mcp.map(|entry| {
            let spec = Arc::new(self.connector_spec(entry)?);
            Ok(Upstream { slug: entry.connector.slug.clone(), spec })
        })
        .collect()
    }

    /// Which MCP connectors an agent may see, and how each is set up: another answer is another list of prompts and
    /// resources.
    #[must_use]
    pub fn upstream_versions(&self, caller: &AgentCaller) -> Vec<(ConnectorId, i64)> {
        let snapshot = self.snapshot();
        let Some((agent, _)) = snapshot.agent_at_the_door(caller.id) else { return Vec::new() };
        let visible = snapshot.connectors.values().filter(|entry| entry.visible_to(agent));
        visible
            .filter(|entry| entry.connector.kind == ConnectorKind::Mcp)
            .map(|entry| (entry.connector.id, entry.connector.version))
            .collect()
    }

    /// Puts on the record that an agent is about to read a prompt or a resource.
    ///
    /// # Errors
    /// When the store fails; then nothing may be read.
    pub async fn note_reading(
        &self,
        caller: &AgentCaller,
        upstream: &Upstream,
        action: &'static str,
        what: &str,
    ) -> Result<(), DeskError> {
        let what: String = what.chars().take(LONGEST).collect();
        let entry = Entry::new(self.now(), Actor::Agent(caller.id), action, upstream.spec.id.to_string());
        let entry = entry.with(json!({"connector": upstream.slug, "what": what}));
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::audit::append(connection, entry).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}
