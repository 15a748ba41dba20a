//! That a request has ended, how, by whom and when.

use crate::components::badge::state_badge;
use crate::display;
use countersign_domain::Timestamp;
use countersign_wire::requests::Card;
use yew::prelude::*;

/// `overtaken`: somebody else was faster than the one who reads.
pub(crate) fn standing(card: &Card, overtaken: bool, now: Timestamp) -> Html {
    let at = card.decided_at.or(card.ended_at).unwrap_or(card.created_at);
    let Some(sentence) = display::ending(card, overtaken, &display::time(at, now)) else { return Html::default() };
    html! {
        <div class={classes!("standing", display::state_tone(card.state))} role="status" id="standing" tabindex="-1" data-testid="standing">
            <div>
                <b>{ sentence }</b>
                if let Some(comment) = &card.comment {
                    <p class="wrap">{ "“" }{ comment.clone() }{ "”" }</p>
                }
            </div>
            { state_badge(card.state) }
        </div>
    }
}
