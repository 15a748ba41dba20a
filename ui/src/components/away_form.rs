//! Out of office: a colleague is asked in the reader's place for a time.

use crate::components::button::Button;
use crate::components::field::{field, typed};
use crate::components::form::form_error;
use crate::components::message::failed;
use crate::components::skeleton::skeleton;
use crate::display;
use crate::hooks::fetch::Loadable;
use crate::hooks::focus::focus_on;
use crate::hooks::task::Task;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_now, use_task, use_toasts};
use countersign_domain::Timestamp;
use countersign_domain::ids::DelegationId;
use countersign_wire::people::{DelegationBody, DelegationRow};
use yew::prelude::*;

const FIELDS: [&str; 3] = ["to", "from", "until"];

#[component]
pub(crate) fn AwayForm() -> Html {
    let (backend, toasts, saving, ending) = (use_backend(), use_toasts(), use_task(), use_task());
    let now = use_now();
    let planned = use_fetch(AttrValue::default(), |backend, _| backend.delegations());
    let (to, from, until) = (use_state_eq(String::new), use_state_eq(String::new), use_state_eq(String::new));
    let onsubmit = {
        let (backend, saving, reload) = (backend.clone(), saving.clone(), planned.reload.clone());
        let (to, from, until) = (to.clone(), from.clone(), until.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(end) = moment(&until) else { return };
            let body = DelegationBody { to: to.trim().to_owned(), from: moment(&from), until: end };
            let (backend, toasts, reload) = (backend.clone(), toasts.clone(), reload.clone());
            let (to, from, until) = (to.setter(), from.setter(), until.setter());
            saving.run(async move {
                let made = backend.delegate(&body).await?;
                toasts.show(Tone::Good, format!("{} is asked in your place.", made.stand_in));
                for field in [to, from, until] {
                    field.set(String::new());
                }
                reload.emit(());
                Ok(())
            });
        })
    };
    let end = {
        let (ending, reload) = (ending.clone(), planned.reload.clone());
        Callback::from(move |id: DelegationId| {
            let (backend, reload) = (backend.clone(), reload.clone());
            ending.run(async move {
                backend.end_delegation(id).await?;
                // What was pressed goes with its row.
                focus_on("#away-title");
                reload.emit(());
                Ok(())
            });
        })
    };
    html! {
        <form {onsubmit} class="block stack" data-testid="away">
            <div>
                <h2 id="away-title" tabindex="-1">{ "Out of office" }</h2>
                <p class="sub">{ "A colleague is asked in your place, and decides as themselves. You are still asked too." }</p>
            </div>
            { match &planned.data {
                Loadable::Loading => skeleton(1),
                Loadable::Failed(failure) =>
                    failed("What is planned can't be shown", failure, &planned.reload, "away-error"),
                Loadable::Ready(page) if page.items.is_empty() => Html::default(),
                Loadable::Ready(page) => html! {
                    <ul class="rows passkeys">
                        { for page.items.iter().map(|row| planned_row(row, now, &ending, &end)) }
                    </ul>
                },
            } }
            { form_error(ending.failure(), &[]) }
            { field("away-to", "Colleague's email", "Somebody with an account at this desk.", saving.about("to"), html! {
                <input id="away-to" type="email" required=true autocomplete="off" value={(*to).clone()}
                    oninput={typed(to.setter())} data-testid="away-to" />
            }) }
            <div class="two-up">
                { field("away-from", "From", "Now, if left empty.", saving.about("from"), at("away-from", &from, false)) }
                { field("away-until", "Until", "At most 90 days.", saving.about("until"), at("away-until", &until, true)) }
            </div>
            { form_error(saving.failure(), &FIELDS) }
            <div><Button tone="main" busy={saving.is_busy()} testid="away-save">{ "Let them stand in" }</Button></div>
        </form>
    }
}

/// Who stands in for whom. Only one's own can be ended.
fn planned_row(row: &DelegationRow, now: Timestamp, ending: &Task, onend: &Callback<DelegationId>) -> Html {
    let (id, own) = (row.id, row.own);
    let words = match own {
        true => format!("{} stands in for you", row.stand_in),
        false => format!("You stand in for {}", row.away),
    };
    let until = display::time(row.until, now);
    let when = match row.from > now {
        true => format!("From {} until {until}", display::time(row.from, now)),
        false => format!("Until {until}"),
    };
    html! {
        <li key={id.to_string()} data-testid="away-row">
            <div class="grow"><b>{ words }</b><span class="two wrap">{ when }</span></div>
            if own {
                <Button tone="small" onclick={onend.reform(move |()| id)} held={ending.is_busy()} testid="away-end">
                    { "End it" }
                </Button>
            }
        </li>
    }
}

fn at(id: &'static str, value: &UseStateHandle<String>, required: bool) -> Html {
    html! {
        <input {id} type="datetime-local" {required} value={(**value).clone()} oninput={typed(value.setter())}
            data-testid={id} />
    }
}

/// What a `datetime-local` field holds, where the reader is.
fn moment(text: &str) -> Option<Timestamp> {
    let millis = js_sys::Date::parse(text);
    millis.is_finite().then(|| Timestamp::from_millis(millis as i64))
}
