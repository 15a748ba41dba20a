//! Whether the flows and policies that a file changes let requests end, by the rules that hold for an admin who edits
//! them. Looked at when all is carried out, since people, tools and policies decide it together; what is wrong rolls all
//! back. What the file leaves as it is stands: a desk must start again with its file though somebody left since.

use super::super::problem::{Marked, Problems};
use super::super::read::DeskFile;
use super::{ApplyError, Report};
use crate::desk::flow_rules;
use crate::desk::snapshot::Snapshot;
use crate::store::Connection;
use crate::store::policies::FlowRecord;
use countersign_domain::flow::FlowProblem;

pub(super) async fn check(connection: &mut Connection, file: &DeskFile, report: &Report) -> Result<(), ApplyError> {
    let changed = |kind: &str, name: &str| report.changes.iter().any(|one| one.kind == kind && one.name == name);
    let flows: Vec<_> = file.flows.iter().filter(|item| changed("flow", &item.value.name)).collect();
    let policies: Vec<_> = file.policies.iter().filter(|item| changed("policy", &item.value.name)).collect();
    if flows.is_empty() && policies.is_empty() {
        return Ok(());
    }
    let snapshot = Snapshot::load(connection, None).await?;
    let problems = Problems::default();
    for item in &flows {
        let stored = snapshot.flows.values().find(|flow| flow.body.name == item.value.name);
        let found = stored.map_or_else(Vec::new, |flow| flow_rules::problems(&snapshot, flow));
        found.into_iter().for_each(|problem| note(&problems, item, problem));
    }
    for item in policies {
        // A flow that was just looked at was so with all that use it.
        let flow = snapshot.flow_named(item.value.flow.as_deref());
        let is_known = |flow: &&FlowRecord| flows.iter().any(|item| item.value.name == flow.body.name);
        let found =
            flow.filter(|flow| !is_known(flow)).and_then(|_| flow_rules::problem_of_policy(&snapshot, &item.value));
        found.into_iter().for_each(|problem| note(&problems, item, problem));
    }
    match problems.into_sorted() {
        none if none.is_empty() => Ok(()),
        found => Err(ApplyError::File(found)),
    }
}

fn note<T>(problems: &Problems, item: &Marked<T>, problem: FlowProblem) {
    problems.add(item.place.mark, format!("{}.{}", item.place.path, problem.field), problem.message);
}
