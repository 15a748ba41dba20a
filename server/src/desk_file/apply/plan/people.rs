//! People and their agents, made as the file says.

use super::super::super::read::{AgentItem, UserItem};
use super::super::ApplyError;
use super::{Done, Noted, Plan, sign, unchecked};
use crate::desk::{AgentKey, NewCallback};
use crate::store::agents::{Agent, Callback};
use crate::store::users::User;
use crate::store::{self, Connection};
use countersign_domain::agent::AgentStatus;
use countersign_domain::delivery::Preferences;
use countersign_domain::ids::{AgentId, UserId};
use serde_json::{Value, json};

impl Plan {
    pub(super) async fn user(&mut self, connection: &mut Connection, item: &UserItem) -> Done {
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
            preferences: Preferences::default(),
        });
        let active = self.stays_on("user", &item.email, base.id.0, base.active);
        let wanted = User {
            name: item.name.clone(),
            role: item.role,
            groups: item.groups.clone(),
            active,
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
        let noted = Noted {
            sign: sign(known.is_none()),
            kind: "user",
            name: &item.email,
            action: if known.is_none() { "user.created" } else { "user.changed" },
            subject: wanted.id.to_string(),
            metadata: about_user(&wanted),
        };
        self.note(connection, noted).await?;
        self.known.users.insert(item.email.clone(), wanted);
        Ok(())
    }

    pub(super) async fn agent(&mut self, connection: &mut Connection, value: &AgentItem) -> Done {
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
            wait_budget_seconds: value.wait_budget_seconds,
            from_file: true,
            created_at: self.now,
            last_seen_at: None,
            cools_until: None,
            callback: None,
        });
        let (key_hash, key_hint) = match key {
            Some(key) => (Some(key.hash), Some(key.hint)),
            None if value.public_key.is_some() => (None, None),
            None => (base.key_hash.clone(), base.key_hint.clone()),
        };
        let callback = self.callback(value, &base)?;
        let is_on = self.stays_on("agent", &value.name, base.id.0, base.status == AgentStatus::Active);
        let wanted = Agent {
            owner_id,
            status: if is_on { AgentStatus::Active } else { AgentStatus::Suspended },
            key_hash,
            key_hint,
            public_key: value.public_key.clone(),
            connectors: value.connectors.clone(),
            may_act_for: value.may_act_for.clone(),
            wait_budget_seconds: value.wait_budget_seconds,
            callback,
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
        let noted = Noted {
            sign: sign(known.is_none()),
            kind: "agent",
            name: &value.name,
            action: if known.is_none() { "agent.created" } else { "agent.changed" },
            subject: wanted.id.to_string(),
            metadata: about_agent(&wanted),
        };
        self.note(connection, noted).await?;
        self.known.agents.insert(value.name.clone(), wanted);
        Ok(())
    }

    /// The callback that the file names; one at the same address keeps its secret.
    fn callback(&mut self, item: &AgentItem, base: &Agent) -> Result<Option<Callback>, ApplyError> {
        let Some(url) = &item.callback_url else { return Ok(None) };
        if let Some(same) = base.callback.as_ref().filter(|callback| callback.url == *url) {
            return Ok(Some(same.clone()));
        }
        let made = NewCallback::of(&self.vault, base.id, url)?;
        self.report.callbacks.push((item.name.clone(), made.secret));
        Ok(Some(made.callback))
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
}

pub(super) fn about_user(user: &User) -> Value {
    json!({"email": user.email, "role": user.role, "groups": user.groups, "active": user.active})
}

pub(super) fn about_agent(agent: &Agent) -> Value {
    json!({
        "name": agent.name,
        "owner_id": agent.owner_id,
        "status": agent.status,
        "connectors": agent.connectors,
        "wait_budget_seconds": agent.wait_budget(),
        "callback_url": agent.callback.as_ref().map(|callback| &callback.url),
    })
}
