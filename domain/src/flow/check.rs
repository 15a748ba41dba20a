//! What is wrong with a flow, all at once: fields that say nothing sensible, and flows that can't end.

use super::timing::minutes;
use super::{Approvers, Confirmation, FlowBody, Offsets, Recipient, Step, Voter, WebhookTemplate};
use crate::Timestamp;
use crate::user::is_email;
use std::collections::BTreeSet;

/// The most steps of a flow.
const MOST_STEPS: usize = 20;
/// The most names in one list of approvers; a group holds more.
const MOST_NAMES: usize = 200;
/// The most characters of a description and of a reason.
const MOST_WORDS: usize = 500;
/// The longest a request may wait, in minutes: a week.
const WEEK: u32 = 10_080;

/// What is wrong with a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowProblem {
    /// The field, with its place, such as `steps[0].approvers`.
    pub field: String,
    /// A plain sentence.
    pub message: String,
}

impl FlowProblem {
    /// Something that is wrong.
    #[must_use]
    pub fn wrong(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Problems as they are found.
#[derive(Default)]
struct Problems(Vec<FlowProblem>);

impl Problems {
    fn refuse_unless(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.0.push(FlowProblem::wrong(field, message));
        }
    }
}

impl FlowBody {
    /// Every problem at once; empty when the flow can be saved. Whether there are people to ask is
    /// [`Self::check_people`]'s to say.
    #[must_use]
    pub fn check(&self, offsets: &dyn Offsets) -> Vec<FlowProblem> {
        let mut problems = Problems::default();
        let name = self.name.trim();
        let named = !name.is_empty() && name.chars().count() <= 80 && !name.chars().any(char::is_control);
        problems.refuse_unless(named, "name", "a flow needs a name of 1 to 80 characters");
        problems.refuse_unless(within(&self.description, MOST_WORDS), "description", "at most 500 characters");
        problems.refuse_unless(!self.steps.is_empty(), "steps", "a flow needs at least one step");
        problems.refuse_unless(self.steps.len() <= MOST_STEPS, "steps", "a flow has at most 20 steps");
        self.check_times(&mut problems, offsets);
        self.check_webhook(&mut problems);
        self.check_outsiders(&mut problems);
        for (index, step) in self.steps.iter().enumerate() {
            self.check_step(&mut problems, index, step);
        }
        for field in self.unknown.keys() {
            problems.refuse_unless(false, field, "there is no such field in a flow");
        }
        problems.0
    }

    fn check_times(&self, problems: &mut Problems, offsets: &dyn Offsets) {
        let timeout = self.timeout_minutes;
        problems.refuse_unless((1..=WEEK).contains(&timeout), "timeout_minutes", "must be 1 to 10080 minutes");
        if let Some(interval) = self.reminder_interval_minutes {
            problems.refuse_unless(interval >= 5, "reminder_interval_minutes", "must be at least 5 minutes");
            let before = interval < timeout;
            problems.refuse_unless(before, "reminder_interval_minutes", "must be less than `timeout_minutes`");
        }
        if let Some(after) = self.auto_approve_minutes {
            let before = after > 0 && after < timeout;
            let message = "must be at least 1 and less than `timeout_minutes`";
            problems.refuse_unless(before, "auto_approve_minutes", message);
        }
        if let Some(reason) = &self.auto_approve_destructive_reason {
            let field = "auto_approve_destructive_reason";
            problems.refuse_unless(self.auto_approve_minutes.is_some(), field, "needs `auto_approve_minutes`");
            let said = !reason.trim().is_empty() && within(reason, MOST_WORDS);
            problems.refuse_unless(said, field, "say why, in 1 to 500 characters");
        }
        if let Some(quiet) = &self.quiet_hours {
            problems.refuse_unless(quiet.from != quiet.to, "quiet_hours", "must not begin and end at the same time");
            let known = offsets.minutes(&quiet.time_zone, Timestamp::from_millis(0)).is_some();
            let message = "must be a time zone as in Europe/Zurich or UTC";
            problems.refuse_unless(known, "quiet_hours.time_zone", message);
        }
    }

    fn check_webhook(&self, problems: &mut Problems) {
        let needs = !self.channels.webhook || self.webhook_url.is_some();
        problems.refuse_unless(needs, "webhook_url", "the webhook channel needs an address");
        if let Some(url) = &self.webhook_url {
            let message = "must be an http or https address of at most 2000 characters, without a password";
            problems.refuse_unless(is_web_address(url), "webhook_url", message);
            let has_topic = self.webhook_template != WebhookTemplate::Ntfy || names_topic(url);
            let message = "ntfy needs its topic at the end of the address, as in https://ntfy.sh/topic";
            problems.refuse_unless(has_topic, "webhook_url", message);
        }
        if let Some(name) = &self.webhook_secret_env {
            let message = "must be the name of an environment variable, not the secret itself";
            problems.refuse_unless(is_variable(name), "webhook_secret_env", message);
        }
    }

    fn check_step(&self, problems: &mut Problems, index: usize, step: &Step) {
        let at = |field: &str| format!("steps[{index}].{field}");
        let numbered = step.order as usize == index + 1;
        problems.refuse_unless(numbered, &at("order"), "steps are numbered 1, 2, 3 in their order");
        problems.refuse_unless(step.min_approvals > 0, &at("min_approvals"), "at least one approval is needed");
        self.check_approvers(problems, &at("approvers"), &step.approvers);
        match (&step.escalate_after_minutes, &step.escalate_to) {
            (None, None) => {}
            (Some(_), None) => problems.refuse_unless(false, &at("escalate_to"), "say who is asked then"),
            (None, Some(_)) => {
                problems.refuse_unless(false, &at("escalate_after_minutes"), "say after how many minutes");
            }
            (Some(after), Some(more)) => {
                let before = *after > 0 && minutes(*after) < minutes(self.timeout_minutes);
                let message = "must be at least 1 and less than `timeout_minutes`";
                problems.refuse_unless(before, &at("escalate_after_minutes"), message);
                self.check_approvers(problems, &at("escalate_to"), more);
            }
        }
    }

    fn check_approvers(&self, problems: &mut Problems, field: &str, named: &Approvers) {
        problems.refuse_unless(!named.is_empty(), field, "name at least one user, group, role, email or phone");
        let lists = [&named.users, &named.groups, &named.emails, &named.phones];
        let short = lists.iter().all(|list| list.len() <= MOST_NAMES);
        problems.refuse_unless(short, field, "name at most 200 in one list; put more people into a group");
        let emails = named.emails.iter().all(|email| is_email(email));
        problems.refuse_unless(emails, &format!("{field}.emails"), "one of these is no email address");
        let phones = named.phones.iter().all(|phone| is_phone(phone));
        let message = "a phone is `+`, the country and the number: 7 to 15 digits";
        problems.refuse_unless(phones, &format!("{field}.phones"), message);
    }

    /// People outside hold no passkey of this desk, and what they are not told they can't decide.
    fn check_outsiders(&self, problems: &mut Problems) {
        let named = || self.steps.iter().flat_map(Step::named);
        let any = named().any(Approvers::names_outsiders);
        let message = "people outside have no passkey here: a flow that asks them needs `session`";
        problems.refuse_unless(!any || self.confirmation == Confirmation::Session, "confirmation", message);
        let mail = self.channels.email || named().all(|named| named.emails.is_empty());
        let message = "`emails` of people outside are reached by mail only: turn it on";
        problems.refuse_unless(mail, "channels.email", message);
        let texts = self.channels.sms || named().all(|named| named.phones.is_empty());
        let message = "`phones` of people outside are reached by text message only: turn it on";
        problems.refuse_unless(texts, "channels.sms", message);
    }

    /// What is wrong with the addresses of people outside: those that are of people with an account, who decide signed in.
    #[must_use]
    pub fn check_addresses(&self, people: &[Voter<'_>]) -> Vec<FlowProblem> {
        let mut problems = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            for (list, named) in [("approvers", Some(&step.approvers)), ("escalate_to", step.escalate_to.as_ref())] {
                let Some(named) = named else { continue };
                for address in named.outsiders() {
                    let Some((kind, text, email)) = account_of(&address, people) else { continue };
                    let message = format!("{text} is of somebody with an account: name {email} in `users` instead");
                    problems.push(FlowProblem::wrong(format!("steps[{index}].{list}.{kind}"), message));
                }
            }
        }
        problems
    }

    /// Whether the people there are can bring it to an end: at every step enough who may approve, and none of them
    /// needed at two steps, since each votes once a request.
    #[must_use]
    pub fn check_people(&self, people: &[Voter<'_>]) -> Vec<FlowProblem> {
        let mut problems = Problems(self.check_addresses(people));
        let outsiders: BTreeSet<_> = self.steps.iter().flat_map(Step::named).flat_map(Approvers::outsiders).collect();
        let outsiders: Vec<_> = outsiders.into_iter().collect();
        let able: Vec<Vec<usize>> = self.steps.iter().map(|step| able(step, people, &outsiders)).collect();
        for (index, (step, able)) in self.steps.iter().zip(&able).enumerate() {
            let field = format!("steps[{index}].approvers");
            let enough = able.len() >= step.min_approvals as usize;
            let message = match able.len() {
                0 => "nobody with an open account is named here, so nobody could approve".to_owned(),
                n => format!("needs {} approvals, but only {n} could approve", step.min_approvals),
            };
            problems.refuse_unless(enough, &field, &message);
        }
        if problems.0.is_empty() && !can_be_shared_out(&self.steps, &able) {
            let message = "each person approves once a request, and there are too few for all steps together";
            problems.refuse_unless(false, "steps", message);
        }
        problems.0
    }
}

/// Who could approve at a step, by their place among the people; addresses outside have their places behind them, the
/// same at every step.
fn able(step: &Step, people: &[Voter<'_>], outsiders: &[Recipient]) -> Vec<usize> {
    let selected = |voter: &Voter<'_>| voter.active && step.named().any(|named| named.selects(voter));
    let inside = people.iter().enumerate().filter(|(_, voter)| selected(voter)).map(|(place, _)| place);
    let outside: BTreeSet<_> = step.named().flat_map(Approvers::outsiders).collect();
    let places = outside.iter().filter_map(|address| outsiders.binary_search(address).ok());
    inside.chain(places.map(|place| people.len() + place)).collect()
}

/// The list that an address stands in, the address, and the email of the person whose it is.
fn account_of<'a>(address: &'a Recipient, people: &[Voter<'a>]) -> Option<(&'static str, &'a str, &'a str)> {
    let (kind, text) = match address {
        Recipient::User(_) => return None,
        Recipient::Email(email) => ("emails", email),
        Recipient::Phone(phone) => ("phones", phone),
    };
    let theirs = |voter: &&Voter<'_>| match address {
        Recipient::Phone(phone) => voter.phone == Some(phone),
        _ => text.eq_ignore_ascii_case(voter.email),
    };
    people.iter().find(theirs).map(|voter| (kind, text.as_str(), voter.email))
}

/// Whether every approval can be given by another person: a matching of approvals to people by augmenting paths.
fn can_be_shared_out(steps: &[Step], able: &[Vec<usize>]) -> bool {
    let needed = steps.iter().zip(able).flat_map(|(step, able)| (0..step.min_approvals).map(move |_| able));
    let needed: Vec<&Vec<usize>> = needed.collect();
    let mut given_by = std::collections::HashMap::new();
    (0..needed.len()).all(|approval| find(approval, &needed, &mut given_by, &mut Vec::new()))
}

fn find(
    approval: usize,
    needed: &[&Vec<usize>],
    given_by: &mut std::collections::HashMap<usize, usize>,
    tried: &mut Vec<usize>,
) -> bool {
    for person in needed[approval] {
        if tried.contains(person) {
            continue;
        }
        tried.push(*person);
        let other = given_by.get(person).copied();
        if other.is_none_or(|other| find(other, needed, given_by, tried)) {
            given_by.insert(*person, approval);
            return true;
        }
    }
    false
}

fn within(text: &str, most: usize) -> bool {
    text.chars().count() <= most
}

/// Whether this is a phone as `+` and 7 to 15 digits (ITU-T E.164).
#[must_use]
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// Whether this could be the address of a webhook: what stands there is parsed for good where it is called.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain
        && text.len() <= 2_000
        && after_scheme(text).and_then(|rest| rest.split(['/', '?', '#']).next()).is_some_and(is_authority)
}

fn after_scheme(address: &str) -> Option<&str> {
    ["https://", "http://"].iter().find_map(|scheme| address.strip_prefix(scheme))
}

/// Whether this is a host, with a port or without, as a web address has it (RFC 3986, 3.2), without its user.
fn is_authority(text: &str) -> bool {
    // The colons of an IPv6 address stand in brackets.
    let end = text.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match text[end..].find(':') {
        Some(colon) => (&text[..end + colon], Some(&text[end + colon + 1..])),
        None => (text, None),
    };
    let names_host = !host.is_empty() && !host.contains(['@', '\\', '%', '<', '>', '^', '|']);
    let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0);
    names_host && port.is_none_or(is_port)
}

/// Whether an address ends in a topic of ntfy.
fn names_topic(address: &str) -> bool {
    let path = after_scheme(address).and_then(|rest| rest.split(['?', '#']).next()?.split_once('/'));
    path.and_then(|(_, path)| path.rsplit('/').next()).is_some_and(|topic| !topic.is_empty())
}

/// Whether this is a name that an environment variable has in every shell.
#[must_use]
pub fn is_variable(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=100).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit())
}
