//! Signing in with a passkey.

use crate::components::button::Button;
use crate::components::field::{field, typed};
use crate::components::icon::{Picture, icon};
use crate::hooks::focus::focus_on;
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::session::{SessionState, use_session};
use crate::hooks::title::use_title;
use crate::hooks::{use_backend, use_fetch};
use crate::pages::gate::gate;
use crate::routes::way_back;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[component]
pub(crate) fn SignInPage() -> Html {
    use_title("Sign in", None);
    let (backend, session, navigator) = (use_backend(), use_session(), use_navigator());
    let place = use_place();
    let back = way_back(place.asked("then").as_deref());
    let desk = use_fetch(AttrValue::default(), |backend, _| backend.desk());
    let email = use_state_eq(String::new);
    let by_name = use_state_eq(|| false);
    let busy = use_state_eq(|| false);
    let failure = use_state_eq(|| None);

    // Signed in here, in another tab, or all along: on with it.
    let signed_in = session.as_ref().is_some_and(|session| matches!(session.state, SessionState::In(_)));
    use_effect_with((signed_in, back), move |(signed_in, back)| {
        if let Some(navigator) = navigator.filter(|_| *signed_in) {
            navigator.replace(back);
        }
    });
    use_effect_with(*by_name, |by_name| {
        if *by_name {
            focus_on("#email");
        }
    });
    let onsubmit = {
        let (email, busy, failure) = (email.clone(), busy.clone(), failure.clone());
        let by_name = *by_name;
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(session) = session.clone().filter(|_| !*busy) else { return };
            let email = Some(email.trim().to_owned()).filter(|email| by_name && !email.is_empty());
            let (backend, busy, failure) = (backend.clone(), busy.setter(), failure.setter());
            busy.set(true);
            failure.set(None);
            spawn_local(async move {
                match backend.sign_in_by_passkey(email).await {
                    Ok(info) => session.signed_in(info),
                    Err(error) => failure.set(Some(error)),
                }
                busy.set(false);
            });
        })
    };
    let show_name = {
        let by_name = by_name.setter();
        Callback::from(move |_: MouseEvent| by_name.set(true))
    };
    let desk = desk.data.ready().cloned();
    let name = desk.as_ref().map_or_else(|| "Countersign".to_owned(), |desk| desk.name.clone());
    if desk.as_ref().is_some_and(|desk| desk.setup_needed) {
        return gate(
            "This desk is not set up yet",
            "Open the setup link that the server printed at its first start. Whoever opens it names the desk and is \
             its first admin.",
            html! { <p class="hint">{ "The link is in the server's output; a restart prints a new one." }</p> },
        );
    }
    let email_field = html! {
        <input id="email" type="email" autocomplete="username" value={(*email).clone()}
            oninput={typed(email.setter())} data-testid="email" />
    };
    gate(
        &format!("Sign in to {name}"),
        "With the passkey that you enrolled here.",
        html! {
            <>
                <form {onsubmit} class="stack">
                    if *by_name {
                        { field("email", "Email", "For security keys that don't hold your name.", None, email_field) }
                    }
                    if let Some(failure) = &*failure {
                        <p class="field-error" role="alert" data-testid="sign-in-error">{ failure.message() }</p>
                    }
                    <Button tone="main wide" busy={*busy} testid="sign-in">
                        { icon(Picture::Key) }{ "Sign in with a passkey" }
                    </Button>
                    if !*by_name {
                        <button type="button" class="link-button" onclick={show_name} data-testid="use-email">
                            { "Sign in with email and passkey" }
                        </button>
                    }
                </form>
                <p class="hint">{ "Lost your passkey? An admin can make a sign-in link for you." }</p>
            </>
        },
    )
}
