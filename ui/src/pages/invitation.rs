//! Coming in by invitation: a name, a passkey, and one is there.

use crate::components::button::Button;
use crate::components::field::{field, value_of};
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::components::route_link::RouteLink;
use crate::display;
use crate::hooks::navigation::use_navigator;
use crate::hooks::session::use_session;
use crate::hooks::title::use_title;
use crate::hooks::{use_backend, use_fetch, use_task};
use crate::pages::gate::{gate, use_link_token};
use crate::routes::Route;
use countersign_wire::session::InvitationAccept;
use yew::prelude::*;

#[component]
pub(crate) fn InvitationPage() -> Html {
    use_title("Invitation", None);
    let (backend, session, navigator) = (use_backend(), use_session(), use_navigator());
    let token = use_link_token();
    let looked = use_fetch(token.clone().unwrap_or_default().into(), |backend, token| {
        backend.look_at_invitation(token.to_owned())
    });
    // None until something is typed: until then the name is the one that the admin gave.
    let typed_name = use_state_eq(|| None::<String>);
    let task = use_task();

    let sign_in = html! { <RouteLink to={Route::SignIn} class="btn wide">{ "Sign in" }</RouteLink> };
    let Some(token) = token else {
        return gate("This link is not complete", "The part after # is missing. Copy the whole link.", sign_in);
    };
    if let Some(failure) = looked.data.failure() {
        return gate(
            "This invitation does not work",
            &failure.message(),
            html! {
                <>
                    <p class="hint">{ "An invitation works once, for 24 hours. Ask an admin for a new one." }</p>
                    { sign_in }
                </>
            },
        );
    }
    let Some(info) = looked.data.ready().cloned() else {
        return gate("Opening the invitation…", "", Html::default());
    };
    let name = typed_name.as_ref().unwrap_or(&info.name).clone();
    let onsubmit = {
        let (name, task) = (name.clone(), task.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let accept = InvitationAccept { token: token.clone(), name: name.trim().to_owned() };
            let (backend, session, navigator) = (backend.clone(), session.clone(), navigator.clone());
            task.run(async move {
                let info = backend.accept_invitation(&accept).await?;
                if let (Some(session), Some(navigator)) = (session, navigator) {
                    session.signed_in(info);
                    navigator.replace(&Route::Requests);
                }
                Ok(())
            });
        })
    };
    let oninput = {
        let typed_name = typed_name.setter();
        Callback::from(move |event: InputEvent| typed_name.set(value_of(&event)))
    };
    let input = html! {
        <input id="name" type="text" autocomplete="name" required=true value={name} {oninput} data-testid="name" />
    };
    gate(
        &format!("Join {}", info.desk),
        &format!("As {}, {}. Your passkey signs you in and signs what you approve.", info.email, role_words(&info)),
        html! {
            <form {onsubmit} class="stack">
                { field("name", "Your name", "As others see it.", task.about("name"), input) }
                { form_error(task.failure(), &["name"]) }
                <Button tone="main wide" busy={task.is_busy()} testid="invitation-finish">
                    { icon(Picture::Key) }{ "Create passkey and join" }
                </Button>
            </form>
        },
    )
}

fn role_words(info: &countersign_wire::session::InvitationInfo) -> String {
    display::role(info.role).to_ascii_lowercase()
}
