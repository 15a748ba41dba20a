//! How far the flow is: its steps, and who has voted.

use super::CardProps;
use crate::components::badge::Badge;
use crate::display;
use crate::hooks::use_now;
use countersign_domain::Timestamp;
use countersign_domain::request::Vote;
use countersign_wire::requests::VoteLine;
use yew::prelude::*;

#[component]
pub(crate) fn Progress(props: &CardProps) -> Html {
    let now = use_now();
    let card = &props.card;
    if card.steps.is_empty() && card.votes.is_empty() {
        return Html::default();
    }
    let of = card.steps.len();
    html! {
        <div class="box" data-testid="card-steps">
            { for card.steps.iter().map(|step| html! {
                <div>
                    <span>{ format!("Step {} of {of} · ", step.order) }<b>{ step.approvers.clone() }</b></span>
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
            <Badge {tone}>{ word }</Badge>
        </div>
    }
}
