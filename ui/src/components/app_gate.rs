//! In the desktop app: which desk, and who. In a browser there is nothing to ask, and the page is drawn at once.

use crate::backend::shell;
use crate::components::another_desk::AnotherDesk;
use crate::components::button::Button;
use crate::components::copy_diagnostics::CopyDiagnostics;
use crate::components::form::form_error;
use crate::components::opening::Opening;
use crate::hooks::desk_address::DeskAddress;
use crate::hooks::navigation::{Navigator, use_navigator};
use crate::hooks::task::Task;
use crate::hooks::use_task;
use crate::pages::first_start::FirstStartPage;
use crate::pages::gate::gate;
use crate::routes::Route;
use countersign_wire::app::AppStatus;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AppGateProps {
    pub(crate) children: Html,
}

#[component]
pub(crate) fn AppGate(props: &AppGateProps) -> Html {
    if shell::is_here() {
        html! { <Desktop>{ props.children.clone() }</Desktop> }
    } else {
        props.children.clone()
    }
}

#[component]
fn Desktop(props: &AppGateProps) -> Html {
    let status = use_state_eq(|| None::<AppStatus>);
    let task = use_task();
    {
        let set = status.setter();
        use_effect_with((), move |()| {
            let listening = shell::on_status(Callback::from(move |status| set.set(Some(status))));
            move || drop(listening)
        });
    }
    use_places(matches!(*status, Some(AppStatus::Ready { .. })));
    match &*status {
        None | Some(AppStatus::Starting) => html! { <Opening /> },
        Some(AppStatus::Choose { offered }) => {
            html! { <FirstStartPage offered={offered.clone().map(AttrValue::from)} key={offered.clone().unwrap_or_default()} /> }
        }
        Some(AppStatus::Ready { session, address, .. }) => {
            let address = DeskAddress(address.clone().into());
            html! {
                <div class="app" key={*session}>
                    <ContextProvider<DeskAddress> context={address}>{ props.children.clone() }</ContextProvider<DeskAddress>>
                </div>
            }
        }
        Some(AppStatus::Setup { address }) => set_up(address, &task),
        Some(AppStatus::SignedOut { desk, address, here, waiting, note }) => {
            signed_out(&SignedOut { desk, address, here: *here, waiting: *waiting, note: note.as_deref() }, &task)
        }
        Some(AppStatus::Failed { title, words }) => failed(title, words, &task),
    }
}

/// Goes where a notification, the tray or a link leads, now and when the desk is open.
#[hook]
fn use_places(ready: bool) {
    let navigator = use_navigator();
    let latest = use_mut_ref(|| None::<Navigator>);
    latest.borrow_mut().clone_from(&navigator);
    use_effect_with(ready, move |ready| {
        let listening = ready.then(|| {
            let go = Callback::from(move |()| {
                let latest = latest.clone();
                spawn_local(async move {
                    let (Some(place), Some(navigator)) = (shell::take_place().await, latest.borrow().clone()) else {
                        return;
                    };
                    // A section of a page is asked for by a query, which a place keeps.
                    let (path, query) = place.split_once(['?', '#']).unwrap_or((&place, ""));
                    navigator.push_with(&Route::recognize(path), query);
                });
            });
            shell::on_place(go)
        });
        move || drop(listening)
    });
}

fn set_up(address: &str, task: &Task) -> Html {
    gate(
        "Finish in your browser",
        "Your desk runs on this computer. Name it and add a passkey in the page that was opened in your browser; this \
         window goes on by itself.",
        html! {
            <>
                { form_error(task.failure(), &[]) }
                <Button tone="main wide" onclick={does(task, shell::sign_in)} busy={task.is_busy()}
                    testid="app-open-again">{ "Open the page again" }</Button>
                <AnotherDesk />
                <CopyDiagnostics inline=true />
                <p class="hint">{ format!("Your agents reach this desk at {address}.") }</p>
            </>
        },
    )
}

struct SignedOut<'a> {
    desk: &'a str,
    address: &'a str,
    here: bool,
    waiting: bool,
    note: Option<&'a str>,
}

fn signed_out(of: &SignedOut<'_>, task: &Task) -> Html {
    let text = match (of.waiting, of.here) {
        (true, _) => "Waiting for your browser: say there who you are, and that the app may be signed in.".to_owned(),
        (false, true) => "Your desk runs on this computer.".to_owned(),
        (false, false) => format!("Your browser opens at {}, where your passkey works.", of.address),
    };
    let words = match (of.waiting, of.here) {
        (true, _) => "Open it again",
        (false, true) => "Sign in",
        (false, false) => "Sign in with your browser",
    };
    gate(
        &format!("Sign in to {}", of.desk),
        &text,
        html! {
            <>
                if let Some(note) = of.note {
                    <p class="offer" role="status" data-testid="app-note">{ note.to_owned() }</p>
                }
                { form_error(task.failure(), &[]) }
                <Button tone="main wide" onclick={does(task, shell::sign_in)} busy={task.is_busy()}
                    testid="app-sign-in">{ words }</Button>
                <AnotherDesk />
                <CopyDiagnostics inline=true />
            </>
        },
    )
}

fn failed(title: &str, words: &str, task: &Task) -> Html {
    gate(
        title,
        words,
        html! {
            <>
                { form_error(task.failure(), &[]) }
                <Button tone="main wide" onclick={does(task, shell::try_again)} busy={task.is_busy()}
                    testid="app-try-again">{ "Try again" }</Button>
                <AnotherDesk />
                <CopyDiagnostics inline=true />
            </>
        },
    )
}

/// A button's callback that has the shell do something.
fn does<W: Future<Output = Result<(), crate::backend::Failure>> + 'static>(
    task: &Task,
    work: impl Fn() -> W + 'static,
) -> Callback<()> {
    let task = task.clone();
    Callback::from(move |()| task.run(work()))
}
