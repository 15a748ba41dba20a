//! A word in a coloured pill. The word carries the meaning; the colour only repeats it.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct BadgeProps {
    /// `ok`, `wait`, `no` or `plain`.
    #[prop_or("plain")]
    pub(crate) tone: &'static str,
    /// A dot before the word.
    #[prop_or_default]
    pub(crate) dot: bool,
    #[prop_or_default]
    pub(crate) title: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
    pub(crate) children: Html,
}

#[component]
pub(crate) fn Badge(props: &BadgeProps) -> Html {
    html! {
        <span class={classes!("badge", props.tone)} title={props.title.clone()} data-testid={props.testid.clone()}>
            if props.dot {
                <i class="dot" aria-hidden="true" />
            }
            { props.children.clone() }
        </span>
    }
}
