//! What the file wants, and each difference to the desk carried out with its audit row. What it names is there: that
//! has been checked.

use super::super::known::Known;
use super::super::read::{AgentItem, ConnectorItem, CredentialItem, DeskFile, ToolItem, UserItem};
use super::check::secret;
use super::{ApplyError, Change, Environment, Report};
use crate::audit::{Actor, Entry};
use crate::clock::fresh_id;
use crate::desk::{AgentKey, DeskError, ensure_default_flow};
use crate::store::agents::Agent;
use crate::store::connectors::{Connector, ConnectorSettings, Credential, Tool};
use crate::store::desk::DeskSettings;
use crate::store::policies::{FlowRecord, PolicyRecord};
use crate::store::users::User;
use crate::store::{self, Connection};
use crate::vault::Vault;
use countersign_domain::agent::AgentStatus;
use countersign_domain::canonical::Canonical;
use countersign_domain::connector::{ConnectorKind, ConnectorStatus, ToolState};
use countersign_domain::digest::Digest;
use countersign_domain::flow::{Confirmation, FlowBody};
use countersign_domain::ids::{AgentId, ConnectorId, CredentialId, FlowId, PolicyId, UserId};
use countersign_domain::policy::PolicyBody;
use countersign_domain::{Effect, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use subtle::ConstantTimeEq as _;

/// The desk as it is while the file is applied.
pub(super) struct Plan {
    known: Known,
    vault: Vault,
    environment: Environment,
    actor: Actor,
    now: Timestamp,
    report: Report,
}

type Done = Result<(), ApplyError>;

impl Plan {
    pub(super) fn new(known: Known, vault: Vault, environment: Environment, actor: Actor, now: Timestamp) -> Self {
        Self { known, vault, environment, actor, now, report: Report::default() }
    }

    /// People first, since agents need owners; connectors and flows before the policies that name them.
    pub(super) async fn carry_out(
        mut self,
        connection: &mut Connection,
        file: &DeskFile,
        prune: bool,
    ) -> Result<Report, ApplyError> {
        for item in &file.users {
            self.user(connection, &item.value).await?;
        }
        for item in &file.connectors {
            self.connector(connection, &item.value).await?;
        }
        for item in &file.agents {
            self.agent(connection, &item.value).await?;
        }
        for item in &file.flows {
            self.flow(connection, &item.value).await?;
        }
        self.settings(connection, file).await?;
        for item in &file.policies {
            self.policy(connection, &item.value).await?;
        }
        if prune {
            self.prune(connection, file).await?;
        }
        if !self.report.changes.is_empty() {
            store::desk::bump_config(connection).await?;
        }
        Ok(self.report)
    }

    fn fresh(&self) -> uuid::Uuid {
        fresh_id(self.now)
    }

    async fn note(
        &mut self,
        connection: &mut Connection,
        sign: char,
        kind: &'static str,
        name: &str,
        metadata: Value,
    ) -> Done {
        let action = match (kind, sign) {
            ("user", '+') => "user.created",
            ("user", '-') => "user.disabled",
            ("user", _) => "user.changed",
            ("agent", '+') => "agent.created",
            ("agent", '-') => "agent.disabled",
            ("agent", _) => "agent.changed",
            ("connector", '+') => "connector.created",
            ("connector", '-') => "connector.disabled",
            ("connector", _) => "connector.updated",
            ("flow", '+') => "flow.created",
            ("flow", '-') => "flow.disabled",
            ("flow", _) => "flow.updated",
            ("policy", '+') => "policy.created",
            ("policy", '-') => "policy.disabled",
            ("policy", _) => "policy.updated",
            _ => "settings.changed",
        };
        let entry = Entry::new(self.now, self.actor.clone(), action, name).with(metadata);
        store::audit::append(connection, entry).await?;
        self.report.changes.push(Change { sign, kind, name: name.to_owned() });
        Ok(())
    }

    async fn user(&mut self, connection: &mut Connection, item: &UserItem) -> Done {
        let known = self.known.users.get(&item.email).cloned();
        let base = known.clone().unwrap_or_else(|| User {
            id: UserId(self.fresh()),
            email: item.email.clone(),
            name: String::new(),
            role: item.role,
            groups: Vec::new(),
            active: true,
            from_file: true,
            created_at: self.now,
            last_seen_at: None,
        });
        let wanted = User {
            name: item.name.clone(),
            role: item.role,
            groups: item.groups.clone(),
            active: true,
            from_file: true,
            ..base
        };
        if known.as_ref() == Some(&wanted) {
            return Ok(());
        }
        match &known {
            None => store::users::insert(connection, &wanted).await?,
            Some(_) => store::users::update(connection, &wanted).await?,
        }
        let metadata = json!({"role": wanted.role, "groups": wanted.groups, "active": true});
        self.note(connection, sign(known.is_none()), "user", &item.email, metadata).await?;
        self.known.users.insert(item.email.clone(), wanted);
        Ok(())
    }

    async fn agent(&mut self, connection: &mut Connection, value: &AgentItem) -> Done {
        let owner_id = self.known.users.get(&value.owner).map(|owner| owner.id).ok_or_else(unchecked)?;
        let known = self.known.agents.get(&value.name).cloned();
        let key = self.agent_key(value, known.is_none())?;
        let base = known.clone().unwrap_or_else(|| Agent {
            id: AgentId(self.fresh()),
            name: value.name.clone(),
            owner_id,
            status: AgentStatus::Active,
            key_hash: None,
            key_hint: None,
            public_key: None,
            connectors: None,
            may_act_for: value.may_act_for.clone(),
            from_file: true,
            created_at: self.now,
            last_seen_at: None,
        });
        let (key_hash, key_hint) = match key {
            Some(key) => (Some(key.hash), Some(key.hint)),
            None if value.public_key.is_some() => (None, None),
            None => (base.key_hash.clone(), base.key_hint.clone()),
        };
        let wanted = Agent {
            owner_id,
            status: AgentStatus::Active,
            key_hash,
            key_hint,
            public_key: value.public_key.clone(),
            connectors: value.connectors.clone(),
            may_act_for: value.may_act_for.clone(),
            from_file: true,
            ..base
        };
        if known.as_ref() == Some(&wanted) {
            return Ok(());
        }
        match &known {
            None => store::agents::insert(connection, &wanted).await?,
            Some(_) => store::agents::update(connection, &wanted).await?,
        }
        let metadata = json!({"agent_id": wanted.id, "owner_id": owner_id, "connectors": wanted.connectors});
        self.note(connection, sign(known.is_none()), "agent", &value.name, metadata).await?;
        self.known.agents.insert(value.name.clone(), wanted);
        Ok(())
    }

    /// The key that the environment names, or a fresh one for a new agent that names none.
    fn agent_key(&mut self, item: &AgentItem, is_new: bool) -> Result<Option<AgentKey>, ApplyError> {
        if let Some(variable) = &item.key_env {
            return Ok(Some(AgentKey::of(self.secret(&variable.value)?)));
        }
        if item.public_key.is_some() || !is_new {
            return Ok(None);
        }
        let key = AgentKey::fresh()?;
        self.report.keys.push((item.name.clone(), key.secret.clone()));
        Ok(Some(key))
    }

    async fn connector(&mut self, connection: &mut Connection, value: &ConnectorItem) -> Done {
        let known = self.known.connectors.get(&value.slug).cloned();
        let settings = ConnectorSettings {
            base_url: value.base_url.clone(),
            command: value.command.clone(),
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
        let wanted = Connector { name: value.name.clone(), settings, version, active: true, from_file: true, ..base };
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
            let metadata = json!({"connector_id": wanted.id, "kind": wanted.kind, "version": wanted.version});
            self.note(connection, sign(known.is_none()), "connector", &value.slug, metadata).await?;
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

    async fn flow(&mut self, connection: &mut Connection, body: &FlowBody) -> Done {
        let known = self.known.flows.get(&body.name).cloned();
        if known.as_ref().is_some_and(|known| known.body == *body && known.from_file) {
            return Ok(());
        }
        let wanted = FlowRecord {
            id: known.as_ref().map_or_else(|| FlowId(self.fresh()), |known| known.id),
            version: known.as_ref().map_or(1, |known| known.version + i64::from(known.body != *body)),
            body: body.clone(),
            from_file: true,
            updated_at: self.now,
        };
        store::policies::put_flow(connection, &wanted).await?;
        let metadata = json!({"flow_id": wanted.id, "version": wanted.version, "body": wanted.body});
        self.note(connection, sign(known.is_none()), "flow", &body.name, metadata).await?;
        self.known.flows.insert(body.name.clone(), wanted);
        Ok(())
    }

    async fn settings(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let before = self.known.desk.settings.clone();
        let mut wanted = DeskSettings {
            max_pending_per_agent: file.max_pending_per_agent.unwrap_or(before.max_pending_per_agent),
            ..before
        };
        if let Some(name) = &file.default_flow {
            wanted.default_flow = Some(self.known.flows.get(name).map(|flow| flow.id).ok_or_else(unchecked)?);
        }
        if wanted != before {
            store::desk::set_settings(connection, &wanted).await?;
            let metadata = json!({"max_pending_per_agent": wanted.max_pending_per_agent});
            self.note(connection, '~', "settings", "settings", metadata).await?;
        }
        // Policies that hold calls need a flow; a desk that was never set up has none yet.
        if wanted.default_flow.is_none() {
            ensure_default_flow(connection, Confirmation::Passkey, false, self.now).await?;
            let flows = store::policies::all_flows(connection).await?;
            self.known.flows = flows.into_iter().map(|flow| (flow.body.name.clone(), flow)).collect();
        }
        Ok(())
    }

    async fn policy(&mut self, connection: &mut Connection, body: &PolicyBody) -> Done {
        let known = self.known.policies.get(&body.name).cloned();
        if known.as_ref().is_some_and(|known| known.body == *body && known.active && known.from_file) {
            return Ok(());
        }
        let wanted = PolicyRecord {
            id: known.as_ref().map_or_else(|| PolicyId(self.fresh()), |known| known.id),
            version: known.as_ref().map_or(1, |known| known.version + i64::from(known.body != *body)),
            body: body.clone(),
            active: true,
            from_file: true,
            updated_at: self.now,
        };
        store::policies::put(connection, &wanted).await?;
        let metadata = json!({"policy_id": wanted.id, "version": wanted.version, "body": wanted.body});
        self.note(connection, sign(known.is_none()), "policy", &body.name, metadata).await?;
        self.known.policies.insert(body.name.clone(), wanted);
        Ok(())
    }

    /// Disables what an earlier file made and this one no longer names.
    async fn prune(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let named: HashSet<_> = file.policies.iter().map(|item| item.value.name.clone()).collect();
        for mut policy in left_out(&self.known.policies, &named, |policy| policy.from_file && policy.active) {
            policy.active = false;
            store::policies::put(connection, &policy).await?;
            self.note(connection, '-', "policy", &policy.body.name, json!({"policy_id": policy.id})).await?;
        }
        let named: HashSet<_> = file.agents.iter().map(|item| item.value.name.clone()).collect();
        let runs = |agent: &Agent| agent.from_file && agent.status == AgentStatus::Active;
        for mut agent in left_out(&self.known.agents, &named, runs) {
            agent.status = AgentStatus::Suspended;
            store::agents::update(connection, &agent).await?;
            self.note(connection, '-', "agent", &agent.name, json!({"agent_id": agent.id})).await?;
        }
        let named: HashSet<_> = file.connectors.iter().map(|item| item.value.slug.clone()).collect();
        for mut connector in
            left_out(&self.known.connectors, &named, |connector| connector.from_file && connector.active)
        {
            connector.active = false;
            store::connectors::update(connection, &connector).await?;
            self.note(connection, '-', "connector", &connector.slug, json!({"connector_id": connector.id})).await?;
        }
        let named: HashSet<_> = file.flows.iter().map(|item| item.value.name.clone()).collect();
        for mut flow in left_out(&self.known.flows, &named, |flow| flow.from_file && flow.body.active) {
            flow.body.active = false;
            flow.version += 1;
            store::policies::put_flow(connection, &flow).await?;
            self.note(connection, '-', "flow", &flow.body.name, json!({"flow_id": flow.id})).await?;
        }
        let named: HashSet<_> = file.users.iter().map(|item| item.value.email.clone()).collect();
        for mut user in left_out(&self.known.users, &named, |user| user.from_file && user.active) {
            user.active = false;
            store::users::update(connection, &user).await?;
            store::sessions::delete_of_user(connection, user.id).await?;
            self.note(connection, '-', "user", &user.email, json!({"active": false})).await?;
        }
        Ok(())
    }

    fn secret(&self, name: &str) -> Result<SecretString, ApplyError> {
        secret(&self.environment, name).ok_or_else(unchecked)
    }
}

/// Everything that is named was checked to be there in this very transaction.
fn unchecked() -> ApplyError {
    DeskError::Internal("a desk file names what there is not, and the check did not see it".into()).into()
}

const fn sign(is_new: bool) -> char {
    if is_new { '+' } else { '~' }
}

fn left_out<T: Clone>(known: &BTreeMap<String, T>, named: &HashSet<String>, counts: impl Fn(&T) -> bool) -> Vec<T> {
    known.iter().filter(|(name, item)| !named.contains(*name) && counts(item)).map(|(_, item)| item.clone()).collect()
}

/// What an admin nods to with an HTTP or external tool: its schema and where it goes.
fn schema_hash(item: &ToolItem) -> Result<String, ApplyError> {
    let nodded = json!({"input_schema": item.input_schema, "method": item.method, "path": item.path});
    let canonical = Canonical::of(&nodded).map_err(DeskError::from)?;
    Ok(Digest::of(canonical.bytes()).to_string())
}
