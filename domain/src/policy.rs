//! Policies: which calls are let through, refused, or held for a person.
//!
//! Here are a policy's shape, its checks and, behind the feature `eval`, the one function that judges a call. Who is
//! asked about a held call is a flow's business.

#[cfg(feature = "eval")]
mod condition;
#[cfg(feature = "eval")]
mod evaluate;
#[cfg(any(feature = "eval", test))]
mod glob;
#[cfg(feature = "eval")]
mod pattern;
#[cfg(feature = "eval")]
mod scene;
mod verdict;
#[cfg(feature = "eval")]
mod vetting;

#[cfg(feature = "eval")]
pub use condition::{Condition, ConditionError};
#[cfg(feature = "eval")]
pub use evaluate::{Call, CompiledPolicy, evaluate};
pub use verdict::{FailedCondition, Matched, Verdict};

use crate::ids::PolicyId;
use serde::{Deserialize, Serialize};

/// The longest condition, in bytes.
pub const MAX_CONDITION_BYTES: usize = 4 * 1024;
/// The longest policy name, in characters.
pub const MAX_NAME_CHARACTERS: usize = 200;

/// What a policy does with the calls it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Let it through.
    Allow,
    /// Let it through once the requester has confirmed it. Not yet available: [`PolicyBody::check`] refuses it.
    StepUp,
    /// Hold it until the flow's approvers have decided.
    RequestApproval,
    /// Refuse it.
    Deny,
}

impl Action {
    /// The word in the API, in desk.yaml and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::RequestApproval => "request_approval",
            Self::Deny => "deny",
        }
    }

    /// From the database's or a file's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Allow, Self::StepUp, Self::RequestApproval, Self::Deny].into_iter().find(|action| action.word() == word)
    }
}

/// The calls that a policy speaks about. Every list that is given must match; a missing one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Connectors, by slug.
    pub connectors: Option<Vec<String>>,
    /// Tools, by bare name; `*` stands for any run of characters, `?` for any one.
    pub tools: Option<Vec<String>>,
    /// Agents, by name.
    pub agents: Option<Vec<String>>,
    /// Requesters, by email; upper and lower case are the same.
    pub users: Option<Vec<String>>,
    /// Requesters, by a group that they are in.
    pub groups: Option<Vec<String>>,
}

/// A policy as people write it, in the API and in desk.yaml: one flat object with the keys `name`, `action`,
/// `connectors`, `tools`, `agents`, `users`, `groups`, `when`, `priority`, `flow` and `allow_grants`. Unknown keys are
/// refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub struct PolicyBody {
    /// What people call it; shown under every request that it decided.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// Whom and what it is about.
    pub scope: Scope,
    /// A CEL expression over `call`, `agent`, `user`, `now` and `ip`; the policy matches only where it is true.
    pub when: Option<String>,
    /// The greater wins; a matching deny wins over all.
    pub priority: i32,
    /// The flow that a held call takes, by name; the desk's default flow when missing.
    pub flow: Option<String>,
    /// Whether an approval of a held call may be for more than this call. When missing, for every tool but a destructive
    /// one ([`crate::grant::offered`]).
    pub allow_grants: Option<bool>,
}

/// [`PolicyBody`] on the wire. A struct of its own, because serde can't refuse unknown keys beside a flattened field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    name: String,
    action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connectors: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agents: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    users: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    #[serde(default)]
    priority: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow_grants: Option<bool>,
}

impl From<Flat> for PolicyBody {
    fn from(flat: Flat) -> Self {
        let Flat { name, action, connectors, tools, agents, users, groups, when, priority, flow, allow_grants } = flat;
        let scope = Scope { connectors, tools, agents, users, groups };
        Self { name, action, scope, when, priority, flow, allow_grants }
    }
}

impl From<PolicyBody> for Flat {
    fn from(body: PolicyBody) -> Self {
        let PolicyBody { name, action, scope, when, priority, flow, allow_grants } = body;
        let Scope { connectors, tools, agents, users, groups } = scope;
        Self { name, action, connectors, tools, agents, users, groups, when, priority, flow, allow_grants }
    }
}

/// A policy as the desk keeps it. Editing makes a new version under the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Stays the same over its versions.
    pub id: PolicyId,
    /// Counts from 1.
    pub version: i64,
    /// What it says.
    pub body: PolicyBody,
}

/// What is wrong with a field, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// There is nothing where something must be.
    Empty,
    /// Longer than the limit.
    TooLong,
    /// Can't be read as what it should be.
    Invalid,
    /// Doesn't go with another field.
    Conflict,
    /// A later version brings it; refused until then, never ignored.
    NotAvailable,
}

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct PolicyProblem {
    /// The key of [`PolicyBody`] that it is about.
    pub field: &'static str,
    /// What is wrong, for programs.
    pub kind: ProblemKind,
    /// What is wrong, as a sentence for people.
    pub message: String,
}

impl PolicyProblem {
    fn new(field: &'static str, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { field, kind, message: message.into() }
    }
}

impl PolicyBody {
    /// Everything that is wrong with it, save whether the condition is valid CEL, which only the server can tell
    /// (`CompiledPolicy::compile`, behind the feature `eval`). Empty when nothing is.
    #[must_use]
    pub fn check(&self) -> Vec<PolicyProblem> {
        let mut problems = Vec::new();
        self.check_name(&mut problems);
        if self.action == Action::StepUp {
            problems.push(PolicyProblem::new(
                "action",
                ProblemKind::NotAvailable,
                "`step_up` is not available yet; use `request_approval`.",
            ));
        }
        self.scope.check(&mut problems);
        self.check_when(&mut problems);
        self.check_flow(&mut problems);
        if self.allow_grants.is_some() && self.action != Action::RequestApproval {
            let word = self.action.word();
            let message = format!("Only approvals make grants; this policy says `{word}`.");
            problems.push(PolicyProblem::new("allow_grants", ProblemKind::Conflict, message));
        }
        problems
    }

    fn check_name(&self, problems: &mut Vec<PolicyProblem>) {
        if self.name.trim().is_empty() {
            problems.push(PolicyProblem::new("name", ProblemKind::Empty, "A policy needs a name."));
        } else if self.name.chars().count() > MAX_NAME_CHARACTERS {
            let message = format!("A policy's name has at most {MAX_NAME_CHARACTERS} characters.");
            problems.push(PolicyProblem::new("name", ProblemKind::TooLong, message));
        }
    }

    fn check_when(&self, problems: &mut Vec<PolicyProblem>) {
        match self.when.as_deref() {
            Some(text) if text.trim().is_empty() => problems.push(PolicyProblem::new(
                "when",
                ProblemKind::Empty,
                "An empty condition says nothing; leave `when` out to match every call in scope.",
            )),
            Some(text) if text.len() > MAX_CONDITION_BYTES => {
                let message =
                    format!("A condition has at most {MAX_CONDITION_BYTES} bytes; this one has {}.", text.len());
                problems.push(PolicyProblem::new("when", ProblemKind::TooLong, message));
            }
            _ => {}
        }
    }

    fn check_flow(&self, problems: &mut Vec<PolicyProblem>) {
        let Some(flow) = self.flow.as_deref() else {
            return;
        };
        if flow.trim().is_empty() {
            problems.push(PolicyProblem::new(
                "flow",
                ProblemKind::Empty,
                "Name a flow, or leave `flow` out for the desk's default flow.",
            ));
        }
        if self.action != Action::RequestApproval {
            let message = format!("Only `request_approval` takes a flow; this policy says `{}`.", self.action.word());
            problems.push(PolicyProblem::new("flow", ProblemKind::Conflict, message));
        }
    }
}

impl Scope {
    /// Whether calls of a tool may fall under it, whoever makes them.
    #[cfg(feature = "eval")]
    #[must_use]
    pub fn may_cover(&self, connector: &str, tool: &str) -> bool {
        let connector = self.connectors.as_ref().is_none_or(|slugs| slugs.iter().any(|slug| slug == connector));
        let named = |pattern: &String| glob::Glob::new(pattern).matches(tool);
        connector && self.tools.as_ref().is_none_or(|patterns| patterns.iter().any(named))
    }

    fn check(&self, problems: &mut Vec<PolicyProblem>) {
        let lists = [
            ("connectors", &self.connectors),
            ("tools", &self.tools),
            ("agents", &self.agents),
            ("users", &self.users),
            ("groups", &self.groups),
        ];
        for (field, list) in lists {
            let Some(list) = list else { continue };
            if list.is_empty() {
                let message = format!("An empty list would match nothing; leave `{field}` out to match all.");
                problems.push(PolicyProblem::new(field, ProblemKind::Empty, message));
            } else if list.iter().any(|entry| entry.trim().is_empty()) {
                let message = format!("`{field}` has an entry without text.");
                problems.push(PolicyProblem::new(field, ProblemKind::Empty, message));
            }
        }
        for slug in self.connectors.iter().flatten().filter(|slug| !slug.trim().is_empty() && !is_slug(slug)) {
            let message = format!("{slug:?} is no connector's slug: 1 to 32 of a-z, 0-9 and the hyphen.");
            problems.push(PolicyProblem::new("connectors", ProblemKind::Invalid, message));
        }
    }
}

fn is_slug(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// How a policy that is made for these tools names them: one by its name, more by their number.
#[must_use]
pub fn named_tools(tools: &[String]) -> String {
    match tools {
        [tool] => tool.clone(),
        many => format!("{} tools", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<PolicyBody, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn is_one_flat_object_with_few_keys_needed() {
        let body = read(json!({"name": "Reads", "action": "allow", "tools": ["*_list"]})).unwrap();
        assert_eq!(body.scope.tools.as_deref(), Some(&["*_list".to_owned()][..]));
        assert_eq!((body.priority, body.scope.users.is_none(), body.when.is_none()), (0, true, true));
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            json!({"name": "Reads", "action": "allow", "tools": ["*_list"], "priority": 0})
        );
        assert!(body.check().is_empty());
    }

    #[test]
    fn a_key_that_nobody_knows_is_refused() {
        assert!(read(json!({"name": "x", "action": "deny", "mask": []})).unwrap_err().contains("unknown field `mask`"));
        assert!(read(json!({"name": "x", "action": "maybe"})).unwrap_err().contains("unknown variant"));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let body = read(json!({
            "name": " ", "action": "step_up", "connectors": ["Stripe"], "tools": [], "users": [""],
            "when": "x".repeat(5_000), "flow": ""
        }))
        .unwrap();
        let found: Vec<_> = body.check().into_iter().map(|problem| (problem.field, problem.kind)).collect();
        assert_eq!(
            found,
            [
                ("name", ProblemKind::Empty),
                ("action", ProblemKind::NotAvailable),
                ("tools", ProblemKind::Empty),
                ("users", ProblemKind::Empty),
                ("connectors", ProblemKind::Invalid),
                ("when", ProblemKind::TooLong),
                ("flow", ProblemKind::Empty),
                ("flow", ProblemKind::Conflict),
            ]
        );
    }

    #[test]
    fn a_flow_goes_only_with_request_approval() {
        assert!(
            read(json!({"name": "x", "action": "request_approval", "flow": "Finance"})).unwrap().check().is_empty()
        );
        let problems = read(json!({"name": "x", "action": "deny", "flow": "Finance"})).unwrap().check();
        assert_eq!(problems[0].to_string(), "flow: Only `request_approval` takes a flow; this policy says `deny`.");
    }

    #[test]
    fn grants_go_only_with_request_approval() {
        let held = read(json!({"name": "x", "action": "request_approval", "allow_grants": false})).unwrap();
        assert!(held.check().is_empty());
        assert_eq!(serde_json::to_value(&held).unwrap()["allow_grants"], json!(false));
        let problems = read(json!({"name": "x", "action": "allow", "allow_grants": true})).unwrap().check();
        assert_eq!(problems[0].to_string(), "allow_grants: Only approvals make grants; this policy says `allow`.");
    }

    #[test]
    fn words_and_actions_go_both_ways() {
        for action in [Action::Allow, Action::StepUp, Action::RequestApproval, Action::Deny] {
            assert_eq!(Action::from_word(action.word()), Some(action));
            assert_eq!(serde_json::to_value(action).unwrap(), json!(action.word()));
        }
        assert_eq!(Action::from_word("Allow"), None);
    }
}
