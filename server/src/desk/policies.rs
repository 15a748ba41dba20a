//! Policies: listed, made, edited (each edit a new version), switched.

use super::Desk;
use super::error::{DeskError, Refusal, invalid, not_found, refuse};
use super::flow_rules;
use super::paging::{PageParameters, Place, page};
use super::session::{Admin, Widening};
use super::snapshot::Snapshot;
use crate::audit::Entry;
use crate::store;
use crate::store::Connection;
use crate::store::policies::PolicyRecord;
use countersign_domain::ids::{PolicyId, RequestId};
use countersign_domain::policy::{Action, CompiledPolicy, Policy, PolicyBody, Scope, named_tools};
use countersign_wire::Page;
use countersign_wire::policies::PolicyRow;
use countersign_wire::problem::Code;
use serde_json::json;

impl Desk {
    /// All policies, the strongest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn policies(&self, _admin: &Admin, given: &PageParameters) -> Result<Page<PolicyRow>, DeskError> {
        self.refresh().await?;
        let items = self.snapshot().policies.iter().map(row).collect();
        page(items, given, |policy: &PolicyRow| Place::by_priority(policy.body.priority, &policy.body.name))
    }

    /// Makes a policy.
    ///
    /// # Errors
    /// Every wrong field at once; a name that is taken.
    pub async fn create_policy(
        &self,
        admin: &Admin,
        _leave: &Widening,
        body: PolicyBody,
    ) -> Result<PolicyRow, DeskError> {
        let record = PolicyRecord {
            id: PolicyId(self.fresh()),
            body,
            version: 1,
            active: true,
            from_file: false,
            updated_at: self.now(),
        };
        self.save_policy(admin, record, "policy.created", |_, made| made).await
    }

    /// Edits a policy: a new version under the same id.
    ///
    /// # Errors
    /// As [`Self::create_policy`], and when there is no such policy.
    pub async fn edit_policy(
        &self,
        admin: &Admin,
        _leave: &Widening,
        id: PolicyId,
        body: PolicyBody,
    ) -> Result<PolicyRow, DeskError> {
        let before = self.snapshot().policy(id).cloned().ok_or_else(|| not_found("policy"))?;
        let record = PolicyRecord { body, version: before.version + 1, updated_at: self.now(), ..before };
        // Somebody may have switched it meanwhile.
        self.save_policy(admin, record, "policy.updated", |known, edited| PolicyRecord {
            active: known.active,
            ..edited
        })
        .await
    }

    /// Switches a policy on or off.
    ///
    /// # Errors
    /// When there is no such policy.
    pub async fn switch_policy(
        &self,
        admin: &Admin,
        _leave: &Widening,
        id: PolicyId,
        active: bool,
    ) -> Result<PolicyRow, DeskError> {
        let before = self.snapshot().policy(id).cloned().ok_or_else(|| not_found("policy"))?;
        let record = PolicyRecord { active, updated_at: self.now(), ..before };
        let action = if active { "policy.enabled" } else { "policy.disabled" };
        self.save_policy(admin, record, action, |_, switched| switched).await
    }

    /// Stores a policy, `onto` being what becomes of the one that is stored when another is to take its place.
    async fn save_policy(
        &self,
        admin: &Admin,
        record: PolicyRecord,
        action: &'static str,
        onto: fn(PolicyRecord, PolicyRecord) -> PolicyRecord,
    ) -> Result<PolicyRow, DeskError> {
        check_policy(&self.snapshot(), &record)?;
        let (now, actor) = (self.now(), admin.actor());
        let stored = self.configure(move |connection| {
            Box::pin(async move {
                let stored = match current(connection, &record).await? {
                    Some(known) => onto(known, record),
                    None => record,
                };
                put(connection, &stored).await?;
                let entry = Entry::new(now, actor, action, stored.id);
                let metadata = json!({"name": stored.body.name, "version": stored.version, "body": stored.body});
                store::audit::append(connection, entry.with(metadata)).await?;
                Ok(stored)
            })
        });
        Ok(row(&stored.await?))
    }

    /// A policy filled in from a request, one above the one that matched it.
    ///
    /// # Errors
    /// When there is no such request.
    pub async fn draft_policy(&self, _admin: &Admin, id: RequestId) -> Result<PolicyBody, DeskError> {
        let mut connection = self.store().read().await?;
        let request = store::requests::by_id(&mut connection, id).await?.ok_or_else(|| not_found("request"))?;
        drop(connection);
        let snapshot = self.snapshot();
        let agent = snapshot.agents.get(&request.agent_id).map(|agent| agent.name.clone());
        let priority = request.policy.as_ref().map_or(0, |policy| policy.priority.saturating_add(1));
        let who = agent.clone().unwrap_or_else(|| "agents".to_owned());
        let tools = match &request.access {
            // What was approved, once it was; what was asked for, before.
            Some(access) => {
                let granted = self.granted(&request).await?.map(|granted| granted.tools);
                granted.unwrap_or_else(|| access.tools.iter().map(|asked| asked.tool.clone()).collect())
            }
            None => vec![request.tool.clone()],
        };
        Ok(PolicyBody {
            name: format!("{who}: {} in {}", named_tools(&tools), request.connector_name),
            action: Action::Allow,
            scope: Scope {
                connectors: Some(vec![request.connector_slug]),
                tools: Some(tools),
                agents: agent.map(|agent| vec![agent]),
                // As narrow as what was asked: whoever widens it says so.
                users: Some(vec![request.requester_email]),
                groups: None,
            },
            when: None,
            priority,
            flow: None,
            allow_grants: None,
        })
    }
}

fn row(policy: &PolicyRecord) -> PolicyRow {
    PolicyRow {
        id: policy.id,
        version: policy.version,
        active: policy.active,
        body: policy.body.clone(),
        updated_at: policy.updated_at,
        from_file: policy.from_file,
    }
}

/// Everything that is wrong with a policy, the names that it mentions included.
fn check_policy(snapshot: &Snapshot, record: &PolicyRecord) -> Result<(), DeskError> {
    let policy = Policy { id: record.id, version: record.version, body: record.body.clone() };
    CompiledPolicy::compile(policy).map_err(Refusal::from)?;
    if let Some(flow) = &record.body.flow
        && !snapshot.flows.values().any(|known| known.body.name == *flow)
    {
        return Err(invalid("flow", format!("there is no flow {flow:?}")));
    }
    if let Some(problem) = flow_rules::problem_of_policy(snapshot, &record.body) {
        return Err(Refusal::from(vec![problem]).into());
    }
    for slug in record.body.scope.connectors.iter().flatten() {
        if !snapshot.connectors.contains_key(slug) {
            return Err(invalid("connectors", format!("there is no connector {slug:?}")));
        }
    }
    Ok(())
}

/// The policy as it is stored. Of two that edit at once, the second is told.
async fn current(connection: &mut Connection, record: &PolicyRecord) -> Result<Option<PolicyRecord>, DeskError> {
    let known = store::policies::all(connection).await?.into_iter().find(|policy| policy.id == record.id);
    match known {
        Some(known)
            if known.version > record.version || (known.version == record.version && known.body != record.body) =>
        {
            Err(refuse(Code::Conflict, "Somebody edited this policy meanwhile. Load it again."))
        }
        known => Ok(known),
    }
}

async fn put(connection: &mut Connection, record: &PolicyRecord) -> Result<(), DeskError> {
    store::policies::put(connection, record).await.map_err(|error| match error.is_taken() {
        true => refuse(Code::Conflict, "There is a policy with this name already."),
        false => error.into(),
    })
}
