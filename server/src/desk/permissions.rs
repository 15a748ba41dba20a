//! What an agent may use, and what each call needs.

use super::error::{DeskError, agent_suspended};
use super::snapshot::{ConnectorEntry, Snapshot, ToolEntry};
use super::submit::judge;
use super::{AgentCaller, Desk};
use crate::store::agents::Agent;
use crate::store::connectors::Tool;
use crate::store::users::User;
use countersign_domain::Timestamp;
use countersign_domain::connector::{ConnectorKind, ToolState};
use countersign_domain::policy::Action;
use countersign_wire::agent::{Permissions, PermittedConnector, PermittedTool};
use serde_json::json;
use std::sync::Arc;

/// A tool that an agent may use, and what a call of it needs.
pub struct Offer {
    entry: Arc<ConnectorEntry>,
    tool: String,
    needs: Option<Action>,
}

impl Offer {
    /// The connector's slug.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.entry.connector.slug
    }

    /// How its calls leave.
    #[must_use]
    pub fn kind(&self) -> ConnectorKind {
        self.entry.connector.kind
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> Option<&Tool> {
        self.entry.tools.get(&self.tool).map(|entry| &entry.tool)
    }

    /// What a call needs; none where a policy looks at the call itself.
    #[must_use]
    pub const fn needs(&self) -> Option<Action> {
        self.needs
    }
}

impl Desk {
    /// The tools that an agent may use, without those that every call of is denied.
    ///
    /// # Errors
    /// When the agent was suspended meanwhile.
    pub fn offers(&self, caller: &AgentCaller) -> Result<Vec<Offer>, DeskError> {
        let snapshot = self.snapshot();
        let (agent, owner) = snapshot.agent_at_the_door(caller.id).ok_or_else(agent_suspended)?;
        let now = self.now();
        let mut offers = Vec::new();
        for entry in snapshot.connectors.values().filter(|entry| entry.visible_to(agent)) {
            for tool in entry.tools.values().filter(|tool| tool.tool.state == ToolState::Ready) {
                let needs = needs(&snapshot, entry, tool, agent, owner, now);
                if needs != Some(Action::Deny) {
                    offers.push(Offer { entry: Arc::clone(entry), tool: tool.tool.name.clone(), needs });
                }
            }
        }
        Ok(offers)
    }

    /// The connectors and tools that an agent may use, and what each needs.
    ///
    /// # Errors
    /// When the agent was suspended meanwhile.
    pub fn permissions(&self, caller: &AgentCaller) -> Result<Permissions, DeskError> {
        let snapshot = self.snapshot();
        let (agent, owner) = snapshot.agent_at_the_door(caller.id).ok_or_else(agent_suspended)?;
        let now = self.now();
        let connectors = snapshot
            .connectors
            .values()
            .filter(|entry| entry.visible_to(agent))
            .map(|entry| connector(&snapshot, entry, agent, owner, now))
            .collect();
        Ok(Permissions { connectors })
    }
}

fn connector(
    snapshot: &Snapshot,
    entry: &ConnectorEntry,
    agent: &Agent,
    owner: &User,
    now: Timestamp,
) -> PermittedConnector {
    let ready = entry.tools.values().filter(|tool| tool.tool.state == ToolState::Ready);
    PermittedConnector {
        connector: entry.connector.slug.clone(),
        name: entry.connector.name.clone(),
        tools: ready.map(|tool| permitted(snapshot, entry, tool, agent, owner, now)).collect(),
    }
}

fn permitted(
    snapshot: &Snapshot,
    entry: &ConnectorEntry,
    tool: &ToolEntry,
    agent: &Agent,
    owner: &User,
    now: Timestamp,
) -> PermittedTool {
    PermittedTool {
        tool: tool.tool.name.clone(),
        effect: tool.tool.effect,
        needs: word(needs(snapshot, entry, tool, agent, owner, now)).to_owned(),
        title: tool.tool.title.clone(),
        description: tool.tool.description.clone(),
        input_schema: tool.tool.input_schema.clone(),
    }
}

const fn word(needs: Option<Action>) -> &'static str {
    match needs {
        None => "depends",
        Some(Action::Allow) => "allow",
        Some(Action::RequestApproval | Action::StepUp) => "request_approval",
        Some(Action::Deny) => "deny",
    }
}

/// What a call needs as far as can be told without one; none where a condition may look at the call.
fn needs(
    snapshot: &Snapshot,
    entry: &ConnectorEntry,
    tool: &ToolEntry,
    agent: &Agent,
    owner: &User,
    now: Timestamp,
) -> Option<Action> {
    let verdict = judge(snapshot, entry, tool, agent, owner, &json!({}), None, now);
    let conditional = snapshot.policies.iter().filter(|policy| policy.active).any(|policy| {
        policy.body.when.is_some()
            && policy.body.scope.connectors.as_ref().is_none_or(|slugs| slugs.contains(&entry.connector.slug))
    });
    (!conditional).then_some(verdict.action)
}
