//! Changing a person's name, role and groups, or closing their account.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::field::{field, typed};
use crate::components::form::{entries, form_error};
use crate::components::role_picker::role_picker;
use crate::hooks::{use_backend, use_task};
use countersign_wire::people::{UserChange, UserRow};
use yew::prelude::*;

const FIELDS: [&str; 3] = ["name", "role", "groups"];

#[derive(Properties, PartialEq)]
pub(crate) struct PersonDialogProps {
    pub(crate) row: UserRow,
    pub(crate) onclose: Callback<()>,
    pub(crate) ondone: Callback<()>,
}

#[component]
pub(crate) fn PersonDialog(props: &PersonDialogProps) -> Html {
    let (backend, saving, switching) = (use_backend(), use_task(), use_task());
    let row = &props.row;
    let name = use_state_eq(|| row.name.clone());
    let groups = use_state_eq(|| row.groups.join("\n"));
    let role = use_state_eq(|| row.role);
    let (id, active) = (row.id, row.active);
    let save = {
        // Only what was changed is sent: a new role needs a passkey's touch, a new name doesn't.
        let wanted = entries(&groups);
        let change = UserChange {
            name: Some(name.trim().to_owned()).filter(|name| *name != row.name),
            role: Some(*role).filter(|role| *role != row.role),
            groups: Some(wanted).filter(|groups| *groups != row.groups),
            active: None,
        };
        let (backend, saving, ondone) = (backend.clone(), saving.clone(), props.ondone.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, change, ondone) = (backend.clone(), change.clone(), ondone.clone());
            saving.run(async move {
                backend.change_person(id, &change).await?;
                ondone.emit(());
                Ok(())
            });
        })
    };
    let switch = {
        let (switching, ondone) = (switching.clone(), props.ondone.clone());
        Callback::from(move |()| {
            let (backend, ondone) = (backend.clone(), ondone.clone());
            switching.run(async move {
                let change = UserChange { active: Some(!active), ..UserChange::default() };
                backend.change_person(id, &change).await?;
                ondone.emit(());
                Ok(())
            });
        })
    };
    let input = html! {
        <input id="name" type="text" value={(*name).clone()} oninput={typed(name.setter())} data-testid="name" />
    };
    let area = html! {
        <textarea id="groups" rows="3" value={(*groups).clone()} oninput={typed(groups.setter())} data-testid="groups" />
    };
    html! {
        <Dialog title={row.email.clone()} onclose={props.onclose.clone()} testid="person-dialog">
            <form onsubmit={save} class="stack">
                { field("name", "Name", "", saving.about("name"), input) }
                { role_picker(*role, role.setter(), saving.about("role")) }
                { field("groups", "Groups", "One a line.", saving.about("groups"), area) }
                { form_error(saving.failure(), &FIELDS) }
                { form_error(switching.failure(), &[]) }
                <p class="hint">{ if active {
                    "Closing the account ends their sessions; what they decided stays in the record."
                } else {
                    "This account is closed: they can't sign in, and their agents can't ask."
                } }</p>
                <div class="form-acts spread">
                    <Button tone="no" onclick={switch} busy={switching.is_busy()} testid="person-switch">
                        { if active { "Close account" } else { "Open account again" } }
                    </Button>
                    <Button tone="main" busy={saving.is_busy()} testid="person-save">{ "Save" }</Button>
                </div>
            </form>
        </Dialog>
    }
}
