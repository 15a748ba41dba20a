//! A word in a coloured pill. The word carries the meaning; the colour only repeats it.

use crate::display;
use countersign_domain::Effect;
use countersign_domain::connector::ConnectorStatus;
use countersign_domain::request::RequestState;
use yew::prelude::*;

/// `tone` is `ok`, `wait`, `no` or `plain`.
pub(crate) fn badge(tone: &'static str, words: impl Into<AttrValue>) -> Html {
    let words: AttrValue = words.into();
    html! { <span class={classes!("badge", tone)}>{ words }</span> }
}

pub(crate) fn effect_badge(effect: Effect) -> Html {
    html! {
        <span class={classes!("badge", display::effect_tone(effect))} data-testid="effect">{ effect.word() }</span>
    }
}

pub(crate) fn state_badge(state: RequestState) -> Html {
    html! {
        <span class={classes!("badge", display::state_tone(state))} data-testid="state">{ display::state(state) }</span>
    }
}

/// Whether a connector can be reached, with the words that the caller wants.
pub(crate) fn status_badge(status: ConnectorStatus, reason: Option<&str>, words: impl Into<AttrValue>) -> Html {
    let (_, tone) = display::status(status);
    let words: AttrValue = words.into();
    html! {
        <span class={classes!("badge", tone)} title={reason.map(ToOwned::to_owned)} data-testid="connector-status">
            <i class="dot" aria-hidden="true" />{ words }
        </span>
    }
}
