//! The third stage: how long there is, who is reminded when, and what happens when nobody answers.

use super::timeline::timeline;
use super::{Writing, minutes_field};
use crate::components::field::{field, value_of};
use crate::components::form::tick;
use crate::components::hours::hours;
use crate::display::approvers;
use crate::zones::zone_here;
use countersign_domain::flow::{FlowBody, QuietHours, Step};
use yew::prelude::*;

pub(crate) fn timing(of: &Writing<'_>) -> Html {
    let Writing { body, faults, edit, .. } = of;
    html! {
        <>
            <div class="two-up">
                { minutes_field(("timeout", "Expires after", "1 minute to a week (10080)."), body.timeout_minutes,
                    edit.number(|body, n| body.timeout_minutes = n), faults.at("timeout_minutes")) }
                { minutes_field(("reminder", "Remind every", "At least 5; empty for no reminders."),
                    body.reminder_interval_minutes.unwrap_or(0),
                    edit.number(|body, n| body.reminder_interval_minutes = (n > 0).then_some(n)),
                    faults.at("reminder_interval_minutes")) }
            </div>
            { for of.spoken().steps.iter().enumerate().filter(|(_, step)| step.escalate_to.is_some())
                .map(|(index, step)| escalation(of, index, step)) }
            <p class="hint">{ "Approvers are warned when 80 % of the time is over." }</p>
            { by_itself(of) }
            { quiet(of) }
            { tick("urgent", body.urgent, html! { "Urgent" },
                "Quiet hours are passed over: the flow's, and people's own.",
                edit.flag(|body, on| body.urgent = on)) }
            { timeline(of) }
        </>
    }
}

fn escalation(of: &Writing<'_>, index: usize, step: &Step) -> Html {
    let id = format!("escalate-after-{}", index + 1);
    let label =
        format!("Step {}: ask {} too after", index + 1, step.escalate_to.as_ref().map(approvers).unwrap_or_default());
    let oninput = of.edit.number_of_step(index, |step, n| step.escalate_after_minutes = Some(n));
    let error = of.faults.at(&format!("steps[{index}].escalate_after_minutes"));
    minutes_field(
        (&id, &label, "Counted from the step's beginning."),
        step.escalate_after_minutes.unwrap_or(0),
        oninput,
        error,
    )
}

fn by_itself(of: &Writing<'_>) -> Html {
    let Writing { body, faults, edit, .. } = of;
    let reason = html! {
        <textarea id="auto-reason" rows="2" maxlength="500"
            value={body.auto_approve_destructive_reason.clone().unwrap_or_default()}
            oninput={edit.text(|body, text| body.auto_approve_destructive_reason = Some(text))} data-testid="auto-reason" />
    };
    html! {
        <>
            { tick("auto", body.auto_approve_minutes.is_some(), html! { "Approve by itself when nobody answers" }, "",
                edit.flag(switch_auto)) }
            if let Some(after) = body.auto_approve_minutes {
                <div class="stack later">
                    <p class="warned" data-testid="auto-warning">
                        { "Calls are then made that no person looked at. Choose this only for what you would allow anyway." }
                    </p>
                    { minutes_field(("auto-after", "After", "Less than the time to expire."), after,
                        edit.number(|body, n| body.auto_approve_minutes = Some(n)), faults.at("auto_approve_minutes")) }
                    { tick("auto-destructive", body.auto_approve_destructive_reason.is_some(),
                        html! { "Destructive tools too" }, "Without this tick they wait for a person, and expire.",
                        edit.flag(|body, on| body.auto_approve_destructive_reason = on.then(String::new))) }
                    if body.auto_approve_destructive_reason.is_some() {
                        { field("auto-reason", "Why that is right", "Kept in the record.",
                            faults.at("auto_approve_destructive_reason"), reason) }
                    }
                </div>
            }
        </>
    }
}

fn switch_auto(body: &mut FlowBody, on: bool) {
    let half = (body.timeout_minutes / 2).max(1);
    body.auto_approve_minutes = on.then_some(half);
    if !on {
        body.auto_approve_destructive_reason = None;
    }
}

fn quiet(of: &Writing<'_>) -> Html {
    let Writing { body, faults, edit, .. } = of;
    let error = faults.at("quiet_hours").or_else(|| faults.at("quiet_hours.time_zone"));
    let write = |set: fn(&mut QuietHours, String)| {
        let edit = (*edit).clone();
        Callback::from(move |event: InputEvent| {
            let text = value_of(&event).unwrap_or_default();
            edit.change(move |body| {
                if let Some(quiet) = &mut body.quiet_hours {
                    set(quiet, text);
                }
            });
        })
    };
    html! {
        <>
            { tick("quiet", body.quiet_hours.is_some(), html! { "Quiet hours" },
                "A deadline that falls into them moves to their end, and so do reminders.",
                edit.flag(|body, on| body.quiet_hours = on.then(a_night).flatten())) }
            if let Some(quiet) = &body.quiet_hours {
                { hours([&quiet.from.to_string(), &quiet.to.to_string(), &quiet.time_zone], [
                    // What is no time yet, since somebody is still writing it, changes nothing.
                    write(|quiet, text| quiet.from = text.parse().unwrap_or(quiet.from)),
                    write(|quiet, text| quiet.to = text.parse().unwrap_or(quiet.to)),
                    write(|quiet, text| quiet.time_zone = text),
                ], error) }
            }
        </>
    }
}

fn a_night() -> Option<QuietHours> {
    Some(QuietHours { from: "22:00".parse().ok()?, to: "07:00".parse().ok()?, time_zone: zone_here() })
}
