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
    let asking = use_state_eq(|| false);
    let ask = |on: bool| {
        let asking = asking.setter();
        Callback::from(move |()| asking.set(on))
    };
    let ondone = {
        let (onchanged, close) = (props.onchanged.clone(), ask(false));
        Callback::from(move |()| {
            close.emit(());
            onchanged.emit(());
        })
    };
    html! {
        <>
            <Button tone="small" onclick={ask(true)} testid="also-ask">{ "Also ask…" }</Button>
            if *asking {
                <AlsoAskDialog id={props.id} onclose={ask(false)} {ondone} />
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct AlsoAskDialogProps {
    id: RequestId,
    onclose: Callback<()>,
    ondone: Callback<()>,
}

#[component]
fn AlsoAskDialog(props: &AlsoAskDialogProps) -> Html {
    let (backend, task, toasts) = (use_backend(), use_task(), use_toasts());
    let people = use_fetch(AttrValue::default(), |backend, _| backend.people());
    let chosen = use_state_eq(Vec::<String>::new);
    let onchosen = {
        let chosen = chosen.setter();
        Callback::from(move |emails: Vec<String>| chosen.set(emails))
    };
    let onsubmit = {
        let (id, users, task, ondone) = (props.id, (*chosen).clone(), task.clone(), props.ondone.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, users, toasts, ondone) = (backend.clone(), users.clone(), toasts.clone(), ondone.clone());
            task.run(async move {
                backend.also_ask(id, users).await?;
                toasts.show(Tone::Good, "They are asked too from now on.");
                ondone.emit(());
                Ok(())
            });
        })
    };
    html! {
        <Dialog title="Also ask" onclose={props.onclose.clone()} testid="also-ask-dialog">
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
                    <Button onclick={props.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="main" disabled={chosen.is_empty()} busy={task.is_busy()} testid="also-ask-save">
                        { "Ask them too" }
                    </Button>
                </div>
            </form>
        </Dialog>
    }
}
