//! Flows, settings and policies, made as the file says.

use super::super::super::read::DeskFile;
use super::{Done, Noted, Plan, sign, unchecked};
use crate::desk::ensure_default_flow;
use crate::store::desk::DeskSettings;
use crate::store::policies::{FlowRecord, PolicyRecord};
use crate::store::{self, Connection};
use countersign_domain::flow::{Confirmation, FlowBody};
use countersign_domain::ids::{FlowId, PolicyId};
use countersign_domain::policy::PolicyBody;
use serde_json::{Value, json};

impl Plan {
    pub(super) async fn flow(&mut self, connection: &mut Connection, body: &FlowBody) -> Done {
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
        let noted = Noted {
            sign: sign(known.is_none()),
            kind: "flow",
            name: &body.name,
            action: if known.is_none() { "flow.created" } else { "flow.updated" },
            subject: wanted.id.to_string(),
            metadata: about_flow(&wanted),
        };
        self.note(connection, noted).await?;
        self.known.flows.insert(body.name.clone(), wanted);
        Ok(())
    }

    pub(super) async fn settings(&mut self, connection: &mut Connection, file: &DeskFile) -> Done {
        let before = self.known.desk.settings.clone();
        let mut wanted = DeskSettings {
            max_pending_per_agent: file.max_pending_per_agent.unwrap_or(before.max_pending_per_agent),
            max_asks_per_minute: file.max_asks_per_minute.unwrap_or(before.max_asks_per_minute),
            push_content: file.push_content.unwrap_or(before.push_content),
            smtp: file.smtp.clone().or_else(|| before.smtp.clone()),
            sms: file.sms.clone().or_else(|| before.sms.clone()),
            ..before.clone()
        };
        if let Some(name) = &file.default_flow {
            wanted.default_flow = Some(self.known.flows.get(name).map(|flow| flow.id).ok_or_else(unchecked)?);
        }
        if wanted != before {
            store::desk::set_settings(connection, &wanted).await?;
            let noted = Noted {
                sign: '~',
                kind: "settings",
                name: "settings",
                action: "settings.changed",
                subject: self.known.desk.id.to_string(),
                metadata: json!({
                    "default_flow": wanted.default_flow,
                    "max_pending_per_agent": wanted.max_pending_per_agent,
                    "push_content": wanted.push_content,
                    "smtp": wanted.smtp,
                    "sms": wanted.sms,
                    "max_asks_per_minute": wanted.max_asks_per_minute,
                }),
            };
            self.note(connection, noted).await?;
        }
        // Policies that hold calls need a flow; a desk that was never set up has none yet.
        if wanted.default_flow.is_none() {
            ensure_default_flow(connection, Confirmation::Passkey, false, self.now).await?;
            let flows = store::policies::all_flows(connection).await?;
            self.known.flows = flows.into_iter().map(|flow| (flow.body.name.clone(), flow)).collect();
        }
        Ok(())
    }

    pub(super) async fn policy(&mut self, connection: &mut Connection, body: &PolicyBody) -> Done {
        let known = self.known.policies.get(&body.name).cloned();
        let id = known.as_ref().map_or_else(|| PolicyId(self.fresh()), |known| known.id);
        let was_on = known.as_ref().is_none_or(|known| known.active);
        let active = self.stays_on("policy", &body.name, id.0, was_on);
        if known.as_ref().is_some_and(|known| known.body == *body && known.active == active && known.from_file) {
            return Ok(());
        }
        let wanted = PolicyRecord {
            id,
            version: known.as_ref().map_or(1, |known| known.version + i64::from(known.body != *body)),
            body: body.clone(),
            active,
            from_file: true,
            updated_at: self.now,
        };
        store::policies::put(connection, &wanted).await?;
        let noted = Noted {
            sign: sign(known.is_none()),
            kind: "policy",
            name: &body.name,
            action: match &known {
                None => "policy.created",
                Some(known) if known.body == *body && active && !known.active => "policy.enabled",
                Some(_) => "policy.updated",
            },
            subject: wanted.id.to_string(),
            metadata: about_policy(&wanted),
        };
        self.note(connection, noted).await?;
        self.known.policies.insert(body.name.clone(), wanted);
        Ok(())
    }
}

pub(super) fn about_flow(flow: &FlowRecord) -> Value {
    json!({"name": flow.body.name, "version": flow.version, "body": flow.body})
}

pub(super) fn about_policy(policy: &PolicyRecord) -> Value {
    json!({"name": policy.body.name, "version": policy.version, "active": policy.active, "body": policy.body})
}
