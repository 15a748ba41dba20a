//! The file's flows.

use super::super::fields::{Fields, Keys};
use super::super::notes::{Holds, Kind, Notes, Variable};
use super::super::tree::Node;
use crate::zones::Zones;
use countersign_domain::flow::{Approvers, Channels, Confirmation, FlowBody, QuietHours, Step, WebhookTemplate};
use countersign_domain::user::Role;
use serde::de::DeserializeOwned;

const KEYS: Keys<'_> = Keys {
    now: &[
        "name",
        "description",
        "active",
        "channels",
        "steps",
        "reminder_interval_minutes",
        "timeout_minutes",
        "auto_approve_minutes",
        "auto_approve_destructive_reason",
        "notify_on_decisions",
        "webhook_url",
        "webhook_secret_env",
        "webhook_template",
        "confirmation",
        "allow_self_approval",
        "quiet_hours",
        "urgent",
    ],
    later: &[],
};

/// In the place of what can't be read stands what nothing can be said against, so that the rest is checked.
pub(super) fn flow(node: &Node, path: &str, notes: &Notes) -> Option<FlowBody> {
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let name = fields.required("name");
    let is_named = name.is_some();
    let body = FlowBody {
        description: fields.text("description").unwrap_or_default(),
        active: fields.truth("active").unwrap_or(true),
        channels: channels(&fields, notes),
        reminder_interval_minutes: fields.whole("reminder_interval_minutes"),
        timeout_minutes: fields.whole("timeout_minutes").unwrap_or(10),
        auto_approve_minutes: fields.whole("auto_approve_minutes"),
        auto_approve_destructive_reason: fields.text("auto_approve_destructive_reason"),
        notify_on_decisions: fields.truth("notify_on_decisions").unwrap_or(false),
        webhook_url: fields.text("webhook_url"),
        webhook_secret_env: webhook_secret(&fields, notes),
        webhook_template: template(&fields),
        confirmation: confirmation(&fields),
        allow_self_approval: fields.truth("allow_self_approval").unwrap_or(false),
        quiet_hours: quiet_hours(&fields, notes),
        urgent: fields.truth("urgent").unwrap_or(false),
        ..FlowBody::of_steps(&name.unwrap_or_else(|| "unnamed".to_owned()), steps(&fields, notes))
    };
    for problem in body.check(&Zones) {
        let mark = node.nearest(&problem.field).mark;
        notes.problems.add(mark, format!("{path}.{}", problem.field), problem.message);
    }
    is_named.then_some(body)
}

fn as_written<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

fn confirmation(fields: &Fields<'_>) -> Confirmation {
    fields.word("confirmation", &["passkey", "passkey_if_enrolled", "session"], as_written).unwrap_or_default()
}

fn template(fields: &Fields<'_>) -> WebhookTemplate {
    let words = ["json", "slack", "discord", "ntfy", "mattermost"];
    fields.word("webhook_template", &words, as_written).unwrap_or_default()
}

fn webhook_secret(fields: &Fields<'_>, notes: &Notes) -> Option<String> {
    let name = fields.text("webhook_secret_env")?;
    let place = fields.place_of("webhook_secret_env");
    notes.variable(Variable { name: name.clone(), place, holds: Holds::WebhookSecret });
    Some(name)
}

fn channels(fields: &Fields<'_>, notes: &Notes) -> Channels {
    const KEYS: Keys<'_> = Keys { now: &["email", "sms", "push", "webhook"], later: &[] };
    let node = fields.node("channels");
    let Some(own) = node.and_then(|node| Fields::of(node, &fields.path_of("channels"), &KEYS, notes)) else {
        return Channels::default();
    };
    let on = |key| own.truth(key).unwrap_or(false);
    Channels { email: on("email"), sms: on("sms"), push: on("push"), webhook: on("webhook") }
}

fn quiet_hours(fields: &Fields<'_>, notes: &Notes) -> Option<QuietHours> {
    const KEYS: Keys<'_> = Keys { now: &["from", "to", "time_zone"], later: &[] };
    let own = Fields::of(fields.node("quiet_hours")?, &fields.path_of("quiet_hours"), &KEYS, notes)?;
    let time = |key| {
        let text = own.required(key)?;
        let time = text.parse().ok();
        if time.is_none() {
            own.wrong(key, "must be a time of the day as in \"22:00\"");
        }
        time
    };
    let (from, to, time_zone) = (time("from"), time("to"), own.required("time_zone"));
    Some(QuietHours { from: from?, to: to?, time_zone: time_zone? })
}

fn steps(fields: &Fields<'_>, notes: &Notes) -> Vec<Step> {
    let Some(nodes) = fields.must("steps").and_then(|_| fields.list("steps")) else { return vec![anybody(1)] };
    let places = nodes.iter().zip(1..);
    places.map(|(node, order)| step(node, order, &fields.path_of(&format!("steps[{}]", order - 1)), notes)).collect()
}

fn step(node: &Node, order: u32, path: &str, notes: &Notes) -> Step {
    const KEYS: Keys<'_> =
        Keys { now: &["order", "approvers", "min_approvals", "escalate_after_minutes", "escalate_to"], later: &[] };
    let Some(fields) = Fields::of(node, path, &KEYS, notes) else { return anybody(order) };
    let read = |key: &str, node| approvers(node, &fields.path_of(key), notes);
    let named = fields.must("approvers").and_then(|node| read("approvers", node));
    // Who can't be read was named all the same.
    let more =
        fields.node("escalate_to").map(|node| read("escalate_to", node).unwrap_or_else(|| anybody(order).approvers));
    Step {
        order: fields.must("order").and_then(|_| fields.whole("order")).unwrap_or(order),
        approvers: named.unwrap_or_else(|| anybody(order).approvers),
        min_approvals: fields.whole("min_approvals").unwrap_or(1),
        escalate_after_minutes: fields.whole("escalate_after_minutes"),
        escalate_to: more,
    }
}

fn approvers(node: &Node, path: &str, notes: &Notes) -> Option<Approvers> {
    const KEYS: Keys<'_> = Keys { now: &["users", "groups", "roles", "emails", "phones"], later: &[] };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let users = fields.mentions(Kind::User, "users");
    let groups = fields.texts("groups");
    let roles = fields.words("roles", &["member", "approver", "admin"], Role::from_word);
    let (emails, phones) = (fields.outsiders("emails"), fields.outsiders("phones"));
    // A list that can't be read may well have named somebody.
    let lists = [
        ("users", users.is_some()),
        ("groups", groups.is_some()),
        ("roles", roles.is_some()),
        ("emails", emails.is_some()),
        ("phones", phones.is_some()),
    ];
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
    Step::of(order, Approvers { roles: vec![Role::Admin], ..Approvers::default() })
}
