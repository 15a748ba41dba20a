//! A policy while it is written: every field as text, until it is sent.

use crate::components::form::{from_lines, to_lines};
use countersign_domain::policy::{Action, PolicyBody, Scope};
use std::rc::Rc;
use yew::Reducible;

/// The fields that the form shows, as the server names them; the last two only where approval is asked for.
pub(crate) const FIELDS: [&str; 11] =
    ["name", "action", "connectors", "tools", "agents", "users", "groups", "when", "priority", "flow", "allow_grants"];
/// How many of them go only with asking for approval.
pub(crate) const OF_APPROVAL: usize = 2;

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
    /// `true`, `false`, or empty for as it comes.
    pub(crate) allow_grants: String,
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
            allow_grants: body.allow_grants.map(|allow| allow.to_string()).unwrap_or_default(),
        }
    }

    /// What is sent. A flow and grants go only with asking for approval; the form doesn't show them otherwise.
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
            allow_grants: self.allow_grants.parse().ok().filter(|_| action == Action::RequestApproval),
        }
    }
}

impl PolicyDraft {
    /// What is wrong with the priority; the server would only see another number.
    pub(crate) fn priority_problem(&self) -> Option<String> {
        let text = self.priority.trim();
        let fine = text.is_empty() || text.parse::<i32>().is_ok();
        (!fine).then(|| format!("A whole number from {} to {}.", i32::MIN, i32::MAX))
    }
}

/// One of the fields.
pub(crate) type FieldOf = fn(&mut PolicyDraft) -> &mut String;

impl Reducible for PolicyDraft {
    type Action = (FieldOf, String);

    /// Something is written into a field.
    fn reduce(self: Rc<Self>, (field, text): Self::Action) -> Rc<Self> {
        let mut draft = (*self).clone();
        *field(&mut draft) = text;
        Rc::new(draft)
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
            allow_grants: Some(false),
        };
        assert_eq!(PolicyDraft::of(&body).body(), body);
    }

    #[test]
    fn what_is_written_into_a_field_stands_there() {
        let draft = Rc::new(PolicyDraft::default()).reduce((|draft| &mut draft.when, "true".into()));
        assert_eq!(*draft, PolicyDraft { when: "true".into(), ..PolicyDraft::default() });
    }

    #[test]
    fn a_priority_that_is_no_number_is_said_and_not_sent_as_zero() {
        let problem = |text: &str| PolicyDraft { priority: text.into(), ..PolicyDraft::default() }.priority_problem();
        assert!(problem("3000000000").is_some() && problem("1.5").is_some());
        assert!(problem("-7").is_none() && problem("").is_none());
    }

    #[test]
    fn what_is_about_approvals_is_not_sent_where_nobody_is_asked() {
        let (flow, allow_grants) = ("Finance".into(), "true".into());
        let draft = PolicyDraft { action: "allow".into(), flow, allow_grants, ..PolicyDraft::default() };
        assert_eq!((draft.body().flow, draft.body().allow_grants), (None, None));
        assert_eq!(draft.body().scope, Scope::default());
    }
}
