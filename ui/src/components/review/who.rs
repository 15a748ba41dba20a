//! On whose behalf, by which agent, since when, and how long there is.

use super::CardProps;
use super::countdown::Ring;
use crate::components::avatar::Avatar;
use crate::components::badge::Badge;
use crate::display;
use crate::hooks::use_now;
use yew::prelude::*;

#[component]
pub(crate) fn Who(props: &CardProps) -> Html {
    let now = use_now();
    let card = &props.card;
    html! {
        <div class="who">
            <Avatar name={card.requester.name.clone()} large=true />
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
                        { for card.requester.groups.iter().map(|group| html! { <Badge>{ group.clone() }</Badge> }) }
                    </div>
                }
            </div>
            <Ring card={card.clone()} />
        </div>
    }
}
