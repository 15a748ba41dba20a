//! The reader's own account: who they are here, their passkeys, and the way out.

use crate::backend::shell;
use crate::components::app_settings::AppSettings;
use crate::components::away_form::AwayForm;
use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::confirm::{Confirm, confirm};
use crate::components::field::{field, typed};
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::components::message::{failed, message};
use crate::components::page_head::page_head;
use crate::components::skeleton::skeleton;
use crate::components::told_form::ToldForm;
use crate::display;
use crate::hooks::fetch::Loadable;
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::pending::use_pending;
use crate::hooks::session::use_session;
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_now, use_task, use_toasts};
use crate::routes::Route;
use countersign_domain::Timestamp;
use countersign_wire::session::PasskeyRow;
use yew::prelude::*;

#[component]
pub(crate) fn AccountPage() -> Html {
    let pending = use_pending().count;
    use_title("Account", pending);
    let (backend, session, toasts, now) = (use_backend(), use_session(), use_toasts(), use_now());
    let (navigator, for_app) = (use_navigator(), use_place().says("app"));
    let passkeys = use_fetch(AttrValue::default(), |backend, _| backend.passkeys());
    let name = use_state_eq(String::new);
    let leaving = use_state_eq(|| None::<PasskeyRow>);
    let (adding, removing, signing_out) = (use_task(), use_task(), use_task());
    let Some(info) = session.as_ref().and_then(|session| session.info().cloned()) else { return Html::default() };

    let changed = {
        let (reload, session) = (passkeys.reload.clone(), session.clone());
        Callback::from(move |()| {
            reload.emit(());
            if let Some(session) = &session {
                session.refresh();
            }
        })
    };
    let onsubmit = {
        let (backend, name, adding, changed, toasts) =
            (backend.clone(), name.clone(), adding.clone(), changed.clone(), toasts);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, changed, toasts) = (backend.clone(), changed.clone(), toasts.clone());
            let (wanted, set) = (name.trim().to_owned(), name.setter());
            adding.run(async move {
                backend.add_passkey(wanted).await?;
                toasts.show(Tone::Good, "The passkey was added.");
                set.set(String::new());
                changed.emit(());
                Ok(())
            });
        })
    };
    let remove = {
        let (leaving, removing) = (leaving.clone(), removing.clone());
        Callback::from(move |()| {
            let Some(passkey) = (*leaving).clone() else { return };
            let (backend, changed, leaving) = (backend.clone(), changed.clone(), leaving.setter());
            removing.run(async move {
                backend.remove_passkey(passkey.id).await?;
                leaving.set(None);
                changed.emit(());
                Ok(())
            });
        })
    };
    let sign_out = {
        let signing_out = signing_out.clone();
        Callback::from(move |()| {
            if let (Some(session), Some(navigator)) = (session.clone(), navigator.clone()) {
                signing_out.run(async move {
                    session.sign_out().await?;
                    // Who leaves from here does not want to come back to here.
                    navigator.replace(&Route::SignIn);
                    Ok(())
                });
            }
        })
    };
    let ask = {
        let leaving = leaving.setter();
        Callback::from(move |row: PasskeyRow| leaving.set(Some(row)))
    };
    let keep = {
        let leaving = leaving.setter();
        Callback::from(move |()| leaving.set(None))
    };
    let out = html! {
        <Button onclick={sign_out} busy={signing_out.is_busy()} testid="sign-out">
            { icon(Picture::SignOut) }{ "Sign out" }
        </Button>
    };
    let input = html! {
        <input id="name" type="text" required=true maxlength="80" placeholder="For example: work laptop" value={(*name).clone()}
            oninput={typed(name.setter())} data-testid="passkey-name" />
    };
    let who = html! { <span class="soft plain-size">{ format!("{} · {}", info.user.email, display::role(info.user.role)) }</span> };
    html! {
        <main class="list narrow">
            { page_head("Account", "Your passkeys, who stands in for you, and how you are told of what waits.", who, out) }
            { form_error(signing_out.failure(), &[]) }
            if info.passkeys < 2 {
                <p class="offer" data-testid="second-passkey">
                    { icon(Picture::Key) }
                    <span>{ match info.passkeys {
                        0 => "You have no passkey here. Add one to sign in without a link and to sign what you approve.",
                        _ => "Add a second passkey, on another device: if you lose the first one, you still get in.",
                    } }</span>
                </p>
            }
            <section class="block">
                <h2>{ "Passkeys" }</h2>
                { match &passkeys.data {
                    Loadable::Loading => skeleton(2),
                    Loadable::Failed(failure) =>
                        failed("Your passkeys can't be shown", failure, &passkeys.reload, "passkeys-error"),
                    Loadable::Ready(page) if page.items.is_empty() => message(Picture::Key, "No passkeys yet",
                        "Until you add one below, a link signs you in.", "empty", Html::default()),
                    Loadable::Ready(page) => html! {
                        <ul class="rows passkeys">{ for page.items.iter().map(|row| passkey(row, now, &ask)) }</ul>
                    },
                } }
            </section>
            <form {onsubmit} class="block stack">
                <h2>{ "Add a passkey" }</h2>
                { field("name", "What to call it", "So that you know which one it is.", adding.about("name"), input) }
                { form_error(adding.failure(), &["name"]) }
                <div><Button tone="main" busy={adding.is_busy()} testid="passkey-add">{ "Add a passkey" }</Button></div>
            </form>
            if shell::is_here() {
                <AppSettings sought={for_app && !matches!(passkeys.data, Loadable::Loading)} />
            }
            <AwayForm />
            <ToldForm email={info.user.email.clone()} />
            if let Some(row) = &*leaving {
                { confirm(&Confirm {
                    title: format!("Remove “{}”?", row.name),
                    text: "It will no longer sign you in, nor sign approvals. What it signed stays signed.",
                    verb: "Remove",
                    task: &removing,
                    onyes: remove,
                    onclose: keep,
                }) }
            }
        </main>
    }
}

fn passkey(row: &PasskeyRow, now: Timestamp, ask: &Callback<PasskeyRow>) -> Html {
    let onclick = {
        let (ask, row) = (ask.clone(), row.clone());
        Callback::from(move |()| ask.emit(row.clone()))
    };
    let used = row.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {}", display::ago(at, now)));
    let waits = row.usable_from.filter(|from| *from > now);
    html! {
        <li key={row.id.to_string()} data-testid="passkey-row">
            <div class="grow">
                <b>{ row.name.clone() }</b>
                <span class="two">{ format!("Added {} · {used}", display::date(row.created_at)) }</span>
                if let Some(from) = waits {
                    { badge("wait", format!("May approve from {}", display::time(from, now))) }
                }
            </div>
            <Button tone="small" {onclick} testid="passkey-remove">{ "Remove" }</Button>
        </li>
    }
}
