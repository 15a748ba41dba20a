//! What was told to whom, the newest first, and what could not be told.

use crate::components::button::Button;
use crate::components::delivery_item::{DeliveryItem, state};
use crate::components::form::form_error;
use crate::components::icon::Picture;
use crate::components::message::{failed, for_admins, message};
use crate::components::page_head::page_head;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::pending::use_pending;
use crate::hooks::title::use_title;
use crate::hooks::{use_backend, use_fetch, use_is_admin, use_task};
use countersign_domain::delivery::DeliveryState;
use countersign_wire::Page;
use countersign_wire::deliveries::DeliveryRow;
use yew::prelude::*;

/// Pages that were asked for after the first.
#[derive(Clone, Default, PartialEq)]
struct Older {
    rows: Vec<DeliveryRow>,
    /// Where the last of them ended; none before the first of them.
    next: Option<Option<String>>,
}

#[component]
pub(crate) fn DeliveriesPage() -> Html {
    let pending = use_pending().count;
    use_title("Deliveries", pending);
    let (is_admin, backend, task) = (use_is_admin(), use_backend(), use_task());
    let chosen = use_state_eq(|| None::<DeliveryState>);
    let older = use_state_eq(Older::default);
    let word = chosen.map_or("", DeliveryState::word);
    let first =
        use_fetch(AttrValue::from(word), |backend, word| backend.deliveries(DeliveryState::from_word(word), None));
    if !is_admin {
        return for_admins(Picture::Send, "Only admins see what was told to whom.");
    }
    let choose = |state: Option<DeliveryState>| {
        let (chosen, older) = (chosen.setter(), older.setter());
        Callback::from(move |_: MouseEvent| {
            older.set(Older::default());
            chosen.set(state);
        })
    };
    let onchanged = {
        let (older, reload) = (older.setter(), first.reload.clone());
        Callback::from(move |()| {
            older.set(Older::default());
            reload.emit(());
        })
    };
    let show_older = |after: String| {
        let (state, older, task) = (*chosen, older.clone(), task.clone());
        let backend = backend.clone();
        Callback::from(move |()| {
            let (older, reply) = (older.clone(), backend.deliveries(state, Some(&after)));
            task.run(async move {
                let page = reply.await?;
                let rows = older.rows.iter().cloned().chain(page.items).collect();
                older.set(Older { rows, next: Some(page.next) });
                Ok(())
            });
        })
    };
    html! {
        <main class="list">
            { page_head("Deliveries", "What was told to whom over which channel, and what could not be told.",
                Html::default(), Html::default()) }
            <div class="chips block" role="group" aria-label="State">
                { chip("All", "all", chosen.is_none(), choose(None)) }
                { for DeliveryState::ALL.iter().map(|one| {
                    chip(state(*one).1, one.word(), *chosen == Some(*one), choose(Some(*one)))
                }) }
            </div>
            { match &first.data {
                Loadable::Loading => skeleton(6),
                Loadable::Failed(failure) =>
                    failed("The deliveries can't be shown", failure, &first.reload, "list-error"),
                Loadable::Ready(page) if page.items.is_empty() => nothing(*chosen),
                Loadable::Ready(page) => html! {
                    <>
                        <ul class="rows" data-testid="deliveries">
                            { for page.items.iter().chain(&older.rows).map(|row| html! {
                                <DeliveryItem key={row.id.to_string()} row={row.clone()} onchanged={onchanged.clone()} />
                            }) }
                        </ul>
                        { form_error(task.failure(), &[]) }
                        if let Some(after) = next(page, &older) {
                            <div class="form-acts">
                                <Button onclick={show_older(after)} busy={task.is_busy()} testid="deliveries-older">
                                    { "Show older" }
                                </Button>
                            </div>
                        }
                    </>
                },
            } }
        </main>
    }
}

fn chip(word: &'static str, id: &'static str, on: bool, onclick: Callback<MouseEvent>) -> Html {
    html! {
        <button type="button" class={classes!("chip", on.then_some("on"))} aria-pressed={on.to_string()} {onclick}
            data-testid={format!("state-{id}")}>{ word }</button>
    }
}

fn nothing(state: Option<DeliveryState>) -> Html {
    let (title, text) = match state {
        None => ("Nothing was told yet", "Give a flow a channel, and the desk tells its approvers."),
        Some(DeliveryState::Dead) => {
            ("Nothing was given up", "Every message got where it was to go, or is on its way.")
        }
        Some(_) => ("Nothing here", "No message is in this state."),
    };
    message(Picture::Send, title, text, "empty", Html::default())
}

/// Where the next page begins, if there is one.
fn next(first: &Page<DeliveryRow>, older: &Older) -> Option<String> {
    older.next.clone().unwrap_or_else(|| first.next.clone())
}
