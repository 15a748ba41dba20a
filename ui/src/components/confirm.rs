//! A question before something that can't simply be taken back.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::form::form_error;
use crate::hooks::task::Task;
use yew::prelude::*;

/// What is asked, and what the answers lead to.
pub(crate) struct Confirm<'a> {
    pub(crate) title: String,
    pub(crate) text: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) task: &'a Task,
    pub(crate) onyes: Callback<()>,
    pub(crate) onclose: Callback<()>,
}

pub(crate) fn confirm(of: &Confirm<'_>) -> Html {
    html! {
        <Dialog title={of.title.clone()} onclose={of.onclose.clone()} testid="confirm">
            <div class="inside">
                <p>{ of.text }</p>
                { form_error(of.task.failure(), &[]) }
                <div class="form-acts">
                    <Button onclick={of.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="no solid" onclick={of.onyes.clone()} busy={of.task.is_busy()} testid="confirm-yes">
                        { of.verb }
                    </Button>
                </div>
            </div>
        </Dialog>
    }
}
