//! Flows: listed, made, edited (each edit a new version), removed when nothing uses them.

use super::Desk;
use super::error::{DeskError, Refusal, not_found, refuse};
use super::paging::{PageParameters, Place, page};
use super::session::{Admin, SignedIn, Widening};
use super::snapshot::{Snapshot, voter};
use crate::audit::Entry;
use crate::notify::takes_mail;
use crate::store;
use crate::store::Connection;
use crate::store::policies::FlowRecord;
use crate::zones::Zones;
use countersign_domain::Effect;
use countersign_domain::flow::{FlowBody, FlowProblem};
use countersign_domain::ids::FlowId;
use countersign_domain::policy::{Action, PolicyBody};
use countersign_domain::user::is_email;
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

    async fn save_flow(&self, admin: &Admin, record: FlowRecord, action: &'static str) -> Result<FlowRow, DeskError> {
        check_flow(&self.snapshot(), &record)?;
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

/// The policies that hold calls by a flow.
fn users_of<'a>(
    snapshot: &'a Snapshot,
    flow: &'a FlowRecord,
    is_default: bool,
) -> impl Iterator<Item = &'a PolicyBody> {
    let holds = |policy: &&PolicyBody| matches!(policy.action, Action::RequestApproval | Action::StepUp);
    let active = snapshot.policies.iter().filter(|policy| policy.active).map(|policy| &policy.body);
    active.filter(holds).filter(move |policy| match &policy.flow {
        Some(name) => *name == flow.body.name,
        None => is_default,
    })
}

/// What the record says of a flow.
pub(crate) fn about(flow: &FlowRecord) -> Value {
    json!({"name": flow.body.name, "version": flow.version, "body": flow.body})
}

/// Everything that is wrong with a flow, its people and the policies that use it included.
fn check_flow(snapshot: &Snapshot, record: &FlowRecord) -> Result<(), DeskError> {
    let mut problems = record.body.check(&Zones);
    for field in unknown_people(snapshot, &record.body) {
        problems.push(field);
    }
    if problems.is_empty() && record.body.active {
        let people: Vec<_> = snapshot.users.values().map(voter).collect();
        problems.extend(record.body.check_people(&people));
    }
    let is_default = snapshot.desk.settings.default_flow == Some(record.id);
    let before = snapshot.flows.get(&record.id).unwrap_or(record);
    for policy in users_of(snapshot, before, is_default) {
        problems.extend(let_nothing_destructive_pass(snapshot, policy, &record.body));
    }
    if is_default && !record.body.active {
        let message = "this is the desk's default flow: name another one in the settings first".to_owned();
        problems.push(FlowProblem::wrong("active", message));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Refusal::from(problems).into()),
    }
}

fn unknown_people(snapshot: &Snapshot, flow: &FlowBody) -> Vec<FlowProblem> {
    let mut problems = Vec::new();
    for (index, step) in flow.steps.iter().enumerate() {
        let lists = [("approvers", Some(&step.approvers)), ("escalate_to", step.escalate_to.as_ref())];
        for (list, named) in lists {
            for email in named.iter().flat_map(|named| &named.users) {
                if snapshot.user_by_email(email).is_none() {
                    let message = format!("there is no user {email:?}");
                    problems.push(FlowProblem::wrong(format!("steps[{index}].{list}.users"), message));
                }
            }
            for email in named.iter().flat_map(|named| &named.emails) {
                if is_email(email) && !takes_mail(email) {
                    let message = format!("mail can't be sent to {email:?}");
                    problems.push(FlowProblem::wrong(format!("steps[{index}].{list}.emails"), message));
                }
            }
        }
    }
    problems
}

/// A flow that approves by itself lets no destructive tool pass, unless an admin said why.
pub(super) fn let_nothing_destructive_pass(
    snapshot: &Snapshot,
    policy: &PolicyBody,
    flow: &FlowBody,
) -> Option<FlowProblem> {
    if flow.auto_approve_minutes.is_none() || flow.approves_by_itself(Effect::Destructive) {
        return None;
    }
    let tools = snapshot
        .connectors
        .values()
        .flat_map(|entry| entry.tools.values().map(move |tool| (entry.connector.slug.as_str(), &tool.tool)));
    let mut destructive = tools.filter(|(_, tool)| tool.effect == Effect::Destructive);
    let (slug, tool) = destructive.find(|(slug, tool)| policy.scope.may_cover(slug, &tool.name))?;
    let message = format!(
        "the policy {:?} holds the destructive tool {slug}_{} by this flow, which would approve it by itself; say why \
         that is right in `auto_approve_destructive_reason`, or use a flow that does not",
        policy.name, tool.name
    );
    Some(FlowProblem::wrong("auto_approve_minutes", message))
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
