//! A word in a coloured pill. The word carries the meaning; the colour only repeats it.

use crate::display;
use countersign_domain::Effect;
use countersign_domain::connector::{ConnectorKind, ConnectorStatus};
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

/// Whether a connector can be reached, which the desk knows only where it makes the calls itself. `name` where nothing
/// beside it says which connector it is.
pub(crate) fn status_badge(kind: ConnectorKind, status: ConnectorStatus, reason: Option<&str>, name: &str) -> Html {
    let (word, tone) = match kind {
        ConnectorKind::External => ("Run by the agent", "plain"),
        ConnectorKind::Http | ConnectorKind::Mcp => display::status(status),
    };
    let words = if name.is_empty() { word.to_owned() } else { format!("{name}: {}", word.to_ascii_lowercase()) };
    html! {
        <span class={classes!("badge", tone)} title={reason.map(ToOwned::to_owned)} data-testid="connector-status">
            if kind != ConnectorKind::External {
                <i class="dot" aria-hidden="true" />
            }
            <span>{ words }</span>
        </span>
    }
}
