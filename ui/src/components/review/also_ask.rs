//! An admin asks others too, at the step where a request stands.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::form::form_error;
use crate::components::message::failed;
use crate::components::people_picker::PeoplePicker;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_task, use_toasts};
use countersign_domain::ids::RequestId;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AlsoAskProps {
    pub(crate) id: RequestId,
    pub(crate) onchanged: Callback<()>,
}

#[component]
pub(crate) fn AlsoAsk(props: &AlsoAskProps) -> Html {
    let (backend, task, toasts) = (use_backend(), use_task(), use_toasts());
    let (asking, chosen) = (use_state_eq(|| false), use_state_eq(Vec::<String>::new));
    // Nobody is fetched before they are needed.
    let people =
        use_fetch(if *asking { AttrValue::from("all") } else { AttrValue::default() }, |backend, key| match key {
            "" => Box::pin(async { Ok(Vec::new()) }),
            _ => backend.people(),
        });
    let ask = |on: bool| {
        let (asking, chosen, task) = (asking.setter(), chosen.setter(), task.clone());
        Callback::from(move |()| {
            task.forget();
            asking.set(on);
            chosen.set(Vec::new());
        })
    };
    let onchosen = {
        let chosen = chosen.setter();
        Callback::from(move |emails: Vec<String>| chosen.set(emails))
    };
    let onsubmit = {
        let (id, users, task) = (props.id, (*chosen).clone(), task.clone());
        let (onchanged, close) = (props.onchanged.clone(), ask(false));
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, users, toasts) = (backend.clone(), users.clone(), toasts.clone());
            let (onchanged, close) = (onchanged.clone(), close.clone());
            task.run(async move {
                backend.also_ask(id, users).await?;
                toasts.show(Tone::Good, "They are asked too from now on.");
                close.emit(());
                onchanged.emit(());
                Ok(())
            });
        })
    };
    html! {
        <>
            <Button tone="small" onclick={ask(true)} testid="also-ask">{ "Also ask…" }</Button>
            if *asking {
                <Dialog title="Also ask" onclose={ask(false)} testid="also-ask-dialog">
                    <form {onsubmit} class="stack">
                        <p class="soft">{ "They are told at once and may decide at this step; the number of approvals stays." }</p>
                        { match &people.data {
                            Loadable::Loading => skeleton(2),
                            Loadable::Failed(failure) =>
                                failed("The people can't be shown", failure, &people.reload, "list-error"),
                            Loadable::Ready(rows) => html! {
                                <div class={classes!("field", task.about("users").is_some().then_some("wrong"))}>
                                    <PeoplePicker id="also" people={rows.clone()} chosen={(*chosen).clone()} {onchosen} />
                                    if let Some(error) = task.about("users") {
                                        <p class="field-error" role="alert" data-testid="error-users">{ error }</p>
                                    }
                                </div>
                            },
                        } }
                        { form_error(task.failure(), &["users"]) }
                        <div class="form-acts">
                            <Button onclick={ask(false)}>{ "Cancel" }</Button>
                            <Button tone="main" disabled={chosen.is_empty()} busy={task.is_busy()} testid="also-ask-save">
                                { "Ask them too" }
                            </Button>
                        </div>
                    </form>
                </Dialog>
            }
        </>
    }
}
