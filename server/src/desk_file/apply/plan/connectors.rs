//! Connectors, their credentials and tools, made as the file says.

use super::super::super::read::{ConnectorItem, CredentialItem, ToolItem};
use super::super::ApplyError;
use super::{Done, Noted, Plan, sign};
use crate::desk::DeskError;
use crate::store::connectors::{Connector, ConnectorSettings, Credential, Tool};
use crate::store::{self, Connection};
use countersign_domain::Effect;
use countersign_domain::canonical::Canonical;
use countersign_domain::connector::{ConnectorKind, ConnectorStatus, ToolState};
use countersign_domain::digest::Digest;
use countersign_domain::ids::{ConnectorId, CredentialId};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

impl Plan {
    pub(super) async fn connector(&mut self, connection: &mut Connection, value: &ConnectorItem) -> Done {
        let known = self.known.connectors.get(&value.slug).cloned();
        let settings = ConnectorSettings {
            base_url: value.base_url.clone(),
            command: value.command.clone(),
            url: value.url.clone(),
            allow_private: value.allow_private,
            health_path: value.health_path.clone(),
        };
        let base = known.clone().unwrap_or_else(|| Connector {
            id: ConnectorId(self.fresh()),
            slug: value.slug.clone(),
            name: value.name.clone(),
            kind: value.kind,
            settings: settings.clone(),
            version: 1,
            active: true,
            discovered: false,
            status: ConnectorStatus::Checking,
            status_reason: None,
            checked_at: None,
            from_file: true,
            created_at: self.now,
        });
        let version = if base.settings == settings { base.version } else { base.version + 1 };
        let active = self.stays_on("connector", &value.slug, base.id.0, base.active);
        let comes_back = active && !base.active;
        let wanted = Connector { name: value.name.clone(), settings, version, active, from_file: true, ..base };
        let mut changed = known.as_ref() != Some(&wanted);
        match &known {
            None => store::connectors::insert(connection, &wanted).await?,
            Some(_) if changed => store::connectors::update(connection, &wanted).await?,
            Some(_) => {}
        }
        changed |= self.credential(connection, &wanted, value.credential.as_ref()).await?;
        for tool in &value.tools {
            changed |= self.tool(connection, &wanted, &tool.value).await?;
        }
        if changed {
            let noted = Noted {
                sign: sign(known.is_none()),
                kind: "connector",
                name: &value.slug,
                action: if known.is_none() { "connector.created" } else { "connector.changed" },
                subject: wanted.id.to_string(),
                metadata: about_connector(&wanted),
            };
            self.note(connection, noted).await?;
        }
        if comes_back {
            // It comes back as the file says it, and not with the tools of the file before the last.
            self.drop_tools(connection, &wanted, value).await?;
        }
        self.known.connectors.insert(value.slug.clone(), wanted);
        Ok(())
    }

    /// An unchanged secret keeps its id and version; another one is another credential, and approvals of the old one
    /// end with it.
    async fn credential(
        &mut self,
        connection: &mut Connection,
        connector: &Connector,
        item: Option<&CredentialItem>,
    ) -> Result<bool, ApplyError> {
        let known = self.known.credentials.iter().find(|known| known.connector_id == connector.id).cloned();
        let Some(item) = item else {
            let Some(known) = known else { return Ok(false) };
            store::connectors::update_credential(connection, &Credential { active: false, ..known }).await?;
            return Ok(true);
        };
        let secret = self.secret(&item.env)?;
        if let Some(known) = known {
            let plain = self.vault.unseal("credential", known.id.0, &known.sealed)?;
            let same = bool::from(plain.ct_eq(secret.expose_secret().as_bytes()))
                && known.placement == item.placement
                && known.name == item.name;
            if same && known.env.as_ref() == Some(&item.env) {
                return Ok(false);
            }
            let kept = Credential { active: same, env: Some(item.env.clone()), ..known };
            store::connectors::update_credential(connection, &kept).await?;
            if same {
                return Ok(true);
            }
        }
        let id = CredentialId(self.fresh());
        let fresh = Credential {
            id,
            connector_id: connector.id,
            placement: item.placement,
            name: item.name.clone(),
            env: Some(item.env.clone()),
            sealed: self.vault.seal("credential", id.0, secret.expose_secret().as_bytes())?,
            version: 1,
            active: true,
        };
        store::connectors::insert_credential(connection, &fresh, self.now).await?;
        Ok(true)
    }

    async fn tool(
        &mut self,
        connection: &mut Connection,
        connector: &Connector,
        item: &ToolItem,
    ) -> Result<bool, ApplyError> {
        let known =
            self.known.tools.iter().find(|tool| tool.connector_id == connector.id && tool.name == item.name).cloned();
        let guess = item.method.as_deref().map_or(Effect::Destructive, Effect::of_method);
        let discovered = connector.kind == ConnectorKind::Mcp;
        let wanted = match (&known, discovered) {
            // What an MCP server says of its tools stays; the file sets the effect.
            (Some(known), true) => Tool {
                effect: item.effect.unwrap_or(known.effect),
                effect_set: item.effect.is_some() || known.effect_set,
                ..known.clone()
            },
            _ => Tool {
                connector_id: connector.id,
                name: item.name.clone(),
                title: None,
                description: item.description.clone(),
                method: item.method.clone(),
                path: item.path.clone(),
                input_schema: item.input_schema.clone(),
                annotations: None,
                output_schema: None,
                // Empty until the upstream was asked: the file is the nod to what is found first.
                schema_hash: if discovered { String::new() } else { schema_hash(item)? },
                effect: item.effect.unwrap_or(guess),
                effect_set: item.effect.is_some(),
                state: if discovered { ToolState::Gone } else { ToolState::Ready },
            },
        };
        if known.as_ref() == Some(&wanted) {
            return Ok(false);
        }
        store::connectors::put_tool(connection, &wanted).await?;
        Ok(true)
    }
}

pub(super) fn about_connector(connector: &Connector) -> Value {
    json!({
        "slug": connector.slug,
        "kind": connector.kind,
        "version": connector.version,
        "active": connector.active,
    })
}

/// What an admin nods to with an HTTP or external tool: its schema and where it goes.
fn schema_hash(item: &ToolItem) -> Result<String, ApplyError> {
    let nodded = json!({"input_schema": item.input_schema, "method": item.method, "path": item.path});
    let canonical = Canonical::of(&nodded).map_err(DeskError::from)?;
    Ok(Digest::of(canonical.bytes()).to_string())
}
