//! A page's heading, with a line under it and its actions.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct PageHeadProps {
    pub(crate) title: AttrValue,
    pub(crate) text: AttrValue,
    /// Beside the title.
    #[prop_or_default]
    pub(crate) badge: Html,
    /// At the right.
    #[prop_or_default]
    pub(crate) children: Html,
}

#[component]
pub(crate) fn PageHead(props: &PageHeadProps) -> Html {
    html! {
        <header class="page-head">
            <div>
                <h1 id="page-title" tabindex="-1">{ props.title.clone() }{ props.badge.clone() }</h1>
                <p class="sub">{ props.text.clone() }</p>
            </div>
            { props.children.clone() }
        </header>
    }
}
