//! Flows: listed, made, edited (each edit a new version), removed when nothing uses them.

use super::Desk;
use super::error::{DeskError, Refusal, not_found, refuse};
use super::flow_rules;
use super::flow_rules::users_of;
use super::paging::{PageParameters, Place, page};
use super::session::{Admin, SignedIn, Widening};
use super::snapshot::Snapshot;
use crate::audit::Entry;
use crate::store;
use crate::store::Connection;
use crate::store::policies::FlowRecord;
use countersign_domain::flow::check::is_variable;
use countersign_domain::flow::{FlowBody, FlowProblem};
use countersign_domain::ids::FlowId;
use countersign_wire::Page;
use countersign_wire::policies::FlowRow;
use countersign_wire::problem::Code;
use serde_json::{Value, json};

impl Desk {
    /// All flows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn flows(&self, _who: &SignedIn, given: &PageParameters) -> Result<Page<FlowRow>, DeskError> {
        self.refresh().await?;
        let snapshot = self.snapshot();
        let items = snapshot.flows.values().map(|flow| row(&snapshot, flow)).collect();
        page(items, given, |flow: &FlowRow| Place::by_name(&flow.body.name))
    }

    /// Makes a flow.
    ///
    /// # Errors
    /// Every wrong field at once; a flow that can't end; a name that is taken.
    pub async fn create_flow(&self, admin: &Admin, _leave: &Widening, body: FlowBody) -> Result<FlowRow, DeskError> {
        let record =
            FlowRecord { id: FlowId(self.fresh()), body, version: 1, from_file: false, updated_at: self.now() };
        self.save_flow(admin, record, "flow.created").await
    }

    /// Edits a flow: a new version under the same id. Requests keep the version that they were asked under.
    ///
    /// # Errors
    /// As [`Self::create_flow`], and when there is no such flow.
    pub async fn edit_flow(
        &self,
        admin: &Admin,
        _leave: &Widening,
        id: FlowId,
        body: FlowBody,
    ) -> Result<FlowRow, DeskError> {
        let before = self.snapshot().flows.get(&id).cloned().ok_or_else(|| not_found("flow"))?;
        let record = FlowRecord { body, version: before.version + 1, updated_at: self.now(), ..before };
        self.save_flow(admin, record, "flow.updated").await
    }

    /// Removes a flow that nothing uses.
    ///
    /// # Errors
    /// When policies name it, or it is the desk's default.
    pub async fn delete_flow(&self, admin: &Admin, _leave: &Widening, id: FlowId) -> Result<(), DeskError> {
        let (now, actor) = (self.now(), admin.actor());
        self.configure(move |connection| {
            Box::pin(async move {
                let flows = store::policies::all_flows(connection).await?;
                let flow = flows.into_iter().find(|flow| flow.id == id).ok_or_else(|| not_found("flow"))?;
                check_unused(connection, &flow).await?;
                store::policies::delete_flow(connection, id).await?;
                let entry = Entry::new(now, actor, "flow.deleted", id);
                store::audit::append(connection, entry.with(about(&flow))).await?;
                Ok(())
            })
        })
        .await
    }

    fn check_flow(&self, record: &FlowRecord) -> Result<(), DeskError> {
        let mut problems = flow_rules::problems(&self.snapshot(), record);
        if let Some(name) = record.body.webhook_secret_env.as_deref().filter(|name| is_variable(name))
            && let Err(why) = self.webhook_secret(name)
        {
            problems.push(FlowProblem::wrong("webhook_secret_env", format!("the environment variable {why}")));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Refusal::from(problems).into()),
        }
    }

    async fn save_flow(&self, admin: &Admin, record: FlowRecord, action: &'static str) -> Result<FlowRow, DeskError> {
        self.check_flow(&record)?;
        let (now, actor) = (self.now(), admin.actor());
        let stored = record.clone();
        self.configure(move |connection| {
            Box::pin(async move {
                check_version(connection, &stored).await?;
                store::policies::put_flow(connection, &stored).await.map_err(|error| match error.is_taken() {
                    true => refuse(Code::Conflict, "There is a flow with this name already."),
                    false => DeskError::from(error),
                })?;
                let entry = Entry::new(now, actor, action, stored.id);
                store::audit::append(connection, entry.with(about(&stored))).await?;
                Ok(())
            })
        })
        .await?;
        Ok(row(&self.snapshot(), &record))
    }
}

fn row(snapshot: &Snapshot, flow: &FlowRecord) -> FlowRow {
    let is_default = snapshot.desk.settings.default_flow == Some(flow.id);
    FlowRow {
        id: flow.id,
        version: flow.version,
        is_default,
        used_by: users_of(snapshot, flow, is_default).map(|policy| policy.name.clone()).collect(),
        body: flow.body.clone(),
        updated_at: flow.updated_at,
        from_file: flow.from_file,
    }
}

/// What the record says of a flow.
pub(crate) fn about(flow: &FlowRecord) -> Value {
    json!({"name": flow.body.name, "version": flow.version, "body": flow.body})
}

/// Of two that edit at once, the second is told.
async fn check_version(connection: &mut Connection, record: &FlowRecord) -> Result<(), DeskError> {
    let flows = store::policies::all_flows(connection).await?;
    match flows.into_iter().find(|flow| flow.id == record.id) {
        Some(known) if known.version >= record.version => {
            Err(refuse(Code::Conflict, "Somebody edited this flow meanwhile. Load it again."))
        }
        None if record.version > 1 => Err(not_found("flow")),
        _ => Ok(()),
    }
}

async fn check_unused(connection: &mut Connection, flow: &FlowRecord) -> Result<(), DeskError> {
    let policies = store::policies::all(connection).await?;
    let named = |policy: &&store::policies::PolicyRecord| policy.body.flow.as_deref() == Some(&flow.body.name);
    let users: Vec<_> = policies.iter().filter(named).map(|policy| format!("{:?}", policy.body.name)).collect();
    if !users.is_empty() {
        let detail = format!("This flow is used by the policies {}. Give them another one first.", users.join(", "));
        return Err(refuse(Code::Conflict, detail));
    }
    let row = store::desk::desk(connection).await?;
    match row.is_some_and(|row| row.settings.default_flow == Some(flow.id)) {
        true => Err(refuse(Code::Conflict, "This is the desk's default flow. Name another one in the settings first.")),
        false => Ok(()),
    }
}
