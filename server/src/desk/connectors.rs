//! Connectors: looked at, checked, switched, and their tools nodded to.

use super::Desk;
use super::error::{DeskError, not_found, refuse};
use super::paging::{PageParameters, Place, page};
use super::session::{Admin, SignedIn, Widening};
use super::snapshot::ConnectorEntry;
use crate::audit::{Actor, Entry};
use crate::connectors::DiscoveredTool;
use crate::store;
use crate::store::Connection;
use crate::store::connectors::{Connector, Tool};
use countersign_domain::Timestamp;
use countersign_domain::connector::{ConnectorKind, ConnectorStatus, ToolState, fits_qualified};
use countersign_domain::ids::ConnectorId;
use countersign_domain::user::Role;
use countersign_wire::Page;
use countersign_wire::connectors::{ConnectorChange, ConnectorRow, ToolChange, ToolRow};
use countersign_wire::problem::Code;
use futures::future::join_all;
use serde_json::json;
use std::collections::HashMap;

impl Desk {
    /// All connectors with their tools.
    ///
    /// # Errors
    /// When a parameter is wrong, or the store fails.
    pub async fn connectors(&self, who: &SignedIn, given: &PageParameters) -> Result<Page<ConnectorRow>, DeskError> {
        self.refresh().await?;
        let items = self.snapshot().connectors.values().map(|entry| row(entry, is_admin(who))).collect();
        page(items, given, |connector: &ConnectorRow| Place::by_name(&connector.slug))
    }

    /// One connector with its tools.
    ///
    /// # Errors
    /// When there is no such connector.
    pub async fn connector(&self, who: &SignedIn, id: ConnectorId) -> Result<ConnectorRow, DeskError> {
        self.refresh().await?;
        self.snapshot().connector(id).map(|entry| row(entry, is_admin(who))).ok_or_else(|| not_found("connector"))
    }

    /// Switches a connector on or off. Off needs no passkey.
    ///
    /// # Errors
    /// When there is no such connector, or a passkey must be touched first.
    pub async fn change_connector(
        &self,
        admin: &Admin,
        id: ConnectorId,
        change: ConnectorChange,
    ) -> Result<ConnectorRow, DeskError> {
        if change.active {
            self.widening(admin.signed_in())?;
        }
        let (now, actor) = (self.now(), admin.actor());
        self.configure(move |connection| {
            Box::pin(async move {
                let mut connector = find(connection, id).await?;
                connector.active = change.active;
                store::connectors::update(connection, &connector).await?;
                let entry = Entry::new(now, actor, "connector.changed", connector.id);
                store::audit::append(connection, entry.with(json!({"slug": connector.slug, "active": change.active})))
                    .await?;
                Ok(())
            })
        })
        .await?;
        self.connector(admin.signed_in(), id).await
    }

    /// Sets a tool's effect, or nods to a new or changed one.
    ///
    /// # Errors
    /// When there is no such connector or tool.
    pub async fn change_tool(
        &self,
        admin: &Admin,
        _leave: &Widening,
        id: ConnectorId,
        change: ToolChange,
    ) -> Result<ConnectorRow, DeskError> {
        let (now, actor) = (self.now(), admin.actor());
        self.configure(move |connection| {
            Box::pin(async move {
                let connector = find(connection, id).await?;
                let tools = store::connectors::all_tools(connection).await?;
                let found = tools.into_iter().find(|tool| tool.connector_id == id && tool.name == change.tool);
                let mut tool = found.ok_or_else(|| not_found("tool"))?;
                if let Some(effect) = change.effect {
                    tool.effect = effect;
                    tool.effect_set = true;
                }
                if change.ready == Some(true) && tool.state != ToolState::Gone {
                    // The nod is to what was looked at.
                    if change.schema_hash.as_ref() != Some(&tool.schema_hash) {
                        return Err(refuse(Code::Conflict, "The tool has changed since you looked. Look again."));
                    }
                    tool.state = ToolState::Ready;
                }
                store::connectors::put_tool(connection, &tool).await?;
                let entry = Entry::new(now, actor, "tool.changed", format!("{}_{}", connector.slug, tool.name));
                let metadata = json!({"effect": tool.effect, "state": tool.state, "schema_hash": tool.schema_hash});
                store::audit::append(connection, entry.with(metadata)).await?;
                Ok(())
            })
        })
        .await?;
        self.connector(admin.signed_in(), id).await
    }

    /// Checks a connector now, on an admin's word.
    ///
    /// # Errors
    /// When there is no such connector; that it is not well is no error but its status.
    pub async fn check_connector_now(&self, admin: &Admin, id: ConnectorId) -> Result<ConnectorRow, DeskError> {
        if !self.connector(admin.signed_in(), id).await?.active {
            return Err(refuse(Code::Conflict, "This connector is switched off. Switch it on, and it is checked."));
        }
        self.check_connector(id).await?;
        self.connector(admin.signed_in(), id).await
    }

    /// Reaches for a connector, notes how it is and what tools it has.
    ///
    /// # Errors
    /// When there is no such connector, or the store fails.
    pub async fn check_connector(&self, id: ConnectorId) -> Result<(), DeskError> {
        self.refresh().await?;
        let snapshot = self.snapshot();
        let entry = snapshot.connector(id).ok_or_else(|| not_found("connector"))?;
        if !entry.connector.active {
            return Ok(());
        }
        let spec = std::sync::Arc::new(self.connector_spec(entry)?);
        let credential = match entry.connector.kind {
            ConnectorKind::Http => self.opened_credential(entry)?,
            ConnectorKind::Mcp | ConnectorKind::External => None,
        };
        let version = entry.connector.version;
        let found = self.outgoing().check(&spec, credential.as_ref()).await;
        let now = self.now();
        let noted = self.configure(move |connection| {
            Box::pin(async move {
                let mut connector = find(connection, id).await?;
                // Somebody changed the connector while it was checked: what was found belongs to the old one.
                if connector.version != version || !connector.active {
                    return Ok(());
                }
                connector.checked_at = Some(now);
                match found {
                    Ok(tools) => {
                        connector.status = ConnectorStatus::Connected;
                        connector.status_reason = None;
                        if connector.kind == ConnectorKind::Mcp {
                            note_tools(connection, &connector, tools, now).await?;
                            connector.discovered = true;
                        }
                    }
                    Err(reason) => {
                        connector.status = ConnectorStatus::Error;
                        connector.status_reason = Some(reason);
                    }
                }
                store::connectors::update(connection, &connector).await?;
                Ok(())
            })
        });
        noted.await?;
        // Switched off or set up otherwise meanwhile: the check may have started the old process again.
        if !self.snapshot().connector(id).is_some_and(|now| now.is_set_up_as(entry)) {
            self.outgoing().retire(id);
        }
        Ok(())
    }

    /// Notes that a connector failed or came back while it was in use.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_status(&self, id: ConnectorId, failure: Option<String>) -> Result<(), DeskError> {
        let now = self.now();
        self.configure(move |connection| {
            Box::pin(async move {
                let mut connector = find(connection, id).await?;
                connector.status = if failure.is_some() { ConnectorStatus::Error } else { ConnectorStatus::Connected };
                connector.status_reason = failure;
                connector.checked_at = Some(now);
                store::connectors::update(connection, &connector).await?;
                Ok(())
            })
        })
        .await
    }

    /// Checks every connector that is on, all at once: one that hangs keeps no other waiting.
    pub async fn check_all_connectors(&self) {
        let snapshot = self.snapshot();
        let checks = snapshot.connectors.values().map(|entry| self.check_or_warn(entry.connector.id));
        join_all(checks).await;
    }

    /// Whether a connector's tools were never listed.
    #[must_use]
    pub fn awaits_tools(&self, id: ConnectorId) -> bool {
        self.snapshot().connector(id).is_some_and(|entry| !entry.connector.discovered)
    }

    /// Checks a connector; that it can't be done is only logged.
    pub async fn check_or_warn(&self, id: ConnectorId) {
        if let Err(error) = self.check_connector(id).await {
            tracing::warn!(connector.id = %id, %error, "a connector could not be checked");
        }
    }
}

fn is_admin(who: &SignedIn) -> bool {
    who.user().role == Role::Admin
}

async fn find(connection: &mut Connection, id: ConnectorId) -> Result<Connector, DeskError> {
    let all = store::connectors::all(connection).await?;
    all.into_iter().find(|connector| connector.id == id).ok_or_else(|| not_found("connector"))
}

/// Stores the tools that an upstream offers. What is first seen after the first listing, or has changed, waits for an
/// admin's nod; what is no longer offered is gone.
async fn note_tools(
    connection: &mut Connection,
    connector: &Connector,
    found: Vec<DiscoveredTool>,
    now: Timestamp,
) -> Result<(), DeskError> {
    let known = store::connectors::all_tools(connection).await?;
    let mut known: HashMap<String, Tool> = known
        .into_iter()
        .filter(|tool| tool.connector_id == connector.id)
        .map(|tool| (tool.name.clone(), tool))
        .collect();
    let (found, too_long): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|tool| fits_qualified(&connector.slug, &tool.name));
    if !too_long.is_empty() {
        let (connector, skipped) = (&connector.slug, too_long.len());
        tracing::warn!(
            connector,
            skipped,
            "an MCP server lists tools whose names are too long with the slug before them"
        );
    }
    for tool in found {
        let before = known.remove(&tool.name);
        let after = seen(connector, tool, before.as_ref());
        if before.as_ref() != Some(&after) {
            store::connectors::put_tool(connection, &after).await?;
            record_tool(connection, connector, &after, now).await?;
        }
    }
    for (_, mut gone) in known {
        // A desk file may name tools before their upstream was ever reached.
        if gone.state != ToolState::Gone {
            gone.state = ToolState::Gone;
            store::connectors::put_tool(connection, &gone).await?;
            record_tool(connection, connector, &gone, now).await?;
        }
    }
    Ok(())
}

async fn record_tool(
    connection: &mut Connection,
    connector: &Connector,
    tool: &Tool,
    now: Timestamp,
) -> Result<(), DeskError> {
    let entry = Entry::new(now, Actor::Desk, "tool.seen", format!("{}_{}", connector.slug, tool.name));
    let metadata = json!({"effect": tool.effect, "state": tool.state, "schema_hash": tool.schema_hash});
    store::audit::append(connection, entry.with(metadata)).await?;
    Ok(())
}

fn seen(connector: &Connector, found: DiscoveredTool, before: Option<&Tool>) -> Tool {
    // A tool that a desk file named has no schema hash yet: the file is the admin's nod to what is found first.
    let same = before.is_some_and(|before| before.schema_hash == found.schema_hash || before.schema_hash.is_empty());
    let state = match before {
        _ if !connector.discovered => ToolState::Ready,
        None => ToolState::New,
        Some(before) if same && before.state != ToolState::Gone => before.state,
        Some(_) => ToolState::Changed,
    };
    let set = before.filter(|before| before.effect_set);
    Tool {
        connector_id: connector.id,
        effect: set.map_or(found.effect, |before| before.effect),
        effect_set: set.is_some(),
        name: found.name,
        title: found.title,
        description: found.description,
        method: None,
        path: None,
        input_schema: found.input_schema,
        annotations: found.annotations,
        output_schema: found.output_schema,
        schema_hash: found.schema_hash,
        state,
    }
}

fn row(entry: &ConnectorEntry, for_admin: bool) -> ConnectorRow {
    let connector = &entry.connector;
    let target = match connector.kind {
        ConnectorKind::Http => connector.settings.base_url.clone().unwrap_or_default(),
        ConnectorKind::Mcp if let Some(url) = &connector.settings.url => url.clone(),
        // Its arguments may hold what an admin should have put into a credential.
        ConnectorKind::Mcp if for_admin => connector.settings.command.join(" "),
        ConnectorKind::Mcp => connector.settings.command.first().cloned().unwrap_or_default(),
        ConnectorKind::External => "the agent runs it".to_owned(),
    };
    let credential = entry.credential.as_ref().map(|credential| match &credential.name {
        Some(name) => format!("{} {name}", credential.placement.word()),
        None => credential.placement.word().to_owned(),
    });
    ConnectorRow {
        id: connector.id,
        slug: connector.slug.clone(),
        name: connector.name.clone(),
        kind: connector.kind,
        active: connector.active,
        target,
        status: connector.status,
        status_reason: connector.status_reason.clone(),
        checked_at: connector.checked_at,
        credential,
        tools: entry.tools.values().map(|tool| tool_row(&tool.tool)).collect(),
    }
}

fn tool_row(tool: &Tool) -> ToolRow {
    ToolRow {
        name: tool.name.clone(),
        title: tool.title.clone(),
        description: tool.description.clone(),
        effect: tool.effect,
        effect_set: tool.effect_set,
        state: tool.state,
        schema_hash: tool.schema_hash.clone(),
        route: tool.method.as_ref().zip(tool.path.as_ref()).map(|(method, path)| format!("{method} {path}")),
        input_schema: tool.input_schema.clone(),
    }
}
