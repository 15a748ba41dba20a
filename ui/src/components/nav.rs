//! The pages that there are, for the one who is signed in; a bar at the side, at the bottom of a phone. There is room for
//! six there: what is more stands in a sheet above it.

use crate::components::avatar::avatar;
use crate::components::brand::brand;
use crate::components::icon::{Picture, icon};
use crate::components::route_link::RouteLink;
use crate::display;
use crate::hooks::keys::use_keys;
use crate::hooks::pending::use_pending;
use crate::hooks::use_me;
use crate::routes::Route;
use countersign_domain::user::Role;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Node};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct NavProps {
    pub(crate) route: Route,
}

/// How many pages stand in the bar of a phone, beside the account.
const AT_HAND: usize = 4;

#[component]
pub(crate) fn Nav(props: &NavProps) -> Html {
    let pending = use_pending().count.filter(|count| *count > 0);
    let Some(me) = use_me() else { return Html::default() };
    let here = section(&props.route);
    let is_admin = me.user.role == Role::Admin;
    let mut pages: Vec<Page> = PAGES.iter().filter(|page| is_admin || !page.admins).cloned().collect();
    let more = pages.split_off(AT_HAND.min(pages.len()));
    html! {
        <nav class="nav" aria-label="Pages">
            <RouteLink to={Route::Requests} class="home">{ brand() }</RouteLink>
            <ul>
                { for pages.iter().map(|page| item(page, &here, pending.filter(|_| page.to == Route::Requests))) }
                if !more.is_empty() {
                    <More pages={more} here={here.clone()} />
                }
                <li class="me">
                    <RouteLink to={Route::Account} current={here == Route::Account} testid="nav-account">
                        { avatar(&me.user.name, "") }
                        <span class="me-words">
                            <b>{ me.user.name.clone() }</b>
                            <span class="two">{ display::role(me.user.role) }</span>
                        </span>
                        <span class="nav-word only-phone">{ "Account" }</span>
                    </RouteLink>
                </li>
            </ul>
        </nav>
    }
}

#[derive(Clone, PartialEq)]
struct Page {
    to: Route,
    of: Picture,
    name: &'static str,
    /// Whether it is there for admins only.
    admins: bool,
}

const PAGES: [Page; 7] = [
    Page { to: Route::Requests, of: Picture::Inbox, name: "Requests", admins: false },
    Page { to: Route::Policies, of: Picture::Shield, name: "Policies", admins: true },
    Page { to: Route::Flows, of: Picture::Steps, name: "Flows", admins: true },
    Page { to: Route::Connectors, of: Picture::Plug, name: "Connectors", admins: false },
    Page { to: Route::Agents, of: Picture::Bot, name: "Agents", admins: false },
    Page { to: Route::People, of: Picture::People, name: "People", admins: true },
    Page { to: Route::Deliveries, of: Picture::Send, name: "Deliveries", admins: true },
];

fn item(page: &Page, here: &Route, count: Option<u64>) -> Html {
    html! {
        <li key={page.name}>
            <RouteLink to={page.to.clone()} current={*here == page.to}
                testid={format!("nav-{}", page.name.to_lowercase())}>
                { icon(page.of) }<span class="nav-word">{ page.name }</span>
                if let Some(count) = count {
                    <span class="badge wait">{ count }<span class="unseen">{ " pending" }</span></span>
                }
            </RouteLink>
        </li>
    }
}

#[derive(Properties, PartialEq)]
struct MoreProps {
    pages: Vec<Page>,
    here: Route,
}

/// The pages that a phone's bar has no room for; elsewhere they stand in it like the others.
#[component]
fn More(props: &MoreProps) -> Html {
    let (open, whole, button) = (use_state_eq(|| false), use_node_ref(), use_node_ref());
    let shut = {
        let open = open.setter();
        Callback::from(move |()| open.set(false))
    };
    {
        let shut = shut.clone();
        use_effect_with(props.here.clone(), move |_| shut.emit(()));
    }
    {
        let (shut, is_open, button) = (shut.clone(), *open, button.clone());
        use_keys(Callback::from(move |event: KeyboardEvent| {
            let taken = is_open && event.key() == "Escape";
            if taken {
                shut.emit(());
                if let Some(button) = button.cast::<HtmlElement>() {
                    let _ = button.focus();
                }
            }
            taken
        }));
    }
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    // Who tabs on past the last of them leaves them behind.
    let onfocusout = {
        let (shut, whole) = (shut.clone(), whole.clone());
        Callback::from(move |event: FocusEvent| {
            let next = event.related_target().and_then(|next| next.dyn_into::<Node>().ok());
            let leaves = |next: Node| whole.get().is_some_and(|whole| !whole.contains(Some(&next)));
            if next.is_some_and(leaves) {
                shut.emit(());
            }
        })
    };
    let current = props.pages.iter().any(|page| page.to == props.here);
    html! {
        <li ref={whole} class={classes!("nav-more", (*open).then_some("open"))} {onfocusout}>
            <button ref={button} type="button" class={classes!("more-button", current.then_some("current"))}
                onclick={toggle} aria-expanded={open.to_string()} aria-controls="more-pages"
                data-testid="nav-more">
                { icon(Picture::More) }<span class="nav-word">{ "More" }</span>
                if current {
                    <span class="unseen">{ ", with the page that you are on" }</span>
                }
            </button>
            if *open {
                <div class="more-shade" aria-hidden="true" onclick={shut.reform(|_: MouseEvent| ())} />
            }
            // Also for the page that one is on already.
            <ul id="more-pages" onclick={shut.reform(|_: MouseEvent| ())}>
                { for props.pages.iter().map(|page| item(page, &props.here, None)) }
            </ul>
        </li>
    }
}

/// The page of the navigation that a page belongs to.
fn section(route: &Route) -> Route {
    match route {
        Route::Request { .. } | Route::Approve { .. } | Route::Home => Route::Requests,
        Route::NewPolicy | Route::Policy { .. } => Route::Policies,
        Route::NewFlow | Route::Flow { .. } => Route::Flows,
        other => other.clone(),
    }
}
