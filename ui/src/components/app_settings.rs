//! How the desktop app behaves on this computer; on the account page, in the app only.

use crate::backend::{Failure, shell};
use crate::components::button::Button;
use crate::components::copy_diagnostics::CopyDiagnostics;
use crate::components::form::{form_error, tick};
use crate::hooks::focus::{focus_on, reveal};
use crate::hooks::use_task;
use countersign_wire::app::{AppPreferences, KeptIn};
use std::future::Future;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AppSettingsProps {
    /// The reader came for this, and what stands above no longer moves it.
    pub(crate) sought: bool,
}

#[component]
pub(crate) fn AppSettings(props: &AppSettingsProps) -> Html {
    let preferences = use_state_eq(|| None::<AppPreferences>);
    let (changing, leaving) = (use_task(), use_task());
    {
        let set = preferences.setter();
        use_effect_with((), move |()| {
            spawn_local(async move { set.set(shell::preferences().await.ok()) });
        });
    }
    use_effect_with(props.sought && preferences.is_some(), |shown| {
        if *shown {
            focus_on("#app-settings h2");
            reveal("#app-settings");
        }
    });
    let Some(now) = &*preferences else { return Html::default() };
    let change = |reply: fn(bool) -> Reply, on: bool| {
        let (changing, set) = (changing.clone(), preferences.setter());
        Callback::from(move |_: Event| {
            let set = set.clone();
            let reply = reply(on);
            changing.run(async move {
                set.set(Some(reply.await?));
                Ok(())
            });
        })
    };
    let leave = {
        let leaving = leaving.clone();
        Callback::from(move |()| leaving.run(shell::leave_desk()))
    };
    // Where this system has no tray, closing the window ends nothing.
    let quit = {
        let leaving = leaving.clone();
        Callback::from(move |()| leaving.run(shell::quit()))
    };
    let at_login = change(|on| Box::pin(shell::set_start_at_login(on)), !now.start_at_login);
    let quiet = change(|on| Box::pin(shell::set_do_not_disturb(on)), !now.do_not_disturb);
    html! {
        <section class="block framed stack" id="app-settings" data-testid="app-settings">
            <h2 tabindex="-1">{ "This app" }</h2>
            { tick("start-at-login", now.start_at_login, html! { "Start when I log in to this computer" },
                "It waits in the tray and tells you of what is asked.", at_login) }
            { tick("do-not-disturb", now.do_not_disturb, html! { "Do not disturb" },
                "No notifications. What waits is still counted in the tray.", quiet) }
            { form_error(changing.failure().or(leaving.failure()), &[]) }
            <p class="hint" data-testid="app-where">{ whereabouts(now) }</p>
            <div class="acts-row">
                <Button onclick={leave} busy={leaving.is_busy()} testid="app-leave">{ "Use another desk" }</Button>
                <CopyDiagnostics />
                <Button onclick={quit} busy={leaving.is_busy()} testid="app-quit">{ "Quit" }</Button>
            </div>
        </section>
    }
}

type Reply = std::pin::Pin<Box<dyn Future<Output = Result<AppPreferences, Failure>>>>;

fn whereabouts(now: &AppPreferences) -> String {
    let desk = match now.here {
        true => format!("Your desk runs on this computer, at {}.", now.address),
        false => format!("Your desk is at {}.", now.address),
    };
    let kept = match now.kept_in {
        KeptIn::Keychain => " Your session is kept in this computer's keychain.",
        KeptIn::File => {
            " This computer has no keychain that is open: your session is kept in a file that only your account reads."
        }
        // The desk in the box gives the app a new one at every start.
        KeptIn::Memory if now.here => "",
        KeptIn::Memory => {
            " Your session could be kept nowhere on this computer: it ends with the app, and the next start asks you to \
             sign in."
        }
    };
    let shortcut =
        now.shortcut.as_ref().map(|keys| format!(" {keys} brings the queue up from anywhere.")).unwrap_or_default();
    format!("{desk}{kept}{shortcut} Countersign {}.", now.version)
}
