//! A link to a page of ours: a plain click stays in the program, any other does what browsers do with links.

use crate::hooks::navigation::use_navigator;
use crate::routes::Route;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct RouteLinkProps {
    pub(crate) to: Route,
    pub(crate) children: Html,
    #[prop_or_default]
    pub(crate) class: Classes,
    /// The page that is shown.
    #[prop_or_default]
    pub(crate) current: bool,
    #[prop_or_default]
    pub(crate) label: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) id: Option<AttrValue>,
    /// Instead of going there at once, where the way there needs more than the address.
    #[prop_or_default]
    pub(crate) follow: Option<Callback<()>>,
}

#[component]
pub(crate) fn RouteLink(props: &RouteLinkProps) -> Html {
    let navigator = use_navigator();
    let onclick = {
        let (to, follow) = (props.to.clone(), props.follow.clone());
        Callback::from(move |event: MouseEvent| {
            let other_tab = event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key();
            if other_tab || event.button() != 0 {
                return;
            }
            event.prevent_default();
            match (&follow, &navigator) {
                (Some(follow), _) => follow.emit(()),
                (None, Some(navigator)) => navigator.push(&to),
                (None, None) => {}
            }
        })
    };
    html! {
        <a
            href={props.to.path()}
            class={props.class.clone()}
            id={props.id.clone()}
            aria-current={props.current.then_some("page")}
            aria-label={props.label.clone()}
            data-testid={props.testid.clone()}
            {onclick}
        >
            { props.children.clone() }
        </a>
    }
}
