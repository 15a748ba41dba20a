//! What an agent may use, and what each call needs.

use super::error::{DeskError, agent_suspended};
use super::snapshot::{ConnectorEntry, Snapshot, ToolEntry};
use super::submit::judge;
use super::{AgentCaller, Desk};
use crate::store::agents::Agent;
use crate::store::users::User;
use countersign_domain::Timestamp;
use countersign_domain::connector::ToolState;
use countersign_domain::policy::Action;
use countersign_wire::agent::{Permissions, PermittedConnector, PermittedTool};
use serde_json::json;

impl Desk {
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
        needs: needs(snapshot, entry, tool, agent, owner, now).to_owned(),
        title: tool.tool.title.clone(),
        description: tool.tool.description.clone(),
        input_schema: tool.tool.input_schema.clone(),
    }
}

/// What a call needs as far as can be told without one: a condition that looks at the call makes it "depends".
fn needs(
    snapshot: &Snapshot,
    entry: &ConnectorEntry,
    tool: &ToolEntry,
    agent: &Agent,
    owner: &User,
    now: Timestamp,
) -> &'static str {
    let verdict = judge(snapshot, entry, tool, agent, owner, &json!({}), None, now);
    let conditional = snapshot.policies.iter().filter(|policy| policy.active).any(|policy| {
        policy.body.when.is_some()
            && policy.body.scope.connectors.as_ref().is_none_or(|slugs| slugs.contains(&entry.connector.slug))
    });
    match verdict.action {
        _ if conditional => "depends",
        Action::Allow => "allow",
        Action::RequestApproval | Action::StepUp => "request_approval",
        Action::Deny => "deny",
    }
}
