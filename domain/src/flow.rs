//! Approval flows: who is asked, in which steps, over which channels, with which reminders and deadlines.
//!
//! What an admin writes down is here; [`course`] runs it, [`timing`] says when, [`people`] who, [`mod@check`] what is
//! wrong with it, and [`timeline`] draws it.

pub mod check;
pub mod course;
pub mod people;
pub mod quiet;
pub mod timeline;
pub mod timing;

pub use check::FlowProblem;
pub use course::{Course, Effect, Ending, FlowEvent, FlowTimer, Notice, Roster};
pub use people::{Cast, Parties, Person, Recipient, Voter};
pub use quiet::{Offsets, QuietHours};

use crate::user::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

/// Who is asked. At least one list must name somebody.
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
    /// Addresses of people who are no users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Phones of people who are no users, as `+` and 7 to 15 digits (ITU-T E.164).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
}

impl Approvers {
    /// Whether it names nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.roles.is_empty() && !self.names_outsiders()
    }

    /// Whether it names people who are no users.
    #[must_use]
    pub const fn names_outsiders(&self) -> bool {
        !self.emails.is_empty() || !self.phones.is_empty()
    }
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
    /// Minutes after the step began until [`Self::escalate_to`] are asked too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after_minutes: Option<u32>,
    /// Who is asked too when nobody answers. They are added to the step; the number of approvals stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<Approvers>,
}

/// Over which channels people are told. Native notifications and open screens are always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Channels {
    /// By mail.
    pub email: bool,
    /// By text message.
    pub sms: bool,
    /// By Web Push.
    pub push: bool,
    /// By one call to the flow's `webhook_url`.
    pub webhook: bool,
}

/// The shape of a webhook's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum WebhookTemplate {
    /// Ours: type, time and what happened.
    #[default]
    Json,
    /// Slack's incoming webhooks.
    Slack,
    /// Discord's.
    Discord,
    /// ntfy's JSON publishing.
    Ntfy,
    /// Mattermost's incoming webhooks.
    Mattermost,
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
    /// Over which channels people are told.
    #[serde(default)]
    pub channels: Channels,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Minutes between reminders of those who have not answered; at least 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_interval_minutes: Option<u32>,
    /// Minutes until a request expires: 1 to 10,080 (a week).
    #[serde(default = "ten")]
    pub timeout_minutes: u32,
    /// Minutes until a request that nobody answered approves itself; less than the timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_approve_minutes: Option<u32>,
    /// Why destructive tools may approve themselves too. Without it they never do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_approve_destructive_reason: Option<String>,
    /// Whether the requester hears of the decision.
    #[serde(default)]
    pub notify_on_decisions: bool,
    /// Where the webhook goes. An admin's word: http and private hosts are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// The environment variable that holds the webhook's signing secret (`whsec_` and base64).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret_env: Option<String>,
    /// The shape of the webhook's body.
    #[serde(default)]
    pub webhook_template: WebhookTemplate,
    /// How an approval is confirmed.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Whether the requester and the agent's owner count as approvers. A desk of one person needs it.
    #[serde(default)]
    pub allow_self_approval: bool,
    /// When nobody should be disturbed: a deadline that falls into them moves to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Whether quiet hours, the flow's and people's own, are passed over.
    #[serde(default)]
    pub urgent: bool,
    /// Fields that there are none of; [`FlowBody::check`] refuses each by name.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl FlowBody {
    /// The flow of a new desk: everyone with role approver or admin, one approval, ten minutes, told by push.
    #[must_use]
    pub fn default_flow(name: &str, confirmation: Confirmation, allow_self_approval: bool) -> Self {
        let approvers = Approvers { roles: vec![Role::Approver, Role::Admin], ..Approvers::default() };
        Self {
            description: "Everyone with role approver or admin; one approval; ten minutes.".to_owned(),
            channels: Channels { push: true, ..Channels::default() },
            confirmation,
            allow_self_approval,
            ..Self::of_steps(name, vec![Step::of(1, approvers)])
        }
    }

    /// A flow of these steps, everything else at its default.
    #[must_use]
    pub fn of_steps(name: &str, steps: Vec<Step>) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            active: true,
            channels: Channels::default(),
            steps,
            reminder_interval_minutes: None,
            timeout_minutes: 10,
            auto_approve_minutes: None,
            auto_approve_destructive_reason: None,
            notify_on_decisions: false,
            webhook_url: None,
            webhook_secret_env: None,
            webhook_template: WebhookTemplate::Json,
            confirmation: Confirmation::Passkey,
            allow_self_approval: false,
            quiet_hours: None,
            urgent: false,
            unknown: Map::new(),
        }
    }

    /// A step by its place.
    #[must_use]
    pub fn step(&self, order: u32) -> Option<&Step> {
        self.steps.iter().find(|step| step.order == order)
    }
}

impl Step {
    /// A step of these approvers, one of whom must approve.
    #[must_use]
    pub const fn of(order: u32, approvers: Approvers) -> Self {
        Self { order, approvers, min_approvals: 1, escalate_after_minutes: None, escalate_to: None }
    }

    /// Whom it names, at once and after its escalation.
    fn named(&self) -> impl Iterator<Item = &Approvers> {
        [Some(&self.approvers), self.escalate_to.as_ref()].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
