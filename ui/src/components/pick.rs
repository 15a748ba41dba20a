//! A list to choose one thing from, with an arrow of our own.

use crate::components::icon::{Picture, icon};
use yew::prelude::*;

/// A native list; `id` is also what tests find it by. `label` is for those that have none beside them.
pub(crate) fn pick(id: &'static str, label: &'static str, onchange: Callback<Event>, options: Html) -> Html {
    let label = (!label.is_empty()).then_some(label);
    html! {
        <span class="pick">
            <select {id} aria-label={label} {onchange} data-testid={id}>{ options }</select>
            { icon(Picture::Unfold) }
        </span>
    }
}

/// One choice; the one that equals `now` is chosen.
pub(crate) fn option(value: &str, name: &str, now: &str) -> Html {
    html! { <option value={value.to_owned()} selected={value == now}>{ name.to_owned() }</option> }
}
