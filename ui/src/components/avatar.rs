//! A person's picture: their initials.

use crate::display::initials;
use yew::prelude::*;

/// `size` is a class: nothing, or `large`.
pub(crate) fn avatar(name: &str, size: &'static str) -> Html {
    html! { <span class={classes!("avatar", size)} aria-hidden="true">{ initials(name) }</span> }
}
