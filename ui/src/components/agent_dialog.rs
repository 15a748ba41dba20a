//! Making an agent.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::field::{field, typed};
use crate::components::form::{entries, form_error, from_lines};
use crate::components::scope_picker::scope_picker;
use crate::components::wait_budget::{WAIT_BUDGET_FIELD, seconds, wait_field, wait_problem};
use crate::hooks::{use_backend, use_fetch, use_is_admin, use_task};
use countersign_domain::agent::{MayActFor, WAIT_BUDGET};
use countersign_wire::agents::{AgentBody, AgentCreated};
use std::rc::Rc;
use yew::prelude::*;

const FIELDS: [&str; 7] =
    ["name", "owner", "connectors", "public_key", "may_act_for", WAIT_BUDGET_FIELD, "callback_url"];

#[derive(Properties, PartialEq)]
pub(crate) struct AgentDialogProps {
    pub(crate) onclose: Callback<()>,
    pub(crate) oncreated: Callback<Rc<AgentCreated>>,
}

#[component]
pub(crate) fn AgentDialog(props: &AgentDialogProps) -> Html {
    let (backend, task, is_admin) = (use_backend(), use_task(), use_is_admin());
    let connectors = use_fetch(AttrValue::default(), |backend, _| backend.connectors());
    let (name, owner, public_key) = (use_state_eq(String::new), use_state_eq(String::new), use_state_eq(String::new));
    let (chosen, groups, callback) = (use_state_eq(String::new), use_state_eq(String::new), use_state_eq(String::new));
    let wait = use_state_eq(|| WAIT_BUDGET.to_string());
    let (wait_problem, no_wait) = (wait_problem(&wait), seconds(&wait).is_none());
    let onsubmit = {
        let body = AgentBody {
            name: name.trim().to_owned(),
            owner: Some(owner.trim().to_owned()).filter(|owner| !owner.is_empty()),
            public_key: Some(public_key.trim().to_owned()).filter(|key| !key.is_empty()),
            connectors: from_lines(&chosen),
            may_act_for: may_act_for(&groups),
            wait_budget_seconds: seconds(&wait),
            callback_url: Some(callback.trim().to_owned()).filter(|url| !url.is_empty()),
        };
        let (task, oncreated) = (task.clone(), props.oncreated.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if no_wait {
                return;
            }
            let (backend, body, oncreated) = (backend.clone(), body.clone(), oncreated.clone());
            task.run(async move {
                oncreated.emit(Rc::new(backend.create_agent(&body).await?));
                Ok(())
            });
        })
    };
    let text = |id: &'static str, kind: &'static str, value: &UseStateHandle<String>| {
        html! {
            <input {id} type={kind} autocomplete="off" value={(**value).clone()} oninput={typed(value.setter())}
                data-testid={id} />
        }
    };
    let area = |id: &'static str, value: &UseStateHandle<String>| {
        html! {
            <textarea {id} rows="2" spellcheck="false" value={(**value).clone()} oninput={typed(value.setter())}
                data-testid={id} />
        }
    };
    let onchosen = {
        let chosen = chosen.setter();
        Callback::from(move |lines: String| chosen.set(lines))
    };
    html! {
        <Dialog title="New agent" onclose={props.onclose.clone()} testid="agent-dialog">
            <form {onsubmit} class="stack">
                { field("name", "Name", "Letters, digits, “-”, “_” and “.”, as policies and the record name it.",
                    task.about("name"), text("name", "text", &name)) }
                if is_admin {
                    { field("owner", "Owner's email", "You, if left empty.", task.about("owner"),
                        text("owner", "email", &owner)) }
                }
                { scope_picker(task.about("connectors"), &connectors, &chosen, &onchosen) }
                <details class="more-fields">
                    <summary>{ "More" }</summary>
                    <div class="stack">
                        if is_admin {
                            { field("may_act_for", "May act for", "Emails or groups, one a line, besides its owner.",
                                task.about("may_act_for"), area("may_act_for", &groups)) }
                        }
                        { field("public_key", "Public key (PEM)",
                            "If the program signs its own tokens, instead of an API key.",
                            task.about("public_key"), area("public_key", &public_key)) }
                        { wait_field(&wait, wait_problem.or_else(|| task.about(WAIT_BUDGET_FIELD))) }
                        { field("callback_url", "Callback", "An https address that hears when its requests move.",
                            task.about("callback_url"), text("callback_url", "url", &callback)) }
                    </div>
                </details>
                { form_error(task.failure(), &FIELDS) }
                <div class="form-acts">
                    <Button onclick={props.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="main" busy={task.is_busy()} testid="agent-save">{ "Create agent" }</Button>
                </div>
            </form>
        </Dialog>
    }
}

/// Who has an `@` is a person, everything else a group.
fn may_act_for(text: &str) -> MayActFor {
    let (users, groups) = entries(text).into_iter().partition(|entry| entry.contains('@'));
    MayActFor { users, groups }
}

#[cfg(test)]
mod tests {
    use super::may_act_for;

    #[test]
    fn people_and_groups_are_told_apart() {
        let may = may_act_for("Sales\nmina@acme.test\n");
        assert_eq!((may.users, may.groups), (vec!["mina@acme.test".to_owned()], vec!["Sales".to_owned()]));
    }
}
