//! A person's picture: their initials.

use crate::display::initials;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AvatarProps {
    pub(crate) name: AttrValue,
    #[prop_or_default]
    pub(crate) large: bool,
}

#[component]
pub(crate) fn Avatar(props: &AvatarProps) -> Html {
    html! {
        <span class={classes!("avatar", props.large.then_some("large"))} aria-hidden="true">
            { initials(&props.name) }
        </span>
    }
}
