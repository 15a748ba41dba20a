//! The last stage: the whole flow in words, and what will happen when.

use super::Writing;
use super::timeline::{channels, timeline};
use crate::display::{approvers, counted};
use countersign_domain::flow::{Confirmation, FlowBody, Step};
use yew::prelude::*;

pub(crate) fn review(of: &Writing<'_>) -> Html {
    let body = &of.spoken();
    let mut told = channels(body.channels);
    if body.notify_on_decisions {
        told.push_str("; the requester hears of the decision");
    }
    html! {
        <>
            <div>
                <b class="wrap" data-testid="review-name">{ body.name.clone() }</b>
                <p class="soft wrap">{ body.description.clone() }</p>
            </div>
            <dl class="facts">
                { for body.steps.iter().map(|step| fact(format!("Step {}", step.order), asked(step))) }
                { fact("Told by", told) }
                { fact("Confirmed by", confirmed(body)) }
                if let Some(quiet) = &body.quiet_hours {
                    { fact("Quiet hours", format!("{} to {}, {}{}", quiet.from, quiet.to, quiet.time_zone,
                        if body.urgent { ": passed over, since it is urgent" } else { "" })) }
                }
            </dl>
            { warnings(body) }
            { timeline(of) }
        </>
    }
}

fn fact(name: impl Into<AttrValue>, words: String) -> Html {
    let name: AttrValue = name.into();
    html! { <><dt>{ name }</dt><dd class="wrap">{ words }</dd></> }
}

fn asked(step: &Step) -> String {
    let needed = counted(step.min_approvals as usize, "approval");
    let more = match (&step.escalate_to, step.escalate_after_minutes) {
        (Some(more), Some(after)) => format!("; after {after} minutes also {}", approvers(more)),
        _ => String::new(),
    };
    format!("{}: {needed}{more}", approvers(&step.approvers))
}

fn confirmed(body: &FlowBody) -> String {
    let how = match body.confirmation {
        Confirmation::Passkey => "a passkey",
        Confirmation::PasskeyIfEnrolled => "a passkey, once they have one",
        Confirmation::Session => "being signed in",
    };
    let own = if body.allow_self_approval { "; requesters may approve their own" } else { "" };
    format!("{how}{own}")
}

/// What somebody should have read before it is saved.
fn warnings(body: &FlowBody) -> Html {
    let by_itself = body.auto_approve_minutes.map(|after| {
        let which = match &body.auto_approve_destructive_reason {
            Some(reason) => format!("Destructive tools too: “{reason}”"),
            None => "Destructive tools never do: they expire.".to_owned(),
        };
        format!("A request that nobody answers approves itself after {after} minutes. {which}")
    });
    html! {
        <>
            if let Some(words) = by_itself {
                <p class="warned" data-testid="review-auto">{ words }</p>
            }
            if !body.active {
                <p class="warned">{ "It is off: no policy can hold calls by it." }</p>
            }
        </>
    }
}
