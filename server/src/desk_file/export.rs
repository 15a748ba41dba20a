//! The desk written back as a file that makes the same desk, on an empty one too. Secrets are not in it; where they come
//! from is.
//!
//! What is switched off has no word in a file, and would be on wherever it is applied. So it is left out, and so is its
//! name wherever something else says it. Nothing may run there that does not run here: a list that loses all its names
//! does not become one that is missing, which would mean all.

use super::known::Known;
use crate::store::agents::Agent;
use crate::store::connectors::{Connector, Tool};
use crate::store::policies::PolicyRecord;
use crate::store::users::User;
use crate::store::{Connection, StoreError};
use countersign_domain::agent::AgentStatus;
use countersign_domain::connector::{ConnectorKind, ToolState};
use countersign_domain::flow::{Approvers, FlowBody};
use countersign_domain::user::Role;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Writes the desk as YAML, in a stable order. Comments at its head say what is switched off here.
///
/// # Errors
/// When the store can't be read.
pub async fn export(connection: &mut Connection) -> Result<String, StoreError> {
    let known = Known::load(connection).await?;
    let mut writer = Writer { known: &known, off: Vec::new() };
    let whole = writer.whole();
    let mut text =
        String::from("# The desk as code. Agents keep the keys that they have; name `key_env` to set one.\n");
    if !writer.off.is_empty() {
        text.push_str("# Switched off here, and what that leaves out of this file:\n");
    }
    // Writing to a string can't fail.
    for line in &writer.off {
        let _ = writeln!(text, "#   {line}");
    }
    for key in ["users", "agents", "connectors", "flows", "policies", "settings"] {
        let _ = writeln!(text, "{key}:{}", block(&whole[key], 1));
    }
    Ok(text)
}

struct Writer<'a> {
    known: &'a Known,
    /// A line for each thing that is not in the file as it is here. Names are quoted, so that none ends its comment.
    off: Vec<String>,
}

impl<'a> Writer<'a> {
    fn whole(&mut self) -> Value {
        let known = self.known;
        let users: Vec<_> = known.users.values().filter_map(|one| self.user(one)).collect();
        let agents: Vec<_> = known.agents.values().filter_map(|one| self.agent(one)).collect();
        let connectors: Vec<_> = known.connectors.values().filter_map(|one| self.connector(one)).collect();
        let flows: Vec<_> = known.flows.values().map(|one| self.flow(&one.body)).collect();
        let policies: Vec<_> = known.policies.values().filter_map(|one| self.policy(one)).collect();
        let settings = &known.desk.settings;
        let default_flow = known.flows.values().find(|flow| Some(flow.id) == settings.default_flow);
        json!({
            "users": users,
            "agents": agents,
            "connectors": connectors,
            "flows": flows,
            "policies": policies,
            "settings": some(json!({
                "default_flow": default_flow.map(|flow| &flow.body.name),
                "max_pending_per_agent": settings.max_pending_per_agent,
                "push_content": settings.push_content,
                "smtp": settings.smtp,
                "sms": settings.sms,
                "max_asks_per_minute": settings.max_asks_per_minute,
            })),
        })
    }

    fn user(&mut self, user: &User) -> Option<Value> {
        if !user.active {
            self.off.push(format!("user {:?} is closed", user.email));
            return None;
        }
        Some(json!({"email": user.email, "name": user.name, "role": user.role, "groups": user.groups}))
    }

    fn agent(&mut self, agent: &Agent) -> Option<Value> {
        let what = format!("agent {:?}", agent.name);
        if agent.status == AgentStatus::Suspended {
            self.off.push(format!("{what} is suspended"));
            return None;
        }
        let Some(owner) = self.owner(agent) else {
            self.off.push(format!("{what} belongs to somebody whose account is closed"));
            return None;
        };
        let mut may = agent.may_act_for.clone();
        may.users = self.kept(&what, "may_act_for", &may.users, Self::is_open);
        let connectors = agent.connectors.as_ref();
        Some(some(json!({
            "name": agent.name,
            "owner": owner.email,
            "public_key": agent.public_key,
            "connectors": connectors.map(|slugs| self.kept(&what, "connectors", slugs, Self::is_connected)),
            "may_act_for": may,
            "wait_budget_seconds": agent.wait_budget_seconds,
            "callback_url": agent.callback.as_ref().map(|callback| &callback.url),
        })))
    }

    fn connector(&mut self, connector: &Connector) -> Option<Value> {
        if !connector.active {
            self.off.push(format!("connector {:?} is switched off", connector.slug));
            return None;
        }
        let credential = self.known.credentials.iter().find(|credential| credential.connector_id == connector.id);
        let is_mcp = connector.kind == ConnectorKind::Mcp;
        let theirs = self.known.tools.iter().filter(|tool| tool.connector_id == connector.id);
        // Of an MCP server's tools only what an admin set is ours to write.
        let kept = theirs.filter(|tool| if is_mcp { tool.effect_set } else { tool.state != ToolState::Gone });
        Some(some(json!({
            "slug": connector.slug,
            "kind": connector.kind,
            "name": connector.name,
            "base_url": connector.settings.base_url,
            "command": (is_mcp && connector.settings.url.is_none()).then_some(&connector.settings.command),
            "url": connector.settings.url,
            "allow_private": connector.settings.allow_private.then_some(true),
            "health_path": connector.settings.health_path,
            "credential": credential.map(|one| some(json!({"env": one.env, "as": one.placement, "name": one.name}))),
            "tools": kept.map(|one| tool(one, is_mcp)).collect::<Vec<_>>(),
        })))
    }

    /// A flow says itself whether it is on. One that is left with nobody to ask is written as off: a policy that names
    /// it then denies, where here the call would wait in vain.
    fn flow(&mut self, body: &FlowBody) -> Value {
        let (mut body, what) = (body.clone(), format!("flow {:?}", body.name));
        for step in &mut body.steps {
            let approvers = &mut step.approvers;
            approvers.users = self.kept(&what, "approvers", &approvers.users, Self::is_open);
            if approvers.is_empty() {
                // A step must name somebody. Nobody is asked by a flow that is off.
                approvers.roles = vec![Role::Admin];
                body.active = false;
                self.off.push(format!("{what} asks nobody who is left; it is switched off and names admins instead"));
            }
            if let Some(more) = &mut step.escalate_to {
                more.users = self.kept(&what, "escalate_to", &more.users, Self::is_open);
            }
            // An escalation to nobody is none.
            if step.escalate_to.as_ref().is_some_and(Approvers::is_empty) {
                (step.escalate_after_minutes, step.escalate_to) = (None, None);
            }
        }
        json!(body)
    }

    /// A policy that is about nothing that is left is left out: no call that comes there could match it.
    fn policy(&mut self, policy: &PolicyRecord) -> Option<Value> {
        let what = format!("policy {:?}", policy.body.name);
        if !policy.active {
            self.off.push(format!("{what} is disabled"));
            return None;
        }
        let mut body = policy.body.clone();
        let scope = &mut body.scope;
        let mut is_left = true;
        for (key, list, is_here) in [
            ("connectors", &mut scope.connectors, Self::is_connected as fn(&Self, &str) -> bool),
            ("agents", &mut scope.agents, Self::is_running),
            ("users", &mut scope.users, Self::is_open),
        ] {
            let Some(names) = list else { continue };
            *names = self.kept(&what, key, names, is_here);
            is_left &= !names.is_empty();
        }
        if !is_left {
            self.off.push(format!("{what} is about nothing that is left, and is left out"));
        }
        is_left.then(|| json!(body))
    }

    /// Of these names, those of something that is in the file.
    fn kept(&mut self, what: &str, key: &str, names: &[String], is_here: fn(&Self, &str) -> bool) -> Vec<String> {
        let (kept, lost): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| is_here(self, name));
        if !lost.is_empty() {
            let lost: Vec<_> = lost.iter().map(|name| format!("{name:?}")).collect();
            self.off.push(format!("{what} has {} among its {key}", lost.join(", ")));
        }
        kept
    }

    fn is_open(&self, email: &str) -> bool {
        self.known.users.get(&email.to_lowercase()).is_some_and(|user| user.active)
    }

    fn is_connected(&self, slug: &str) -> bool {
        self.known.connectors.get(slug).is_some_and(|connector| connector.active)
    }

    fn is_running(&self, name: &str) -> bool {
        let agent = self.known.agents.get(name).filter(|agent| agent.status == AgentStatus::Active);
        agent.is_some_and(|agent| self.owner(agent).is_some())
    }

    /// An agent's owner, if the account is open.
    fn owner(&self, agent: &Agent) -> Option<&'a User> {
        self.known.users.values().find(|user| user.id == agent.owner_id && user.active)
    }
}

fn tool(tool: &Tool, is_mcp: bool) -> Value {
    some(json!({
        "name": tool.name,
        "description": if is_mcp { None } else { tool.description.clone() },
        "method": tool.method,
        "path": tool.path,
        "effect": tool.effect_set.then_some(tool.effect),
        "input_schema": (!is_mcp).then_some(&tool.input_schema),
    }))
}

/// Without the keys that say nothing.
fn some(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            Value::Object(entries.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// A value in block style. Scalars are written as JSON, which is YAML too (YAML 1.2.2, section 1.2), so that no text
/// can be read as anything else.
fn block(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            entries.iter().fold(String::new(), |mut text, (key, value)| {
                let _ = write!(text, "\n{indent}{}:{}", json!(key), block(value, depth + 1));
                text
            })
        }
        Value::Array(items) if !items.is_empty() => items.iter().fold(String::new(), |mut text, item| {
            let _ = write!(text, "\n{indent}-{}", item_block(item, depth + 1));
            text
        }),
        scalar => format!(" {scalar}"),
    }
}

/// An item of a list: a mapping begins on the dash's own line.
fn item_block(item: &Value, depth: usize) -> String {
    let text = block(item, depth);
    let indent = format!("\n{}", "  ".repeat(depth));
    text.strip_prefix(&indent).map_or_else(|| text.clone(), |rest| format!(" {rest}"))
}
