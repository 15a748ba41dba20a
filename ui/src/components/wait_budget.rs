//! How long an agent's held calls wait before it is told to come back.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::field::{field, typed};
use crate::components::form::form_error;
use crate::hooks::{use_backend, use_task};
use countersign_domain::agent::WAIT_BUDGETS;
use countersign_wire::agents::{AgentChange, AgentRow};
use yew::prelude::*;

/// The field, as the server names it.
pub(crate) const WAIT_BUDGET_FIELD: &str = "wait_budget_seconds";

/// What is typed as a wait budget, where it is one.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|seconds| WAIT_BUDGETS.contains(seconds))
}

/// What is wrong with it.
pub(crate) fn wait_problem(text: &str) -> Option<String> {
    let (least, most) = (WAIT_BUDGETS.start(), WAIT_BUDGETS.end());
    seconds(text).is_none().then(|| format!("A whole number from {least} to {most}."))
}

/// The field itself.
pub(crate) fn wait_field(text: &UseStateHandle<String>, error: Option<String>) -> Html {
    let (least, most) = (WAIT_BUDGETS.start().to_string(), WAIT_BUDGETS.end().to_string());
    field(
        WAIT_BUDGET_FIELD,
        "Wait budget in seconds",
        "How long a held call waits for its approval by MCP. Stay below your client's timeout, which mostly is 60 seconds.",
        error,
        html! {
            <input id={WAIT_BUDGET_FIELD} type="number" min={least} max={most} step="1" value={(**text).clone()}
                oninput={typed(text.setter())} data-testid={WAIT_BUDGET_FIELD} />
        },
    )
}

#[derive(Properties, PartialEq)]
pub(crate) struct WaitDialogProps {
    pub(crate) row: AgentRow,
    pub(crate) onclose: Callback<()>,
    pub(crate) ondone: Callback<()>,
}

#[component]
pub(crate) fn WaitDialog(props: &WaitDialogProps) -> Html {
    let (backend, task) = (use_backend(), use_task());
    let row = &props.row;
    let text = use_state_eq(|| row.wait_budget_seconds.to_string());
    let onsubmit = {
        let (id, wanted) = (row.id, seconds(&text));
        let (task, ondone) = (task.clone(), props.ondone.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if wanted.is_none() {
                return;
            }
            let (backend, ondone) = (backend.clone(), ondone.clone());
            task.run(async move {
                let change = AgentChange { wait_budget_seconds: wanted, ..AgentChange::default() };
                backend.change_agent(id, &change).await?;
                ondone.emit(());
                Ok(())
            });
        })
    };
    html! {
        <Dialog title={format!("How long {} waits", row.name)} onclose={props.onclose.clone()} testid="wait-dialog">
            <form {onsubmit} class="stack">
                { wait_field(&text, wait_problem(&text).or_else(|| task.about(WAIT_BUDGET_FIELD))) }
                { form_error(task.failure(), &[WAIT_BUDGET_FIELD]) }
                <div class="form-acts">
                    <Button onclick={props.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="main" busy={task.is_busy()} testid="wait-save">{ "Save" }</Button>
                </div>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_up_to_an_hour_are_a_wait_budget() {
        assert_eq!((seconds(" 50 "), seconds("3600"), seconds("1")), (Some(50), Some(3_600), Some(1)));
        for odd in ["", "0", "3601", "-5", "1.5", "long"] {
            assert!(seconds(odd).is_none() && wait_problem(odd).is_some(), "{odd:?}");
        }
        assert_eq!(wait_problem("50"), None);
    }
}
