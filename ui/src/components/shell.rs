//! The frame of every page for people who are signed in: navigation, events, notices of the demo, the list of keys.

use crate::components::keys_dialog::keys_dialog;
use crate::components::nav::Nav;
use crate::components::route_link::RouteLink;
use crate::hooks::focus::focus_if_lost;
use crate::hooks::keys::use_keys;
use crate::hooks::live::LiveProvider;
use crate::hooks::pending::PendingProvider;
use crate::hooks::use_me;
use crate::routes::Route;
use web_sys::KeyboardEvent;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ShellProps {
    pub(crate) route: Route,
    pub(crate) children: Html,
}

#[component]
pub(crate) fn Shell(props: &ShellProps) -> Html {
    let keys_shown = use_state_eq(|| false);
    let me = use_me();
    {
        let keys_shown = keys_shown.setter();
        use_keys(Callback::from(move |event: KeyboardEvent| {
            let asked = event.key() == "?";
            if asked {
                keys_shown.set(true);
            }
            asked
        }));
    }
    // A page that another one led to, by something that went with it.
    let first = use_mut_ref(|| true);
    use_effect_with(props.route.clone(), move |_| {
        if !first.replace(false) {
            focus_if_lost(&["#page-title"]);
        }
    });
    let close = {
        let keys_shown = keys_shown.setter();
        Callback::from(move |()| keys_shown.set(false))
    };
    let queue_shown = matches!(props.route, Route::Requests | Route::Request { .. });
    let bare = matches!(props.route, Route::Approve { .. });
    html! {
        <LiveProvider>
            <PendingProvider {queue_shown}>
                <a class="skip" href="#page">{ "Skip to the page" }</a>
                <div class={classes!("desk", bare.then_some("bare"))}>
                    if !bare {
                        <Nav route={props.route.clone()} />
                    }
                    <div class="page" id="page">
                        if let Some(me) = me.filter(|me| me.demo && !bare) {
                            <section class="demo" aria-label="About this desk" data-testid="demo">
                                <span>{ "This is a demo: everything here is thrown away when it stops." }</span>
                                if me.passkeys == 0 {
                                    <RouteLink to={Route::Account}>{ "Add a passkey to sign approvals" }</RouteLink>
                                }
                            </section>
                        }
                        { props.children.clone() }
                    </div>
                </div>
                if *keys_shown {
                    { keys_dialog(close) }
                }
            </PendingProvider>
        </LiveProvider>
    }
}
