//! What holds for flows beside their own fields: that somebody can end them, and what they may let pass. The same for an
//! admin who edits one and for a desk's file.

use super::snapshot::{Snapshot, voter};
use crate::notify::takes_mail;
use crate::store::policies::FlowRecord;
use crate::zones::Zones;
use countersign_domain::Effect;
use countersign_domain::card::hides_something;
use countersign_domain::flow::{FlowBody, FlowProblem};
use countersign_domain::policy::{Action, PolicyBody};
use countersign_domain::user::is_email;

/// Everything that is wrong with a flow, its people and the policies that use it included.
pub(crate) fn problems(snapshot: &Snapshot, record: &FlowRecord) -> Vec<FlowProblem> {
    let mut problems = record.body.check(&Zones);
    problems.extend(unknown_people(snapshot, &record.body));
    problems.extend(wrong_name(snapshot, record));
    // Who a desk without an admin asks is not known before it is set up.
    if problems.is_empty() && record.body.active && snapshot.admins().next().is_some() {
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
    problems
}

/// Names that can't be told apart where somebody chooses one, or that are not what they seem.
fn wrong_name(snapshot: &Snapshot, record: &FlowRecord) -> Option<FlowProblem> {
    if hides_something(&record.body.name) {
        return Some(FlowProblem::wrong("name", "has a control or invisible character"));
    }
    let name = record.body.name.to_lowercase();
    // The same name is refused by the store, whoever comes first.
    let differs = |flow: &&FlowRecord| flow.body.name != record.body.name && flow.body.name.to_lowercase() == name;
    let other = snapshot.flows.values().filter(|flow| flow.id != record.id).find(differs)?;
    let message = format!("differs by upper and lower case alone from the flow {:?}", other.body.name);
    Some(FlowProblem::wrong("name", message))
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
fn let_nothing_destructive_pass(snapshot: &Snapshot, policy: &PolicyBody, flow: &FlowBody) -> Option<FlowProblem> {
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

/// What is wrong with a policy that holds calls by a flow.
pub(crate) fn problem_of_policy(snapshot: &Snapshot, policy: &PolicyBody) -> Option<FlowProblem> {
    if !holds(policy) {
        return None;
    }
    let flow = snapshot.flow_named(policy.flow.as_deref())?;
    let problem = let_nothing_destructive_pass(snapshot, policy, &flow.body)?;
    Some(FlowProblem { field: "flow".to_owned(), ..problem })
}

const fn holds(policy: &PolicyBody) -> bool {
    matches!(policy.action, Action::RequestApproval | Action::StepUp)
}

/// The policies that hold calls by a flow.
pub(super) fn users_of<'a>(
    snapshot: &'a Snapshot,
    flow: &'a FlowRecord,
    is_default: bool,
) -> impl Iterator<Item = &'a PolicyBody> {
    let active = snapshot.policies.iter().filter(|policy| policy.active).map(|policy| &policy.body);
    active.filter(|policy| holds(policy)).filter(move |policy| match &policy.flow {
        Some(name) => *name == flow.body.name,
        None => is_default,
    })
}
