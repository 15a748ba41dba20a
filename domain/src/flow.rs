//! Approval flows: who is asked, how many must say yes, how long they have, and how they confirm it.

use crate::ids::UserId;
use crate::request::Vote;
use crate::user::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// How an approver confirms an approval. Denying never needs a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// A passkey's signature over exactly what is decided.
    #[default]
    Passkey,
    /// A passkey where the approver has one, else the session. Only on a loopback `public_url`.
    PasskeyIfEnrolled,
    /// The session is enough.
    Session,
}

/// Who is asked at a step. At least one list must name somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Approvers {
    /// Emails of users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Names of groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Roles, each meaning exactly those with that role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// People outside; comes later, refused until then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// People outside; comes later, refused until then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
}

/// One step of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its place, from 1.
    pub order: u32,
    /// Who is asked.
    pub approvers: Approvers,
    /// How many of them must approve.
    #[serde(default = "one")]
    pub min_approvals: u32,
    /// Comes later, refused until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after_minutes: Option<u32>,
    /// Comes later, refused until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<Value>,
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

const fn ten() -> u32 {
    10
}

/// What an admin writes down as a flow. A request keeps it as it was when the request was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowBody {
    /// Its name, unique at the desk.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether policies may use it.
    #[serde(default = "yes")]
    pub active: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Minutes until a request expires: 1 to 10,080 (a week).
    #[serde(default = "ten")]
    pub timeout_minutes: u32,
    /// How an approval is confirmed.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Whether the requester and the agent's owner count as approvers. A desk of one person needs it.
    #[serde(default)]
    pub allow_self_approval: bool,
    /// Fields that this version doesn't know; [`FlowBody::check`] refuses each by name.
    #[serde(flatten)]
    pub later: Map<String, Value>,
}

/// Fields of a flow that a later version brings.
pub const LATER: [&str; 10] = [
    "channels",
    "reminder_interval_minutes",
    "auto_approve_minutes",
    "notify_on_decisions",
    "webhook_url",
    "webhook_secret_env",
    "webhook_template",
    "quiet_hours",
    "urgent",
    "webhook_headers",
];

/// What is wrong with a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowProblem {
    /// The field, with its place, such as `steps[0].approvers`.
    pub field: String,
    /// A plain sentence.
    pub message: String,
    /// Whether a later version brings it (422 `not_available`), rather than it being wrong.
    pub not_available: bool,
}

impl FlowBody {
    /// The flow of a new desk: everyone with role approver or admin, one approval, ten minutes.
    #[must_use]
    pub fn default_flow(name: &str, confirmation: Confirmation, allow_self_approval: bool) -> Self {
        let approvers = Approvers { roles: vec![Role::Approver, Role::Admin], ..Approvers::default() };
        let step = Step { order: 1, approvers, min_approvals: 1, escalate_after_minutes: None, escalate_to: None };
        Self {
            name: name.to_owned(),
            description: "Everyone with role approver or admin; one approval; ten minutes.".to_owned(),
            active: true,
            steps: vec![step],
            timeout_minutes: 10,
            confirmation,
            allow_self_approval,
            later: Map::new(),
        }
    }

    /// Every problem at once; empty when the flow can be saved.
    #[must_use]
    pub fn check(&self) -> Vec<FlowProblem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: &str| problems.push(problem(field, message, false));
        if self.name.trim().is_empty() || self.name.chars().count() > 80 {
            wrong("name", "a flow needs a name of 1 to 80 characters");
        }
        if !(1..=10_080).contains(&self.timeout_minutes) {
            wrong("timeout_minutes", "must be 1 to 10080 minutes");
        }
        if self.steps.is_empty() {
            wrong("steps", "a flow needs at least one step");
        }
        if self.steps.len() > 1 {
            problems.push(problem("steps", "flows of several steps are not available in this version", true));
        }
        for (index, step) in self.steps.iter().enumerate() {
            problems.extend(step.check(index));
        }
        problems.extend(self.later.iter().filter_map(|(key, value)| later_problem(key, value)));
        problems
    }

    /// How long approvers have.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_minutes) * 60)
    }
}

fn problem(field: &str, message: &str, not_available: bool) -> FlowProblem {
    FlowProblem { field: field.to_owned(), message: message.to_owned(), not_available }
}

/// A later field at its default asks for nothing, and so may stand there.
fn later_problem(key: &str, value: &Value) -> Option<FlowProblem> {
    if !LATER.contains(&key) {
        return Some(problem(key, "there is no such field in a flow", false));
    }
    let asks_for_nothing = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(entries) => entries.values().all(|entry| entry == &Value::Bool(false)),
        Value::String(word) => key == "webhook_template" && word == "json",
        _ => false,
    };
    (!asks_for_nothing).then(|| problem(key, "is not available in this version", true))
}

impl Step {
    fn check(&self, index: usize) -> Vec<FlowProblem> {
        let at = |field: &str| format!("steps[{index}].{field}");
        let mut problems = Vec::new();
        let approvers = &self.approvers;
        let outside = !approvers.emails.is_empty() || !approvers.phones.is_empty();
        if outside {
            problems.push(problem(
                &at("approvers"),
                "approvers outside the desk are not available in this version",
                true,
            ));
        }
        if !outside && approvers.users.is_empty() && approvers.groups.is_empty() && approvers.roles.is_empty() {
            problems.push(problem(&at("approvers"), "name at least one user, group or role", false));
        }
        if self.min_approvals == 0 {
            problems.push(problem(&at("min_approvals"), "at least one approval is needed", false));
        }
        if self.escalate_after_minutes.is_some() || self.escalate_to.is_some() {
            problems.push(problem(&at("escalate_to"), "escalation is not available in this version", true));
        }
        if self.order as usize != index + 1 {
            problems.push(problem(&at("order"), "steps are numbered 1, 2, 3 in their order", false));
        }
        problems
    }
}

/// A person as the flow sees them: live membership, whatever the selectors say.
#[derive(Clone, Copy, Debug)]
pub struct Voter<'a> {
    /// Who.
    pub id: UserId,
    /// Their address, in its normal spelling.
    pub email: &'a str,
    /// Their groups.
    pub groups: &'a [String],
    /// Their role.
    pub role: Role,
    /// Whether their account is open.
    pub active: bool,
}

/// For whom a request was made, and whose agent made it: neither approves it, unless the flow says so.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// On whose behalf.
    pub requester: UserId,
    /// The agent's owner.
    pub owner: UserId,
}

impl FlowBody {
    /// Whether this person is asked at a step and so may decide. `step` counts from 1.
    #[must_use]
    pub fn asks(&self, step: u32, voter: &Voter<'_>, parties: Parties) -> bool {
        let party = voter.id == parties.requester || voter.id == parties.owner;
        voter.active && (self.allow_self_approval || !party) && self.selects(step, voter)
    }

    /// Whether a step's selectors name this person, be they a party or not.
    #[must_use]
    pub fn selects(&self, step: u32, voter: &Voter<'_>) -> bool {
        self.steps.iter().filter(|candidate| candidate.order == step).any(|candidate| {
            let named = &candidate.approvers;
            named.users.iter().any(|user| user.eq_ignore_ascii_case(voter.email))
                || named.groups.iter().any(|group| voter.groups.contains(group))
                || named.roles.contains(&voter.role)
        })
    }

    /// What a step's votes come to. Only votes of people who would still be asked count for approval; one deny ends
    /// it whoever gave it, since it was theirs to give when they gave it.
    pub fn tally<'a>(
        &self,
        step: u32,
        votes: impl IntoIterator<Item = (Vote, Option<Voter<'a>>)>,
        parties: Parties,
    ) -> Tally {
        let needed = self.steps.iter().find(|candidate| candidate.order == step).map_or(1, |found| found.min_approvals);
        let mut given = 0;
        for (vote, voter) in votes {
            match vote {
                Vote::Deny => return Tally::Denied,
                Vote::Approve => given += u32::from(voter.is_some_and(|voter| self.asks(step, &voter, parties))),
            }
        }
        if given >= needed { Tally::Approved } else { Tally::Open { given, needed } }
    }
}

/// What the votes of a step come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// More approvals are needed.
    Open {
        /// How many count.
        given: u32,
        /// How many it takes.
        needed: u32,
    },
    /// Enough.
    Approved,
    /// Somebody said no.
    Denied,
}

#[cfg(test)]
mod tests;
