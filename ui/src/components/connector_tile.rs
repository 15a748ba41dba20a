//! A connector's first letter on its colour, with its name.

use crate::display::hue;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ConnectorTileProps {
    pub(crate) slug: AttrValue,
    pub(crate) name: AttrValue,
}

#[component]
pub(crate) fn ConnectorTile(props: &ConnectorTileProps) -> Html {
    let letter: String = props.name.chars().next().into_iter().flat_map(char::to_uppercase).collect();
    html! {
        <span class="connector">
            <span class={classes!("tile", format!("hue-{}", hue(&props.slug)))} aria-hidden="true">{ letter }</span>
            <span class="connector-name">{ props.name.clone() }</span>
        </span>
    }
}
