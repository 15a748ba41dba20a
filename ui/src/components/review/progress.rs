//! How far the flow is: its steps, and who has voted.

use super::also_ask::AlsoAsk;
use crate::components::badge::badge;
use crate::components::delivery_item;
use crate::display;
use countersign_domain::Timestamp;
use countersign_domain::request::{RequestState, Vote};
use countersign_wire::requests::{Card, LinkFate, NextKind, StepLine, ToldLine, VoteLine};
use yew::prelude::*;

pub(crate) fn progress(card: &Card, reload: &Callback<()>, now: Timestamp) -> Html {
    if card.steps.is_empty() && card.votes.is_empty() {
        return Html::default();
    }
    html! {
        <div class="box" data-testid="card-steps">
            { for card.steps.iter().map(|one| step(card, one, reload)) }
            { for card.votes.iter().map(|vote| line(vote, now)) }
            { next(card, now) }
            { told(card, now) }
        </div>
    }
}

/// Where a step is: done, the one that is asked now, or one that comes later.
fn standing(card: &Card, step: &StepLine) -> &'static str {
    let is_done = |step: &StepLine| step.given >= step.needed;
    let now = card.steps.iter().find(|step| !is_done(step)).map(|step| step.order);
    match is_done(step) {
        true => "done",
        false if now == Some(step.order) && card.state == RequestState::Pending => "now",
        false => "later",
    }
}

fn step(card: &Card, step: &StepLine, reload: &Callback<()>) -> Html {
    let standing = standing(card, step);
    html! {
        <div class={classes!("step", standing)}>
            <span>
                <span class="label">{ format!("Step {} of {}", step.order, card.steps.len()) }</span>
                <b class="asked">{ step.approvers.clone() }</b>
                { asked(step, standing) }
                if standing == "now" && card.you.may_add_approvers {
                    <AlsoAsk id={card.id} onchanged={reload.clone()} />
                }
            </span>
            if step.given > 0 {
                { badge(if standing == "done" { "ok" } else { "wait" }, format!("{} of {}", step.given, step.needed)) }
            } else {
                <span class="soft nowrap">{ format!("needs {}", step.needed) }</span>
            }
        </div>
    }
}

/// Who of a step has not answered, and who is asked when they don't.
fn asked(step: &StepLine, standing: &str) -> Html {
    let waiting: Vec<_> = step.asked.iter().filter(|one| one.vote.is_none()).map(|one| one.name.as_str()).collect();
    let more = step.escalate_to.as_ref().and_then(|more| match step.escalated {
        true => Some(format!("Nobody answered, so also {more}")),
        false => (standing == "now").then(|| format!("When nobody answers, also {more}")),
    });
    html! {
        <>
            if !waiting.is_empty() {
                <span class="two wrap" data-testid="step-waiting">{ format!("Waiting for {}", waiting.join(", ")) }</span>
            }
            if let Some(more) = more {
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
            <div class="next" data-testid="card-next">
                <div class="grow">
                    <h2 class="label">{ "If nobody answers" }</h2>
                    <ul class="plain">
                        { for card.next.iter().map(|line| html! {
                            <li class="wrap"><time>{ display::time(line.at, now) }</time>{ what(line.what) }</li>
                        }) }
                    </ul>
                </div>
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
                        { line.link.map(link).unwrap_or_default() }
                    </span>
                    if let Some(error) = &line.error {
                        <span class="field-error">{ error.clone() }</span>
                    }
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

/// What became of the link that a message to somebody outside brought.
const fn link(fate: LinkFate) -> &'static str {
    match fate {
        LinkFate::Good => " · its link is open",
        LinkFate::Used => " · its link was used",
        LinkFate::Locked => " · its link is locked after wrong codes; send a new one in Deliveries",
        LinkFate::Over => " · its link is over",
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
