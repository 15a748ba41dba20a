//! The file's policies.

use super::super::fields::{Fields, Keys, NOT_AVAILABLE};
use super::super::notes::{Kind, Notes};
use super::super::tree::Node;
use countersign_domain::ids::PolicyId;
use countersign_domain::policy::{Action, CompiledPolicy, Policy, PolicyBody, Scope};

const KEYS: Keys<'_> = Keys {
    now: &[
        "name",
        "action",
        "connectors",
        "tools",
        "agents",
        "users",
        "groups",
        "when",
        "priority",
        "flow",
        "allow_grants",
    ],
    later: &["mask", "limits", "working_hours", "calls_per_minute", "ip_ranges"],
};

pub(super) fn policy(node: &Node, path: &str, notes: &Notes) -> Option<PolicyBody> {
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let (name, action) = (fields.required("name"), action(&fields));
    let is_whole = name.is_some() && action.is_some();
    let body = PolicyBody {
        // In the place of what can't be read stands what nothing can be said against, so that the rest is checked.
        name: name.unwrap_or_else(|| "unnamed".to_owned()),
        action: action.unwrap_or(Action::RequestApproval),
        scope: Scope {
            connectors: fields.mentions(Kind::Connector, "connectors"),
            tools: fields.texts("tools"),
            agents: fields.mentions(Kind::Agent, "agents"),
            users: fields.mentions(Kind::User, "users"),
            groups: fields.texts("groups"),
        },
        when: fields.text("when"),
        priority: fields.whole("priority").unwrap_or(0),
        flow: fields.mention(Kind::Flow, "flow"),
        allow_grants: fields.truth("allow_grants"),
    };
    let trial = Policy { id: PolicyId(uuid::Uuid::nil()), version: 1, body: body.clone() };
    for problem in CompiledPolicy::compile(trial).err().into_iter().flatten() {
        fields.wrong(problem.field, problem.message);
    }
    is_whole.then_some(body)
}

fn action(fields: &Fields<'_>) -> Option<Action> {
    fields.must("action")?;
    let action = fields.word("action", &["allow", "request_approval", "deny"], Action::from_word)?;
    if action == Action::StepUp {
        fields.wrong("action", format!("step_up {NOT_AVAILABLE}; use request_approval"));
        return None;
    }
    Some(action)
}
