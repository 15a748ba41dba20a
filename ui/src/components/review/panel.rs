//! The review beside the list.

use super::ReviewProps;
use super::arguments::Arguments;
use super::connector_card::ConnectorCard;
use super::footer::{Footer, FooterProps};
use super::note::Note;
use super::outcome::Outcome;
use super::progress::Progress;
use super::standing::Standing;
use super::who::Who;
use crate::components::icon::{Icon, Picture};
use yew::prelude::*;

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ReviewPanelProps {
    pub(crate) of: ReviewProps,
    pub(crate) denying: bool,
    pub(crate) ondenying: Callback<bool>,
}

#[component]
pub(crate) fn ReviewPanel(props: &ReviewPanelProps) -> Html {
    let card = &props.of.card;
    let footer = FooterProps { of: props.of.clone(), denying: props.denying, ondenying: props.ondenying.clone() };
    html! {
        <>
            <div class="scroll" tabindex="-1">
                <Standing ..props.of.clone() />
                <Who card={card.clone()} />
                <Note card={card.clone()} />
                <ConnectorCard card={card.clone()} />
                <Outcome card={card.clone()} />
                <Arguments ..props.of.clone() />
                <Progress card={card.clone()} />
            </div>
            <Footer ..footer />
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct PanelHeadProps {
    pub(crate) onclose: Callback<()>,
    pub(crate) heading: NodeRef,
}

#[component]
pub(crate) fn PanelHead(props: &PanelHeadProps) -> Html {
    let onclick = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    html! {
        <header>
            <h2 ref={props.heading.clone()} tabindex="-1">{ "Review request" }</h2>
            <button type="button" class="icon-button" aria-label="Close" {onclick} data-testid="close">
                <Icon of={Picture::Close} />
            </button>
        </header>
    }
}
