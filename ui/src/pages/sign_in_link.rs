//! Signing in with a one-time link.

use crate::backend::Failure;
use crate::components::route_link::RouteLink;
use crate::hooks::navigation::use_navigator;
use crate::hooks::session::use_session;
use crate::hooks::title::use_title;
use crate::hooks::use_backend;
use crate::pages::gate::{gate, use_link_token};
use crate::routes::Route;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[component]
pub(crate) fn SignInLinkPage() -> Html {
    use_title("Sign in", None);
    let (backend, session, navigator) = (use_backend(), use_session(), use_navigator());
    let token = use_link_token();
    let failure = use_state_eq(|| None::<Failure>);
    let missing = token.is_none();
    {
        let failure = failure.setter();
        use_effect_with((), move |()| {
            let (Some(token), Some(session), Some(navigator)) = (token, session, navigator) else { return };
            spawn_local(async move {
                match backend.sign_in_by_link(token).await {
                    Ok(info) => {
                        session.signed_in(info);
                        navigator.replace(&Route::Requests);
                    }
                    Err(error) => failure.set(Some(error)),
                }
            });
        });
    }
    let other_way = html! {
        <RouteLink to={Route::SignIn} class="btn wide">{ "Sign in with a passkey" }</RouteLink>
    };
    match &*failure {
        Some(failure) => gate(
            "This link does not sign you in",
            &failure.message(),
            html! {
                <>
                    <p class="hint">{ "Such a link works once and for a short time. Ask for a new one." }</p>
                    { other_way }
                </>
            },
        ),
        None if missing => {
            gate("This link is not complete", "The part after # is missing. Copy the whole link.", other_way)
        }
        None => gate("Signing you in…", "", Html::default()),
    }
}
