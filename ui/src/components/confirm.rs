//! A question before something that can't simply be taken back.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::form::form_error;
use crate::hooks::task::Task;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ConfirmProps {
    pub(crate) title: AttrValue,
    pub(crate) text: AttrValue,
    pub(crate) verb: AttrValue,
    pub(crate) task: Task,
    pub(crate) onyes: Callback<()>,
    pub(crate) onclose: Callback<()>,
}

#[component]
pub(crate) fn Confirm(props: &ConfirmProps) -> Html {
    html! {
        <Dialog title={props.title.clone()} onclose={props.onclose.clone()} testid="confirm">
            <div class="inside">
                <p>{ props.text.clone() }</p>
                { form_error(props.task.failure(), &[]) }
                <div class="form-acts">
                    <Button onclick={props.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="no solid" onclick={props.onyes.clone()} busy={props.task.is_busy()} testid="confirm-yes">
                        { props.verb.clone() }
                    </Button>
                </div>
            </div>
        </Dialog>
    }
}
