//! The review that fits one hand: what is asked, in one sentence, and two large buttons at the bottom.

use super::ReviewProps;
use super::agent_acts::AgentActs;
use super::arguments::what;
use super::connector_card::connector_card;
use super::countdown::bar;
use super::deed::deed;
use super::footer::footer;
use super::granted::granted;
use super::note::note;
use super::outcome::outcome;
use super::progress::progress;
use super::standing::standing;
use crate::components::badge::{badge, effect_badge, status_badge};
use crate::components::icon::{Picture, icon};
use crate::components::segments::segments;
use crate::display;
use crate::hooks::use_now;
use countersign_domain::request::RequestState;
use countersign_wire::requests::Card;
use std::rc::Rc;
use yew::prelude::*;

#[component]
pub(crate) fn ReviewPhone(props: &ReviewProps) -> Html {
    let now = use_now();
    let card = &props.card;
    html! {
        <>
            <div class="scroll" id="review-body" tabindex="-1" role="region" aria-label="The request">
                { standing(card, props.review.state.overtaken, now) }
                { sentence(card, now) }
                { outcome(card, now) }
                { deed(card) }
                { what(props) }
                { note(card) }
                { connector_card(card, true) }
                { granted(card, &props.review.reload) }
                { progress(card, &props.review.reload, now) }
                <AgentActs card={card.clone()} onchanged={props.review.reload.clone()} />
            </div>
            { footer(props, now) }
        </>
    }
}

fn sentence(card: &Card, now: countersign_domain::Timestamp) -> Html {
    let connector = &card.connector;
    let groups = card.requester.groups.join(", ");
    html! {
        <>
            <div>
                <h1 class="headline" data-testid="headline">{ segments(&card.headline) }</h1>
                <p class="soft">
                    { "for " }<b>{ card.requester.name.clone() }</b>
                    if !groups.is_empty() {
                        { " · " }{ groups }
                    }
                    { " · " }{ display::ago(card.created_at, now) }
                </p>
                if card.on_behalf_of {
                    <p class="two claim wrap">{ "The agent named this person itself: its word, not verified" }</p>
                }
            </div>
            <div class="badges">
                { effect_badge(card.effect) }
                { status_badge(connector.kind, connector.status, connector.status_reason.as_deref(), &connector.name) }
            </div>
        </>
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct PhoneHeadProps {
    pub(crate) card: Option<Rc<Card>>,
    /// None where there is nowhere to go back to.
    #[prop_or_default]
    pub(crate) onclose: Option<Callback<()>>,
}

/// The way back, and how long there is.
#[component]
pub(crate) fn PhoneHead(props: &PhoneHeadProps) -> Html {
    let now = use_now();
    let onclick = props.onclose.as_ref().map(|onclose| onclose.reform(|_: MouseEvent| ()));
    let open = props.card.as_ref().filter(|card| card.state == RequestState::Pending);
    let left = open.map(|card| display::left(card.expires_at, now.max(card.created_at)));
    html! {
        <>
            <header>
                if let Some(onclick) = onclick {
                    <button type="button" class="icon-button" aria-label="All requests" {onclick} data-testid="close">
                        { icon(Picture::Back) }
                    </button>
                }
                <b id="review-title" tabindex="-1">{ "Review request" }</b>
                if let Some(left) = left {
                    { badge("wait", if left.is_empty() { "time is up".to_owned() } else { format!("{left} left") }) }
                }
            </header>
            if let Some(card) = &props.card {
                { bar(card, now) }
            }
        </>
    }
}
