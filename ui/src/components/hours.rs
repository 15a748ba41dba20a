//! Quiet hours: from when until when, and where.

use crate::components::field::field;
use yew::prelude::*;

/// Of beginning, end and time zone what is written there, and what is called when somebody writes.
pub(crate) fn hours(now: [&str; 3], oninput: [Callback<InputEvent>; 3], error: Option<String>) -> Html {
    let ([from, to, zone], [onfrom, onto, onzone]) = (now, oninput);
    let time = |id: &'static str, value: &str, oninput: Callback<InputEvent>| {
        html! { <input {id} type="time" required=true value={value.to_owned()} {oninput} data-testid={id} /> }
    };
    let zone = html! {
        <input id="zone" type="text" required=true maxlength="64" autocomplete="off" spellcheck="false"
            value={zone.to_owned()} oninput={onzone} data-testid="zone" />
    };
    html! {
        <div class="hours">
            { field("quiet-from", "From", "", None, time("quiet-from", from, onfrom)) }
            { field("quiet-to", "To", "", None, time("quiet-to", to, onto)) }
            { field("zone", "Time zone", "", error, zone) }
        </div>
    }
}
