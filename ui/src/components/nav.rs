//! The pages that there are, for the one who is signed in; a bar at the side, at the bottom of a phone.

use crate::components::avatar::avatar;
use crate::components::brand::brand;
use crate::components::icon::{Picture, icon};
use crate::components::route_link::RouteLink;
use crate::display;
use crate::hooks::pending::use_pending;
use crate::hooks::use_me;
use crate::routes::Route;
use countersign_domain::user::Role;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct NavProps {
    pub(crate) route: Route,
}

#[component]
pub(crate) fn Nav(props: &NavProps) -> Html {
    let pending = use_pending().count.filter(|count| *count > 0);
    let Some(me) = use_me() else { return Html::default() };
    let here = section(&props.route);
    let is_admin = me.user.role == Role::Admin;
    let pages = [
        (Route::Requests, Picture::Inbox, "Requests", false),
        (Route::Policies, Picture::Shield, "Policies", true),
        (Route::Flows, Picture::Steps, "Flows", true),
        (Route::Connectors, Picture::Plug, "Connectors", false),
        (Route::Agents, Picture::Bot, "Agents", false),
        (Route::People, Picture::People, "People", true),
        (Route::Deliveries, Picture::Send, "Deliveries", true),
    ];
    html! {
        <nav class="nav" aria-label="Pages">
            <RouteLink to={Route::Requests} class="home">{ brand() }</RouteLink>
            <ul>
                { for pages.into_iter().filter(|page| is_admin || !page.3).map(|(to, of, name, _)| {
                    let current = here == to;
                    let count = pending.filter(|_| to == Route::Requests);
                    html! {
                        <li key={name}>
                            <RouteLink {to} {current} testid={format!("nav-{}", name.to_lowercase())}>
                                { icon(of) }<span class="nav-word">{ name }</span>
                                if let Some(count) = count {
                                    <span class="badge wait">{ count }<span class="unseen">{ " pending" }</span></span>
                                }
                            </RouteLink>
                        </li>
                    }
                }) }
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

/// The page of the navigation that a page belongs to.
fn section(route: &Route) -> Route {
    match route {
        Route::Request { .. } | Route::Approve { .. } | Route::Home => Route::Requests,
        Route::NewPolicy | Route::Policy { .. } => Route::Policies,
        Route::NewFlow | Route::Flow { .. } => Route::Flows,
        other => other.clone(),
    }
}
