//! The review beside the list.

use super::ReviewProps;
use super::agent_acts::AgentActs;
use super::arguments::what;
use super::connector_card::connector_card;
use super::deed::deed;
use super::footer::footer;
use super::granted::granted;
use super::note::note;
use super::outcome::outcome;
use super::progress::progress;
use super::standing::standing;
use super::who::who;
use crate::components::icon::{Picture, icon};
use crate::hooks::use_now;
use yew::prelude::*;

#[component]
pub(crate) fn ReviewPanel(props: &ReviewProps) -> Html {
    let now = use_now();
    let card = &props.card;
    html! {
        <>
            <div class="scroll" id="review-body" tabindex="-1" role="region" aria-label="The request">
                { standing(card, props.review.state.overtaken, now) }
                { who(card, now) }
                { note(card) }
                { connector_card(card, false) }
                { outcome(card, now) }
                { deed(card) }
                { what(props) }
                { granted(card, &props.review.reload) }
                { progress(card, &props.review.reload, now) }
                <AgentActs card={card.clone()} onchanged={props.review.reload.clone()} />
            </div>
            { footer(props, now) }
        </>
    }
}

/// The panel's title and the way out of it.
pub(crate) fn panel_head(onclose: &Callback<()>) -> Html {
    let onclick = onclose.reform(|_: MouseEvent| ());
    html! {
        <header>
            <h2 id="review-title" tabindex="-1">{ "Review request" }</h2>
            <button type="button" class="icon-button" aria-label="Close" {onclick} data-testid="close">
                { icon(Picture::Close) }
            </button>
        </header>
    }
}
