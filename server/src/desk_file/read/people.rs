//! The file's people and their agents.

use super::super::fields::{Fields, Keys};
use super::super::notes::{Holds, Kind, Notes, Variable};
use super::super::problem::{Marked, Place};
use super::super::tree::Node;
use super::check_name;
use crate::auth::agent_jwt::AgentPublicKey;
use crate::desk::{NO_CALLBACK_URL, is_callback_url};
use countersign_domain::agent::{MayActFor, WAIT_BUDGETS, is_agent_name};
use countersign_domain::user::{Role, is_email, normal_email};

#[derive(Clone, Debug)]
pub(in super::super) struct UserItem {
    pub(in super::super) email: String,
    pub(in super::super) name: String,
    pub(in super::super) role: Role,
    pub(in super::super) role_place: Place,
    pub(in super::super) groups: Vec<String>,
}

#[derive(Clone, Debug)]
pub(in super::super) struct AgentItem {
    pub(in super::super) name: String,
    pub(in super::super) owner: String,
    pub(in super::super) key_env: Option<Marked<String>>,
    pub(in super::super) public_key: Option<String>,
    pub(in super::super) connectors: Option<Vec<String>>,
    pub(in super::super) may_act_for: MayActFor,
    pub(in super::super) wait_budget_seconds: Option<u32>,
    pub(in super::super) callback_url: Option<String>,
}

/// None when it can't be known what role they are to have, too: nobody is taken for less than they may be.
pub(super) fn user(node: &Node, path: &str, notes: &Notes) -> Option<UserItem> {
    const KEYS: Keys<'_> = Keys { now: &["email", "name", "role", "groups"], later: &[] };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let (email, name) = (fields.required("email"), fields.required("name"));
    let role = match fields.node("role") {
        Some(_) => fields.word("role", &["member", "approver", "admin"], Role::from_word),
        None => Some(Role::default()),
    };
    let mut groups = fields.texts("groups").unwrap_or_default();
    groups.sort();
    groups.dedup();
    if email.as_deref().is_some_and(|email| !is_email(email)) {
        fields.wrong("email", "is no email address");
    }
    check_name(&fields, "name", name.as_deref());
    Some(UserItem {
        email: normal_email(&email?),
        name: name?.trim().to_owned(),
        role: role?,
        role_place: fields.place_of("role"),
        groups,
    })
}

pub(super) fn agent(node: &Node, path: &str, notes: &Notes) -> Option<AgentItem> {
    const KEYS: Keys<'_> = Keys {
        now: &[
            "name",
            "owner",
            "key_env",
            "public_key",
            "connectors",
            "may_act_for",
            "wait_budget_seconds",
            "callback_url",
        ],
        later: &[],
    };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let name = fields.required("name");
    if name.as_deref().is_some_and(|name| !is_agent_name(name)) {
        fields.wrong("name", "must have 1 to 64 letters, digits, `-`, `_` or `.`");
    }
    let owner = fields.must("owner").and_then(|_| fields.mention(Kind::User, "owner"));
    let (key_env, public_key) = (fields.text("key_env"), fields.text("public_key"));
    if key_env.is_some() && public_key.is_some() {
        fields.wrong("public_key", "does not go with key_env: an agent has either");
    }
    if let Some(Err(error)) = public_key.as_deref().map(AgentPublicKey::read) {
        fields.wrong("public_key", error.to_string());
    }
    let key_env = key_env.map(|value| Marked { value, place: fields.place_of("key_env") });
    if let Some(Marked { value, place }) = key_env.clone() {
        notes.variable(Variable { name: value, place, holds: Holds::AgentKey });
    }
    let callback_url = fields.text("callback_url");
    if callback_url.as_deref().is_some_and(|url| !is_callback_url(url)) {
        fields.wrong("callback_url", NO_CALLBACK_URL);
    }
    let connectors = fields.mentions(Kind::Connector, "connectors");
    let may = fields.node("may_act_for").and_then(|node| may_act_for(node, &format!("{path}.may_act_for"), notes));
    let wait_budget_seconds = fields.whole("wait_budget_seconds");
    if wait_budget_seconds.is_some_and(|seconds| !WAIT_BUDGETS.contains(&seconds)) {
        fields.wrong("wait_budget_seconds", "must be 1 to 3600");
    }
    Some(AgentItem {
        name: name?,
        owner: normal_email(&owner?),
        key_env,
        public_key,
        connectors,
        may_act_for: may.unwrap_or_default(),
        wait_budget_seconds,
        callback_url,
    })
}

fn may_act_for(node: &Node, path: &str, notes: &Notes) -> Option<MayActFor> {
    const KEYS: Keys<'_> = Keys { now: &["users", "groups"], later: &[] };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let users = fields.mentions(Kind::User, "users").unwrap_or_default();
    Some(MayActFor {
        users: users.iter().map(|email| normal_email(email)).collect(),
        groups: fields.texts("groups").unwrap_or_default(),
    })
}
