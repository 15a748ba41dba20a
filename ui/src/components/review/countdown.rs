//! How long there is to decide: a ring beside the person, a bar on the phone. Sizes are attributes of SVG, not styles:
//! the page's policy allows none.

use crate::display;
use countersign_domain::Timestamp;
use countersign_domain::request::RequestState;
use countersign_wire::requests::Card;
use yew::prelude::*;

pub(crate) fn ring(card: &Card, now: Timestamp) -> Html {
    if card.state != RequestState::Pending {
        return Html::default();
    }
    let left = display::left(card.expires_at, now.max(card.created_at));
    let percent = display::percent_left(card.created_at, card.expires_at, now);
    let dash = format!("{percent} 100");
    let says = if left.is_empty() { "The time is up".to_owned() } else { format!("{left} left to decide") };
    let short = left.replace(" min", "m").replace(" days", "d").replace(" h", "h");
    html! {
        <svg class="ring" viewBox="0 0 36 36" role="img" aria-label={says.clone()}>
            <title>{ says }</title>
            <circle class="ring-whole" cx="18" cy="18" r="15" fill="none" stroke-width="3" />
            if percent > 0 {
                <circle class="ring-left" cx="18" cy="18" r="15" fill="none" stroke-width="3" stroke-linecap="round"
                    pathLength="100" stroke-dasharray={dash} transform="rotate(-90 18 18)" />
            }
            <text x="18" y="21.3" text-anchor="middle">{ short }</text>
        </svg>
    }
}

pub(crate) fn bar(card: &Card, now: Timestamp) -> Html {
    let percent = display::percent_left(card.created_at, card.expires_at, now);
    let percent = if card.state == RequestState::Pending { percent } else { 0 };
    html! {
        <svg class="time-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect class="bar-whole" width="100" height="1" />
            <rect class="bar-left" width={percent.to_string()} height="1" />
        </svg>
    }
}
