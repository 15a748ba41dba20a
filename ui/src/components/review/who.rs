//! On whose behalf, by which agent, since when, and how long there is.

use super::countdown::ring;
use crate::components::avatar::avatar;
use crate::components::badge::badge;
use crate::display;
use countersign_domain::Timestamp;
use countersign_wire::requests::Card;
use yew::prelude::*;

pub(crate) fn who(card: &Card, now: Timestamp) -> Html {
    html! {
        <div class="who">
            { avatar(&card.requester.name, "large") }
            <div class="who-words">
                <div><b>{ card.requester.name.clone() }</b>{ " " }<span class="soft">{ card.requester.email.clone() }</span></div>
                <span class="two" title={display::exact(card.created_at)}>
                    { "Requested " }{ display::ago_in_full(card.created_at, now) }{ " by " }<b>{ card.agent.name.clone() }</b>
                </span>
                if card.agent.owner != card.requester.name {
                    <span class="two">{ "The agent belongs to " }{ card.agent.owner.clone() }</span>
                }
                if card.on_behalf_of {
                    <span class="two claim">{ "The agent named this person itself: its word, not verified" }</span>
                }
                if !card.requester.groups.is_empty() {
                    <div class="badges">
                        { for card.requester.groups.iter().map(|group| badge("plain", group.clone())) }
                    </div>
                }
            </div>
            { ring(card, now) }
        </div>
    }
}
