//! What an earlier file made and this one no longer names, switched off. Nothing is deleted.

use super::super::super::read::{ConnectorItem, DeskFile};
use super::connectors::about_connector;
use super::people::{about_agent, about_user};
use super::policies::{about_flow, about_policy};
use super::{Done, Noted, Plan};
use crate::desk::{Lapse, withdraw_all, withdraw_all_of};
use crate::store::agents::Agent;
use crate::store::connectors::Connector;
use crate::store::{self, Connection};
use countersign_domain::agent::AgentStatus;
use countersign_domain::connector::{ConnectorKind, ToolState, qualified_name};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};

impl Plan {
    /// What others lean on goes last.
    pub(super) async fn prune(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        self.prune_policies(connection, file).await?;
        self.prune_agents(connection, file).await?;
        self.prune_connectors(connection, file).await?;
        self.prune_tools(connection, file).await?;
        self.prune_flows(connection, file).await?;
        self.prune_users(connection, file).await
    }

    async fn prune_policies(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let named: HashSet<_> = file.policies.iter().map(|item| item.value.name.as_str()).collect();
        for mut policy in left_out(&self.known.policies, &named, |policy| policy.from_file && policy.active) {
            policy.active = false;
            store::policies::put(connection, &policy).await?;
            self.pruned.insert(policy.id.0);
            let (subject, metadata) = (policy.id.to_string(), about_policy(&policy));
            let (kind, name, action) = ("policy", policy.body.name.as_str(), "policy.disabled");
            self.note(connection, Noted { sign: '-', kind, name, action, subject, metadata }).await?;
        }
        Ok(())
    }

    async fn prune_agents(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let named: HashSet<_> = file.agents.iter().map(|item| item.value.name.as_str()).collect();
        let runs = |agent: &Agent| agent.from_file && agent.status == AgentStatus::Active;
        for mut agent in left_out(&self.known.agents, &named, runs) {
            agent.status = AgentStatus::Suspended;
            store::agents::update(connection, &agent).await?;
            withdraw_all(connection, agent.id, &self.actor, Lapse::Suspended, self.now).await?;
            self.pruned.insert(agent.id.0);
            let (subject, metadata) = (agent.id.to_string(), about_agent(&agent));
            let (kind, name, action) = ("agent", agent.name.as_str(), "agent.changed");
            self.note(connection, Noted { sign: '-', kind, name, action, subject, metadata }).await?;
        }
        Ok(())
    }

    async fn prune_connectors(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let named: HashSet<_> = file.connectors.iter().map(|item| item.value.slug.as_str()).collect();
        let is_on = |connector: &Connector| connector.from_file && connector.active;
        for mut connector in left_out(&self.known.connectors, &named, is_on) {
            connector.active = false;
            store::connectors::update(connection, &connector).await?;
            self.pruned.insert(connector.id.0);
            let (subject, metadata) = (connector.id.to_string(), about_connector(&connector));
            let (kind, name, action) = ("connector", connector.slug.as_str(), "connector.changed");
            self.note(connection, Noted { sign: '-', kind, name, action, subject, metadata }).await?;
        }
        Ok(())
    }

    async fn prune_tools(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        for item in file.connectors.iter().map(|item| &item.value) {
            let Some(connector) = self.known.connectors.get(&item.slug).cloned() else { continue };
            self.drop_tools(connection, &connector, item).await?;
        }
        Ok(())
    }

    /// An MCP server says itself what tools it has; those of the others are only ever the file's.
    pub(super) async fn drop_tools(
        &mut self,
        connection: &mut Connection,
        connector: &Connector,
        item: &ConnectorItem,
    ) -> Done {
        if connector.kind == ConnectorKind::Mcp {
            return Ok(());
        }
        let named: HashSet<_> = item.tools.iter().map(|tool| tool.value.name.as_str()).collect();
        let tools: Vec<_> = self.known.tools.iter().filter(|tool| tool.connector_id == connector.id).cloned().collect();
        for mut tool in tools {
            if named.contains(tool.name.as_str()) || tool.state == ToolState::Gone {
                continue;
            }
            tool.state = ToolState::Gone;
            store::connectors::put_tool(connection, &tool).await?;
            let name = format!("{}/{}", connector.slug, tool.name);
            // A tool has no id; at the desk too it is called by its qualified name.
            let subject = qualified_name(&connector.slug, &tool.name);
            let metadata = json!({"effect": tool.effect, "state": tool.state, "schema_hash": tool.schema_hash});
            let (kind, action) = ("tool", "tool.changed");
            self.note(connection, Noted { sign: '-', kind, name: &name, action, subject, metadata }).await?;
        }
        Ok(())
    }

    async fn prune_flows(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let named: HashSet<_> = file.flows.iter().map(|item| item.value.name.as_str()).collect();
        for mut flow in left_out(&self.known.flows, &named, |flow| flow.from_file && flow.body.active) {
            flow.body.active = false;
            flow.version += 1;
            store::policies::put_flow(connection, &flow).await?;
            let (subject, metadata) = (flow.id.to_string(), about_flow(&flow));
            let (kind, name, action) = ("flow", flow.body.name.as_str(), "flow.updated");
            self.note(connection, Noted { sign: '-', kind, name, action, subject, metadata }).await?;
        }
        Ok(())
    }

    async fn prune_users(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let named: HashSet<_> = file.users.iter().map(|item| item.value.email.as_str()).collect();
        for mut user in left_out(&self.known.users, &named, |user| user.from_file && user.active) {
            user.active = false;
            store::users::update(connection, &user).await?;
            store::sessions::delete_of_user(connection, user.id).await?;
            withdraw_all_of(connection, user.id, &self.actor, self.now).await?;
            self.pruned.insert(user.id.0);
            let (subject, metadata) = (user.id.to_string(), about_user(&user));
            let (kind, name, action) = ("user", user.email.as_str(), "user.changed");
            self.note(connection, Noted { sign: '-', kind, name, action, subject, metadata }).await?;
        }
        Ok(())
    }
}

fn left_out<T: Clone>(known: &BTreeMap<String, T>, named: &HashSet<&str>, counts: impl Fn(&T) -> bool) -> Vec<T> {
    let left = known.iter().filter(|(name, item)| !named.contains(name.as_str()) && counts(item));
    left.map(|(_, item)| item.clone()).collect()
}
