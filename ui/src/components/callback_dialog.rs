//! Where an agent hears that its requests moved.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::field::{field, typed};
use crate::components::form::form_error;
use crate::hooks::{use_backend, use_task};
use countersign_wire::agents::{AgentCreated, AgentRow, CallbackBody};
use std::rc::Rc;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct CallbackDialogProps {
    pub(crate) row: AgentRow,
    pub(crate) onclose: Callback<()>,
    /// It is set, with a new secret to be shown once, or ended.
    pub(crate) onset: Callback<Rc<AgentCreated>>,
}

#[component]
pub(crate) fn CallbackDialog(props: &CallbackDialogProps) -> Html {
    let (backend, task) = (use_backend(), use_task());
    let known = props.row.callback_url.clone().unwrap_or_default();
    let url = use_state_eq(|| known.clone());
    let id = props.row.id;
    let onsubmit = {
        let body = CallbackBody { callback_url: Some(url.trim().to_owned()).filter(|url| !url.is_empty()) };
        let (task, onset) = (task.clone(), props.onset.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, body, onset) = (backend.clone(), body.clone(), onset.clone());
            task.run(async move {
                onset.emit(Rc::new(backend.set_callback(id, &body).await?));
                Ok(())
            });
        })
    };
    let input = html! {
        <input id="callback_url" type="url" autocomplete="off" value={(*url).clone()} oninput={typed(url.setter())}
            data-testid="callback_url" />
    };
    html! {
        <Dialog title={format!("Callback of {}", props.row.name)} onclose={props.onclose.clone()} testid="callback-dialog">
            <form {onsubmit} class="stack">
                { field("callback_url", "Address",
                    "An https address outside that hears when the agent's requests move: only which one, and to where. \
                     Empty for none. Saving makes a new secret.",
                    task.about("callback_url"), input) }
                { form_error(task.failure(), &["callback_url"]) }
                <div class="form-acts">
                    <Button onclick={props.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="main" busy={task.is_busy()} testid="callback-save">{ "Save" }</Button>
                </div>
            </form>
        </Dialog>
    }
}
