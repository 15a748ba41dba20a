//! That a request has ended, how, by whom and when.

use super::ReviewProps;
use crate::components::badge::Badge;
use crate::display;
use crate::hooks::use_now;
use yew::prelude::*;

#[component]
pub(crate) fn Standing(props: &ReviewProps) -> Html {
    let now = use_now();
    let card = &props.card;
    let at = card.decided_at.or(card.ended_at).unwrap_or(card.created_at);
    let already = props.review.state.overtaken;
    let Some(sentence) = display::ending(card, already, &display::time(at, now)) else { return Html::default() };
    html! {
        <div class={classes!("standing", display::state_tone(card.state))} role="status" data-testid="standing">
            <div>
                <b>{ sentence }</b>
                if let Some(comment) = &card.comment {
                    <p class="wrap">{ "“" }{ comment.clone() }{ "”" }</p>
                }
            </div>
            <Badge tone={display::state_tone(card.state)} testid="card-state">{ display::state(card.state) }</Badge>
        </div>
    }
}
