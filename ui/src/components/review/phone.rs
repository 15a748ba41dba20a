//! The review that fits one hand: what is asked, in one sentence, and two large buttons at the bottom.

use super::ReviewProps;
use super::arguments::Arguments;
use super::connector_card::ConnectorCard;
use super::footer::{Footer, FooterProps};
use super::note::Note;
use super::outcome::Outcome;
use super::progress::Progress;
use super::standing::Standing;
use crate::components::badge::Badge;
use crate::components::segments::Segments;
use crate::display;
use crate::hooks::use_now;
use yew::prelude::*;

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ReviewPhoneProps {
    pub(crate) of: ReviewProps,
    pub(crate) denying: bool,
    pub(crate) ondenying: Callback<bool>,
}

#[component]
pub(crate) fn ReviewPhone(props: &ReviewPhoneProps) -> Html {
    let now = use_now();
    let of = ReviewProps { phone: true, ..props.of.clone() };
    let card = &of.card;
    let (status, tone) = display::status(card.connector.status);
    let groups = card.requester.groups.join(", ");
    let footer = FooterProps { of: of.clone(), denying: props.denying, ondenying: props.ondenying.clone() };
    html! {
        <>
            <div class="scroll" tabindex="-1">
                <Standing ..of.clone() />
                <div>
                    <h1 class="headline" data-testid="headline"><Segments of={card.headline.clone()} /></h1>
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
                    <Badge tone={display::effect_tone(card.effect)}>{ card.effect.word() }</Badge>
                    <Badge {tone} dot=true>{ format!("{} {}", card.connector.name, status.to_lowercase()) }</Badge>
                </div>
                <Outcome card={card.clone()} />
                <Arguments ..of.clone() />
                <Note card={card.clone()} />
                <ConnectorCard card={card.clone()} />
                <Progress card={card.clone()} />
            </div>
            <Footer ..footer />
        </>
    }
}
