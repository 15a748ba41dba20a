//! The desk written back as a file that makes the same desk. Secrets are not in it; where they come from is.

use crate::store::connectors::{Connector, Credential, Tool};
use crate::store::users::User;
use crate::store::{self, Connection, StoreError};
use countersign_domain::agent::AgentStatus;
use countersign_domain::connector::{ConnectorKind, ToolState};
use countersign_domain::ids::UserId;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Writes the desk as YAML, in a stable order. What is switched off is left out.
///
/// # Errors
/// When the store can't be read.
pub async fn export(connection: &mut Connection) -> Result<String, StoreError> {
    // By what they are called in the file: what a file makes at once has no other order that another desk would share.
    let mut users = store::users::all(connection).await?;
    users.sort_by(|a, b| a.email.cmp(&b.email));
    let tools = store::connectors::all_tools(connection).await?;
    let credentials = store::connectors::all_credentials(connection).await?;
    let mut connectors = store::connectors::all(connection).await?;
    connectors.sort_by(|a, b| a.slug.cmp(&b.slug));
    let mut agents = store::agents::all(connection).await?;
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    let flows = store::policies::all_flows(connection).await?;
    let policies = store::policies::all(connection).await?;
    let settings = store::desk::desk(connection).await?.map(|row| row.settings).unwrap_or_default();
    let email = |id: UserId| users.iter().find(|user| user.id == id).map(|user| user.email.clone()).unwrap_or_default();
    let default_flow = flows.iter().find(|flow| Some(flow.id) == settings.default_flow);
    let whole = json!({
        "users": users.iter().filter(|user| user.active).map(user).collect::<Vec<_>>(),
        "agents": agents.iter().filter(|agent| agent.status == AgentStatus::Active).map(|agent| some(json!({
            "name": agent.name,
            "owner": email(agent.owner_id),
            "public_key": agent.public_key,
            "connectors": agent.connectors,
            "may_act_for": agent.may_act_for,
        }))).collect::<Vec<_>>(),
        "connectors": connectors.iter().filter(|connector| connector.active)
            .map(|one| connector(one, &tools, &credentials)).collect::<Vec<_>>(),
        "flows": flows.iter().filter(|flow| flow.body.active).map(|flow| json!(flow.body)).collect::<Vec<_>>(),
        "policies": policies.iter().filter(|policy| policy.active).map(|policy| json!(policy.body)).collect::<Vec<_>>(),
        "settings": some(json!({
            "default_flow": default_flow.map(|flow| &flow.body.name),
            "max_pending_per_agent": settings.max_pending_per_agent,
        })),
    });
    let mut text =
        String::from("# The desk as code. Agents keep the keys that they have; name `key_env` to set one.\n");
    for key in ["users", "agents", "connectors", "flows", "policies", "settings"] {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{key}:{}", block(&whole[key], 1));
    }
    Ok(text)
}

fn user(user: &User) -> Value {
    json!({"email": user.email, "name": user.name, "role": user.role, "groups": user.groups})
}

fn connector(connector: &Connector, tools: &[Tool], credentials: &[Credential]) -> Value {
    let credential = credentials.iter().find(|credential| credential.connector_id == connector.id);
    let is_mcp = connector.kind == ConnectorKind::Mcp;
    let theirs = tools.iter().filter(|tool| tool.connector_id == connector.id);
    // Of an MCP server's tools only what an admin set is ours to write.
    let kept = theirs.filter(|tool| if is_mcp { tool.effect_set } else { tool.state != ToolState::Gone });
    some(json!({
        "slug": connector.slug,
        "kind": connector.kind,
        "name": connector.name,
        "base_url": connector.settings.base_url,
        "command": is_mcp.then_some(&connector.settings.command),
        "allow_private": connector.settings.allow_private.then_some(true),
        "health_path": connector.settings.health_path,
        "credential": credential.map(|one| some(json!({"env": one.env, "as": one.placement, "name": one.name}))),
        "tools": kept.map(|tool| self::tool(tool, is_mcp)).collect::<Vec<_>>(),
    }))
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
