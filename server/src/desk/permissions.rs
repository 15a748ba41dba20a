//! What an agent may use, and what each call needs.

use super::error::{DeskError, agent_suspended};
use super::snapshot::{ConnectorEntry, Snapshot, ToolEntry};
use super::submit::judge;
use super::{AgentCaller, Desk};
use crate::store::agents::Agent;
use crate::store::connectors::Tool;
use crate::store::users::User;
use countersign_domain::Timestamp;
use countersign_domain::agent::WAIT_BUDGET;
use countersign_domain::connector::{ConnectorKind, ToolState};
use countersign_domain::grant::Bound;
use countersign_domain::policy::Action;
use countersign_wire::agent::{Permissions, PermittedConnector, PermittedTool};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

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

    /// What a tool takes, where an agent may use it.
    #[must_use]
    pub fn input_schema(&self, caller: &AgentCaller, connector: &str, tool: &str) -> Option<Value> {
        let snapshot = self.snapshot();
        let (agent, _) = snapshot.agent_at_the_door(caller.id)?;
        let entry = snapshot.connectors.get(connector).filter(|entry| entry.visible_to(agent))?;
        entry.ready_tool(tool).map(|entry| entry.tool.input_schema.clone())
    }

    /// How long an agent's held calls wait by MCP.
    #[must_use]
    pub fn wait_budget(&self, caller: &AgentCaller) -> Duration {
        let snapshot = self.snapshot();
        let seconds = snapshot.agents.get(&caller.id).map_or(WAIT_BUDGET, Agent::wait_budget);
        Duration::from_secs(u64::from(seconds))
    }

    /// The connectors and tools that an agent may use, what each needs, and what a grant covers.
    ///
    /// # Errors
    /// When the agent was suspended meanwhile, or the store fails.
    pub async fn permissions(&self, caller: &AgentCaller) -> Result<Permissions, DeskError> {
        let snapshot = self.snapshot();
        let (agent, owner) = snapshot.agent_at_the_door(caller.id).ok_or_else(agent_suspended)?;
        let now = self.now();
        let grants = self.covering(&snapshot, agent.id, owner.id, now).await?;
        let view = View { snapshot: &snapshot, agent, owner, grants, now };
        let seen = snapshot.connectors.values().filter(|entry| entry.visible_to(agent));
        Ok(Permissions { connectors: seen.map(|entry| view.connector(entry)).collect() })
    }
}

/// What one agent sees at one moment.
struct View<'a> {
    snapshot: &'a Snapshot,
    agent: &'a Agent,
    owner: &'a User,
    /// What covers its calls in any session, and until when.
    grants: Vec<(Bound, Timestamp)>,
    now: Timestamp,
}

impl View<'_> {
    fn connector(&self, entry: &ConnectorEntry) -> PermittedConnector {
        let ready = entry.tools.values().filter(|tool| tool.tool.state == ToolState::Ready);
        PermittedConnector {
            connector: entry.connector.slug.clone(),
            name: entry.connector.name.clone(),
            tools: ready.map(|tool| self.tool(entry, tool)).collect(),
        }
    }

    fn tool(&self, entry: &ConnectorEntry, tool: &ToolEntry) -> PermittedTool {
        let needs = needs(self.snapshot, entry, tool, self.agent, self.owner, self.now);
        PermittedTool {
            tool: tool.tool.name.clone(),
            effect: tool.tool.effect,
            needs: word(needs).to_owned(),
            granted_until: self.granted_until(entry, tool, needs),
            title: tool.tool.title.clone(),
            description: tool.tool.description.clone(),
            input_schema: tool.tool.input_schema.clone(),
        }
    }

    /// A grant stands in for the approval that one policy asks for: where another asks now, or none, it covers nothing.
    fn granted_until(&self, entry: &ConnectorEntry, tool: &ToolEntry, needs: Option<Action>) -> Option<Timestamp> {
        let asks = match needs {
            Some(Action::RequestApproval) => {
                let verdict = judge(self.snapshot, entry, tool, self.agent, self.owner, &json!({}), None, self.now);
                verdict.policy.map(|policy| (policy.id, policy.version))
            }
            None => None,
            Some(_) => return None,
        };
        let of_tool = self.grants.iter().filter(|(bound, _)| {
            let same_tool = bound.connector_id == entry.connector.id && bound.tool == tool.tool.name;
            same_tool && asks.is_none_or(|asks| asks == bound.policy)
        });
        of_tool.map(|(_, until)| *until).max()
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
