//! How far the flow is: its steps, and who has voted.

use super::also_ask::AlsoAsk;
use crate::components::badge::badge;
use crate::components::delivery_item;
use crate::display;
use countersign_domain::Timestamp;
use countersign_domain::request::Vote;
use countersign_wire::requests::{Card, NextKind, StepLine, ToldLine, VoteLine};
use yew::prelude::*;

pub(crate) fn progress(card: &Card, reload: &Callback<()>, now: Timestamp) -> Html {
    if card.steps.is_empty() && card.votes.is_empty() {
        return Html::default();
    }
    let of = card.steps.len();
    html! {
        <div class="box" data-testid="card-steps">
            { for card.steps.iter().map(|step| html! {
                <div>
                    <span>
                        { format!("Step {} of {of} · ", step.order) }<b class="asked">{ step.approvers.clone() }</b>
                        { asked(step) }
                    </span>
                    <span class="soft nowrap">
                        if step.given > 0 {
                            { format!("{} of {}", step.given, step.needed) }
                        } else {
                            { format!("needs {}", step.needed) }
                        }
                    </span>
                </div>
            }) }
            { for card.votes.iter().map(|vote| line(vote, now)) }
            if card.you.may_add_approvers {
                <div><AlsoAsk id={card.id} onchanged={reload.clone()} /></div>
            }
            { next(card, now) }
            { told(card, now) }
        </div>
    }
}

/// Who of a step has not answered, and who is asked when they don't.
fn asked(step: &StepLine) -> Html {
    let waiting: Vec<_> = step.asked.iter().filter(|one| one.vote.is_none()).map(|one| one.name.as_str()).collect();
    let more = match (&step.escalate_to, step.escalated) {
        (Some(more), false) => format!("{more} when nobody answers"),
        (Some(more), true) => format!("{more} are asked too by now"),
        (None, _) => String::new(),
    };
    html! {
        <>
            if !waiting.is_empty() {
                <span class="two wrap" data-testid="step-waiting">{ format!("Waiting for {}", waiting.join(", ")) }</span>
            }
            if !more.is_empty() {
                <span class="two wrap" data-testid="step-escalation">{ more }</span>
            }
        </>
    }
}

/// What happens next when nobody answers.
fn next(card: &Card, now: Timestamp) -> Html {
    let what = |kind| match kind {
        NextKind::Reminder => "Reminder",
        NextKind::Escalation => "Others are asked too",
        NextKind::Warning => "Warning that time runs out",
        NextKind::AutoApproval => "Approves itself",
        NextKind::Expiry if card.deadline_moved => "Expires, moved to the end of quiet hours",
        NextKind::Expiry => "Expires",
    };
    html! {
        if !card.next.is_empty() {
            <div data-testid="card-next">
                <ul class="plain grow">
                    { for card.next.iter().map(|line| html! {
                        <li class="two wrap">{ format!("{} · {}", display::time(line.at, now), what(line.what)) }</li>
                    }) }
                </ul>
                if card.approves_itself {
                    { badge("wait", "approves itself") }
                }
            </div>
        } else if card.approves_itself {
            <div data-testid="card-auto"><span>{ "Nobody answered in time" }</span>{ badge("wait", "auto-approved") }</div>
        }
    }
}

/// Everything that was sent about it, and its fate.
fn told(card: &Card, now: Timestamp) -> Html {
    let one = |line: &ToldLine| {
        let (tone, word) = delivery_item::state(line.state);
        html! {
            <li>
                <span class="grow">
                    { format!("{} · {} to {}", display::time(line.at, now), delivery_item::channel(line.channel), line.to) }
                    <span class="two wrap">
                        { delivery_item::kind(line.kind) }
                        if let Some(error) = &line.error { { format!(": {error}") } }
                    </span>
                </span>
                { badge(tone, word) }
            </li>
        }
    };
    html! {
        if !card.told.is_empty() {
            <details data-testid="card-told">
                <summary>{ format!("What was sent ({})", card.told.len()) }</summary>
                <ul class="plain told">{ for card.told.iter().map(one) }</ul>
            </details>
        }
    }
}

fn line(vote: &VoteLine, now: Timestamp) -> Html {
    let (tone, word) = match vote.vote {
        Vote::Approve => ("ok", "Approved"),
        Vote::Deny => ("no", "Denied"),
    };
    let how = if vote.signed { "signed with a passkey" } else { "without a passkey" };
    html! {
        <div class="vote" data-testid="vote">
            <span>
                <b>{ vote.name.clone() }</b>
                <span class="two wrap">{ format!("{}, {how}", display::time(vote.at, now)) }</span>
                if let Some(comment) = &vote.comment {
                    <span class="two wrap">{ "“" }{ comment.clone() }{ "”" }</span>
                }
            </span>
            { badge(tone, word) }
        </div>
    }
}
