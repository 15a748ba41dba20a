//! A policy while it is written: every field as text, until it is sent.

use crate::components::form::{from_lines, to_lines};
use countersign_domain::policy::{Action, PolicyBody, Scope};
use yew::prelude::*;

/// The fields that the form shows, as the server names them; `flow` only where approval is asked for.
pub(crate) const FIELDS: [&str; 10] =
    ["name", "action", "connectors", "tools", "agents", "users", "groups", "when", "priority", "flow"];

/// The fields as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicyDraft {
    pub(crate) name: String,
    pub(crate) action: String,
    pub(crate) connectors: String,
    pub(crate) tools: String,
    pub(crate) agents: String,
    pub(crate) users: String,
    pub(crate) groups: String,
    pub(crate) when: String,
    pub(crate) priority: String,
    pub(crate) flow: String,
}

impl PolicyDraft {
    pub(crate) fn of(body: &PolicyBody) -> Self {
        let Scope { connectors, tools, agents, users, groups } = &body.scope;
        Self {
            name: body.name.clone(),
            action: body.action.word().to_owned(),
            connectors: to_lines(connectors.as_deref()),
            tools: to_lines(tools.as_deref()),
            agents: to_lines(agents.as_deref()),
            users: to_lines(users.as_deref()),
            groups: to_lines(groups.as_deref()),
            when: body.when.clone().unwrap_or_default(),
            priority: body.priority.to_string(),
            flow: body.flow.clone().unwrap_or_default(),
        }
    }

    /// What is sent. A flow goes only with asking for approval; the form doesn't show it otherwise.
    pub(crate) fn body(&self) -> PolicyBody {
        let action = Action::from_word(&self.action).unwrap_or(Action::RequestApproval);
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        PolicyBody {
            name: self.name.trim().to_owned(),
            action,
            scope: Scope {
                connectors: from_lines(&self.connectors),
                tools: from_lines(&self.tools),
                agents: from_lines(&self.agents),
                users: from_lines(&self.users),
                groups: from_lines(&self.groups),
            },
            when: text(&self.when),
            priority: self.priority.trim().parse().unwrap_or_default(),
            flow: text(&self.flow).filter(|_| action == Action::RequestApproval),
        }
    }
}

/// The fields as states of a component.
pub(crate) struct DraftFields {
    pub(crate) name: UseStateHandle<String>,
    pub(crate) action: UseStateHandle<String>,
    pub(crate) connectors: UseStateHandle<String>,
    pub(crate) tools: UseStateHandle<String>,
    pub(crate) agents: UseStateHandle<String>,
    pub(crate) users: UseStateHandle<String>,
    pub(crate) groups: UseStateHandle<String>,
    pub(crate) when: UseStateHandle<String>,
    pub(crate) priority: UseStateHandle<String>,
    pub(crate) flow: UseStateHandle<String>,
}

impl DraftFields {
    /// What stands in the form now.
    pub(crate) fn read(&self) -> PolicyDraft {
        let text = |field: &UseStateHandle<String>| (**field).clone();
        PolicyDraft {
            name: text(&self.name),
            action: text(&self.action),
            connectors: text(&self.connectors),
            tools: text(&self.tools),
            agents: text(&self.agents),
            users: text(&self.users),
            groups: text(&self.groups),
            when: text(&self.when),
            priority: text(&self.priority),
            flow: text(&self.flow),
        }
    }
}

/// The form's fields, filled in with a policy.
#[hook]
pub(crate) fn use_draft(body: &PolicyBody) -> DraftFields {
    let start = PolicyDraft::of(body);
    DraftFields {
        name: use_state_eq(|| start.name),
        action: use_state_eq(|| start.action),
        connectors: use_state_eq(|| start.connectors),
        tools: use_state_eq(|| start.tools),
        agents: use_state_eq(|| start.agents),
        users: use_state_eq(|| start.users),
        groups: use_state_eq(|| start.groups),
        when: use_state_eq(|| start.when),
        priority: use_state_eq(|| start.priority),
        flow: use_state_eq(|| start.flow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_survives_the_form() {
        let body = PolicyBody {
            name: "Refunds".into(),
            action: Action::RequestApproval,
            scope: Scope { tools: Some(vec!["refunds_*".into()]), ..Scope::default() },
            when: Some("call.arguments.amount > 2000".into()),
            priority: -7,
            flow: Some("Finance".into()),
        };
        assert_eq!(PolicyDraft::of(&body).body(), body);
    }

    #[test]
    fn a_flow_is_not_sent_where_nobody_is_asked() {
        let draft = PolicyDraft { action: "allow".into(), flow: "Finance".into(), ..PolicyDraft::default() };
        assert_eq!(draft.body().flow, None);
        assert_eq!(draft.body().scope, Scope::default());
    }
}
