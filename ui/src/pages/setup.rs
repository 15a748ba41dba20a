//! The first start: whoever holds the setup link names the desk, enrols a passkey, and is its first admin.

use crate::components::button::Button;
use crate::components::field::{field, typed};
use crate::components::form::{form_error, tick};
use crate::components::icon::{Picture, icon};
use crate::components::route_link::RouteLink;
use crate::hooks::navigation::use_navigator;
use crate::hooks::session::use_session;
use crate::hooks::title::use_title;
use crate::hooks::{use_backend, use_fetch, use_task};
use crate::pages::gate::{gate, use_link_token};
use crate::routes::Route;
use countersign_wire::session::SetupStart;
use web_sys::HtmlInputElement;
use yew::prelude::*;

const FIELDS: [&str; 4] = ["desk_name", "name", "email", "allow_self_approval"];

#[component]
pub(crate) fn SetupPage() -> Html {
    use_title("Set up", None);
    let (backend, session, navigator) = (use_backend(), use_session(), use_navigator());
    let token = use_link_token();
    let looked =
        use_fetch(token.clone().unwrap_or_default().into(), |backend, token| backend.look_at_setup(token.to_owned()));
    let (desk_name, name, email) = (use_state_eq(String::new), use_state_eq(String::new), use_state_eq(String::new));
    let alone = use_state_eq(|| true);
    let task = use_task();

    let sign_in = html! { <RouteLink to={Route::SignIn} class="btn wide">{ "Sign in" }</RouteLink> };
    let Some(token) = token else {
        return gate("This link is not complete", "The part after # is missing. Copy the whole link.", sign_in);
    };
    if let Some(failure) = looked.data.failure() {
        return gate("This setup link does not work", &failure.message(), sign_in);
    }
    let onsubmit = {
        let (desk_name, name, email, alone) = (desk_name.clone(), name.clone(), email.clone(), *alone);
        let task = task.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let start = SetupStart {
                token: token.clone(),
                desk_name: desk_name.trim().to_owned(),
                name: name.trim().to_owned(),
                email: email.trim().to_owned(),
                allow_self_approval: alone,
            };
            let (backend, session, navigator) = (backend.clone(), session.clone(), navigator.clone());
            task.run(async move {
                let info = backend.set_up(&start).await?;
                if let (Some(session), Some(navigator)) = (session, navigator) {
                    session.signed_in(info);
                    navigator.replace(&Route::Requests);
                }
                Ok(())
            });
        })
    };
    let onalone = {
        let alone = alone.setter();
        Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                alone.set(input.checked());
            }
        })
    };
    let text = |id: &'static str, kind: &'static str, complete: &'static str, value: &UseStateHandle<String>| {
        html! {
            <input {id} type={kind} autocomplete={complete} required=true value={(**value).clone()}
                oninput={typed(value.setter())} data-testid={id} />
        }
    };
    let tick_words = html! { <b>{ "I may approve what my own agents ask" }</b> };
    gate(
        "Set up this desk",
        "You will be its first admin. Your passkey signs you in and signs what you approve.",
        html! {
            <form {onsubmit} class="stack">
                { field("desk_name", "Name of the desk", "Your company or team; everybody sees it.",
                    task.about("desk_name"), text("desk_name", "text", "organization", &desk_name)) }
                { field("name", "Your name", "", task.about("name"), text("name", "text", "name", &name)) }
                { field("email", "Your email", "", task.about("email"), text("email", "email", "email", &email)) }
                { tick("allow_self_approval", *alone, tick_words,
                    "A desk of one person needs this. With more people, leave it off: then nobody approves their own requests.",
                    onalone) }
                { form_error(task.failure(), &FIELDS) }
                <Button tone="main wide" busy={task.is_busy()} testid="setup-finish">
                    { icon(Picture::Key) }{ "Create passkey and open the desk" }
                </Button>
            </form>
        },
    )
}
