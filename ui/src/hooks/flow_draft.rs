//! A flow while it is written: the flow itself, with blanks and empty lines where somebody is still typing, and what is
//! wrong with it. Pure, so that it can be tested without a browser.

use crate::backend::{Failure, sentence};
use crate::components::field::{digits_of, is_ticked, value_of};
use crate::hooks::told_draft::plain_phone;
use countersign_domain::flow::{Approvers, FlowBody, Offsets, Step, Voter};
use countersign_domain::user::Role;
use countersign_wire::people::UserRow;
use countersign_wire::problem::FieldError;
use std::rc::Rc;
use yew::prelude::*;

/// The stages of the wizard, in their order.
pub(crate) const STAGES: [&str; 4] = ["Basics", "Approvers", "Timing", "Review"];
pub(crate) const REVIEW: usize = STAGES.len() - 1;

/// What stands in the wizard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlowDraft(pub(crate) FlowBody);

impl Reducible for FlowDraft {
    type Action = Box<dyn FnOnce(&mut FlowBody)>;

    fn reduce(self: Rc<Self>, change: Self::Action) -> Rc<Self> {
        let mut draft = (*self).clone();
        change(&mut draft.0);
        Rc::new(draft)
    }
}

impl FlowDraft {
    /// A flow that nobody has written yet: one step, which asks whom a new desk asks.
    pub(crate) fn fresh() -> FlowBody {
        let body = FlowBody::default_flow("", Default::default(), false);
        FlowBody { description: String::new(), ..body }
    }

    /// What is checked and sent.
    pub(crate) fn body(&self) -> FlowBody {
        let mut body = self.0.clone();
        body.name = body.name.trim().to_owned();
        body.description = body.description.trim().to_owned();
        for text in [&mut body.webhook_url, &mut body.webhook_secret_env] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        }
        if let Some(quiet) = &mut body.quiet_hours {
            quiet.time_zone = quiet.time_zone.trim().to_owned();
        }
        for (place, step) in (1..).zip(&mut body.steps) {
            step.order = place;
            [Some(&mut step.approvers), step.escalate_to.as_mut()].into_iter().flatten().for_each(tidy);
        }
        body
    }
}

fn tidy(named: &mut Approvers) {
    named.emails = named.emails.iter().map(|email| email.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    named.phones = named.phones.iter().map(|phone| plain_phone(phone)).filter(|one| !one.is_empty()).collect();
}

/// For whom a list of names is: the approvers of a step, or those who are asked too when they don't answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) step: usize,
    pub(crate) later: bool,
}

impl Seat {
    /// The field, as the server names it.
    pub(crate) fn field(self) -> String {
        format!("steps[{}].{}", self.step, if self.later { "escalate_to" } else { "approvers" })
    }

    /// The beginning of the ids of its controls.
    pub(crate) fn id(self) -> String {
        format!("step-{}{}", self.step + 1, if self.later { "-later" } else { "" })
    }

    fn of(self, body: &mut FlowBody) -> Option<&mut Approvers> {
        let step = body.steps.get_mut(self.step)?;
        if self.later { step.escalate_to.as_mut() } else { Some(&mut step.approvers) }
    }
}

/// Writes into the draft.
#[derive(Clone, PartialEq)]
pub(crate) struct Edit(pub(crate) UseReducerDispatcher<FlowDraft>);

impl Edit {
    pub(crate) fn change(&self, change: impl FnOnce(&mut FlowBody) + 'static) {
        self.0.dispatch(Box::new(change));
    }

    pub(crate) fn text(&self, set: fn(&mut FlowBody, String)) -> Callback<InputEvent> {
        let edit = self.clone();
        Callback::from(move |event: InputEvent| {
            let text = value_of(&event).unwrap_or_default();
            edit.change(move |body| set(body, text));
        })
    }

    pub(crate) fn flag(&self, set: fn(&mut FlowBody, bool)) -> Callback<Event> {
        let edit = self.clone();
        Callback::from(move |event: Event| {
            let on = is_ticked(&event);
            edit.change(move |body| set(body, on));
        })
    }

    pub(crate) fn number(&self, set: fn(&mut FlowBody, u32)) -> Callback<InputEvent> {
        let edit = self.clone();
        Callback::from(move |event: InputEvent| {
            let number = digits_of(&event);
            edit.change(move |body| set(body, number));
        })
    }

    pub(crate) fn number_of_step(&self, step: usize, set: fn(&mut Step, u32)) -> Callback<InputEvent> {
        let edit = self.clone();
        Callback::from(move |event: InputEvent| {
            let number = digits_of(&event);
            edit.change(move |body| {
                if let Some(step) = body.steps.get_mut(step) {
                    set(step, number);
                }
            });
        })
    }

    /// Writes one of the lists of names.
    pub(crate) fn names(&self, seat: Seat, set: fn(&mut Approvers, Vec<String>)) -> Callback<Vec<String>> {
        let edit = self.clone();
        Callback::from(move |names: Vec<String>| {
            edit.change(move |body| {
                if let Some(named) = seat.of(body) {
                    set(named, names);
                }
            });
        })
    }

    /// Adds a role to a list, or takes it out.
    pub(crate) fn role(&self, seat: Seat, role: Role) -> Callback<Event> {
        let edit = self.clone();
        Callback::from(move |_: Event| {
            edit.change(move |body| {
                let Some(named) = seat.of(body) else { return };
                let had = named.roles.len();
                named.roles.retain(|one| *one != role);
                if named.roles.len() == had {
                    named.roles.push(role);
                }
            });
        })
    }
}

/// What is wrong with the flow, each with its field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    /// What can be known without asking the server, by the very rules that the server goes by.
    pub(crate) fn of(body: &FlowBody, people: &[UserRow], offsets: &dyn Offsets) -> Self {
        let mut problems = body.check(offsets);
        if problems.is_empty() && body.active && !people.is_empty() {
            let voters: Vec<Voter<'_>> = people.iter().map(voter).collect();
            problems = body.check_people(&voters);
            problems.extend(body.check_addresses(&voters));
        }
        Self(problems.into_iter().map(|one| FieldError { field: one.field, message: one.message }).collect())
    }

    /// Those of a stage.
    pub(crate) fn on(&self, stage: usize) -> Self {
        Self(self.0.iter().filter(|one| stage_of(&one.field) == stage).cloned().collect())
    }

    /// With what the server said.
    pub(crate) fn and(mut self, failure: Option<&Failure>) -> Self {
        if let Some(Failure::Problem(problem)) = failure {
            let new: Vec<_> = problem.errors.iter().filter(|one| !self.0.contains(one)).cloned().collect();
            self.0.extend(new);
        }
        self
    }

    /// The first stage that has one.
    pub(crate) fn first_stage(&self) -> Option<usize> {
        self.0.iter().map(|one| stage_of(&one.field)).min()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said about exactly this field.
    pub(crate) fn at(&self, field: &str) -> Option<String> {
        let said: Vec<_> = self.0.iter().filter(|one| one.field == field).map(|one| sentence(&one.message)).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }
}

fn voter(row: &UserRow) -> Voter<'_> {
    // Whose phone is whose only the server knows.
    Voter { id: row.id, email: &row.email, phone: None, groups: &row.groups, role: row.role, active: row.active }
}

/// On which stage a field is written.
fn stage_of(field: &str) -> usize {
    // Who is asked is written on one stage, and when on the next: one can be mended without the other.
    if field.ends_with("escalate_after_minutes") {
        return 2;
    }
    let start = field.split(['[', '.']).next().unwrap_or_default();
    match start {
        "steps" | "confirmation" | "allow_self_approval" => 1,
        "timeout_minutes" | "reminder_interval_minutes" | "quiet_hours" | "urgent" => 2,
        "auto_approve_minutes" | "auto_approve_destructive_reason" => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::Timestamp;
    use countersign_wire::problem::{Code, Problem};

    struct Utc;

    impl Offsets for Utc {
        fn minutes(&self, zone: &str, _at: Timestamp) -> Option<i32> {
            (zone == "UTC").then_some(0)
        }
    }

    fn named(name: &str) -> FlowBody {
        FlowBody { name: name.into(), ..FlowDraft::fresh() }
    }

    fn approver(email: &str) -> UserRow {
        serde_json::from_value(serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001", "name": "Jon", "email": email, "role": "approver",
            "groups": [], "active": true, "passkeys": 1, "last_seen_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn what_is_half_written_is_sent_tidied() {
        let mut body = named("  Finance ");
        body.webhook_url = Some("  ".into());
        body.steps[0].approvers.emails = vec!["a@b.test ".into(), String::new()];
        body.steps[0].approvers.phones = vec!["+41 79 123 45 67".into()];
        body.steps.push(body.steps[0].clone());
        let sent = FlowDraft(body).body();
        assert_eq!((sent.name.as_str(), sent.webhook_url), ("Finance", None));
        assert_eq!(sent.steps[1].order, 2);
        assert_eq!(sent.steps[0].approvers.emails, ["a@b.test"]);
        assert_eq!(sent.steps[0].approvers.phones, ["+41791234567"]);
    }

    #[test]
    fn a_new_flow_lacks_nothing_but_its_name() {
        let faults = Faults::of(&FlowDraft::fresh(), &[], &Utc);
        assert_eq!(faults.first_stage(), Some(0));
        assert!(faults.at("name").is_some() && faults.on(1).is_empty());
        assert!(Faults::of(&named("Ours"), &[], &Utc).is_empty());
    }

    #[test]
    fn a_flow_that_can_not_end_is_faulted_where_its_approvers_are_named() {
        let mut body = named("Ours");
        body.steps[0].min_approvals = 2;
        let faults = Faults::of(&body, &[approver("jon@acme.test")], &Utc);
        assert_eq!(faults.first_stage(), Some(1));
        assert_eq!(faults.at("steps[0].approvers").as_deref(), Some("Needs 2 approvals, but only 1 could approve."));
    }

    #[test]
    fn an_escalation_that_comes_too_late_is_faulted_where_times_are_written() {
        let mut body = named("Ours");
        body.steps[0].escalate_after_minutes = Some(60);
        body.steps[0].escalate_to = Some(body.steps[0].approvers.clone());
        let faults = Faults::of(&body, &[], &Utc);
        assert_eq!((faults.first_stage(), faults.on(1).is_empty()), (Some(2), true));
    }

    #[test]
    fn what_the_server_said_as_well_is_said_once() {
        let faults = Faults::of(&named(""), &[], &Utc);
        let mut problem = Problem::new(Code::Invalid, "");
        problem.errors.clone_from(&faults.0);
        problem.errors.push(FieldError { field: "steps[0].approvers.users".into(), message: "there is none".into() });
        let all = faults.and(Some(&Failure::Problem(Box::new(problem))));
        assert_eq!(all.0.len(), 2);
        assert_eq!(all.at("steps[0].approvers"), None);
        assert_eq!(all.at("steps[0].approvers.users").as_deref(), Some("There is none."));
    }
}
