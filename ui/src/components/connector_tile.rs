//! A connector's first letter on its colour, with its name.

use crate::display::hue;
use yew::prelude::*;

pub(crate) fn connector_tile(slug: &str, name: &str) -> Html {
    let letter: String = name.chars().take(1).collect();
    html! {
        <span class="connector">
            <span class={classes!("tile", format!("hue-{}", hue(slug)))} aria-hidden="true">{ letter }</span>
            <span class="connector-name" title={name.to_owned()}>{ name.to_owned() }</span>
        </span>
    }
}
