//! How far the flow is: its steps, and who has voted.

use crate::components::badge::badge;
use crate::display;
use countersign_domain::Timestamp;
use countersign_domain::request::Vote;
use countersign_wire::requests::{Card, VoteLine};
use yew::prelude::*;

pub(crate) fn progress(card: &Card, now: Timestamp) -> Html {
    if card.steps.is_empty() && card.votes.is_empty() {
        return Html::default();
    }
    let of = card.steps.len();
    html! {
        <div class="box" data-testid="card-steps">
            { for card.steps.iter().map(|step| html! {
                <div>
                    <span>{ format!("Step {} of {of} · ", step.order) }<b class="asked">{ step.approvers.clone() }</b></span>
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
        </div>
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
