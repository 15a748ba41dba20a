//! The file's flows.

use super::super::fields::{Fields, Keys, json};
use super::super::notes::{Kind, Notes};
use super::super::tree::Node;
use countersign_domain::flow::{Approvers, Confirmation, FlowBody, LATER, Step};
use countersign_domain::user::Role;
use serde_json::Map;

const NOW: [&str; 7] =
    ["name", "description", "active", "steps", "timeout_minutes", "confirmation", "allow_self_approval"];

/// In the place of what can't be read stands what nothing can be said against, so that the rest is checked.
pub(super) fn flow(node: &Node, path: &str, notes: &Notes) -> Option<FlowBody> {
    // Fields of a later version may stand there at their defaults, and so the flow's own check is asked about them.
    let keys = [&NOW[..], &LATER[..]].concat();
    let fields = Fields::of(node, path, &Keys { now: &keys, later: &[] }, notes)?;
    let name = fields.required("name");
    let is_named = name.is_some();
    let mut body = FlowBody {
        name: name.unwrap_or_else(|| "unnamed".to_owned()),
        description: fields.text("description").unwrap_or_default(),
        active: fields.truth("active").unwrap_or(true),
        steps: steps(&fields, notes),
        timeout_minutes: fields.whole("timeout_minutes").unwrap_or(10),
        confirmation: confirmation(&fields),
        allow_self_approval: fields.truth("allow_self_approval").unwrap_or(false),
        later: Map::new(),
    };
    for key in LATER {
        if let Some(value) = fields.node(key) {
            body.later.insert(key.to_owned(), json(value));
        }
    }
    for problem in body.check() {
        let mark = node.nearest(&problem.field).mark;
        notes.problems.add(mark, format!("{path}.{}", problem.field), problem.message);
    }
    is_named.then_some(body)
}

fn confirmation(fields: &Fields<'_>) -> Confirmation {
    let words = ["passkey", "passkey_if_enrolled", "session"];
    let read = |word: &str| serde_json::from_value(word.into()).ok();
    fields.word("confirmation", &words, read).unwrap_or_default()
}

fn steps(fields: &Fields<'_>, notes: &Notes) -> Vec<Step> {
    let Some(nodes) = fields.must("steps").and_then(|_| fields.list("steps")) else { return vec![anybody(1)] };
    let places = nodes.iter().zip(1..);
    places.map(|(node, order)| step(node, order, &fields.path_of(&format!("steps[{}]", order - 1)), notes)).collect()
}

fn step(node: &Node, order: u32, path: &str, notes: &Notes) -> Step {
    const KEYS: Keys<'_> =
        Keys { now: &["order", "approvers", "min_approvals"], later: &["escalate_after_minutes", "escalate_to"] };
    let Some(fields) = Fields::of(node, path, &KEYS, notes) else { return anybody(order) };
    let named = fields.must("approvers").and_then(|node| approvers(node, &fields.path_of("approvers"), notes));
    Step {
        order: fields.must("order").and_then(|_| fields.whole("order")).unwrap_or(order),
        approvers: named.unwrap_or_else(|| anybody(order).approvers),
        min_approvals: fields.whole("min_approvals").unwrap_or(1),
        escalate_after_minutes: None,
        escalate_to: None,
    }
}

fn approvers(node: &Node, path: &str, notes: &Notes) -> Option<Approvers> {
    const KEYS: Keys<'_> = Keys { now: &["users", "groups", "roles", "emails", "phones"], later: &[] };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let users = fields.mentions(Kind::User, "users");
    let groups = fields.texts("groups");
    let roles = fields.words("roles", &["member", "approver", "admin"], Role::from_word);
    let (emails, phones) = (fields.texts("emails"), fields.texts("phones"));
    // A list that can't be read may well have named somebody.
    let lists = [("users", users.is_some()), ("groups", groups.is_some()), ("roles", roles.is_some())];
    if lists.iter().any(|(key, read)| !read && fields.node(key).is_some()) {
        return None;
    }
    Some(Approvers {
        users: users.unwrap_or_default(),
        groups: groups.unwrap_or_default(),
        roles: roles.unwrap_or_default(),
        emails: emails.unwrap_or_default(),
        phones: phones.unwrap_or_default(),
    })
}

fn anybody(order: u32) -> Step {
    let approvers = Approvers { roles: vec![Role::Admin], ..Approvers::default() };
    Step { order, approvers, min_approvals: 1, escalate_after_minutes: None, escalate_to: None }
}
