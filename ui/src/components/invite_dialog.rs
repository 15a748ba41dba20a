//! Inviting somebody: a link that works once.

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::field::{field, typed};
use crate::components::form::{entries, form_error};
use crate::components::role_picker::role_picker;
use crate::components::secret::secret;
use crate::hooks::{use_backend, use_task};
use countersign_domain::user::Role;
use countersign_wire::people::InvitationBody;
use yew::prelude::*;

const FIELDS: [&str; 4] = ["email", "name", "role", "groups"];

#[derive(Properties, PartialEq)]
pub(crate) struct InviteDialogProps {
    pub(crate) onclose: Callback<()>,
}

#[component]
pub(crate) fn InviteDialog(props: &InviteDialogProps) -> Html {
    let (backend, task) = (use_backend(), use_task());
    let (email, name, groups) = (use_state_eq(String::new), use_state_eq(String::new), use_state_eq(String::new));
    let role = use_state_eq(|| Role::Approver);
    let link = use_state_eq(|| None::<String>);
    let onsubmit = {
        let body = InvitationBody {
            email: email.trim().to_owned(),
            name: name.trim().to_owned(),
            role: *role,
            groups: entries(&groups),
        };
        let (task, link) = (task.clone(), link.setter());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, body, link) = (backend.clone(), body.clone(), link.clone());
            task.run(async move {
                link.set(Some(backend.invite(&body).await?.url));
                Ok(())
            });
        })
    };
    if let Some(link) = &*link {
        return html! {
            <Dialog title="Invitation" onclose={props.onclose.clone()} must_answer=true testid="invitation-link">
                <div class="inside">
                    <p>{ format!("Hand this link to {}. It works once, for 24 hours, and is shown only now.", email.trim()) }</p>
                    { secret(link, "invitation-url") }
                    <div class="form-acts">
                        <Button tone="main" onclick={props.onclose.clone()} testid="invitation-noted">
                            { "I have copied it" }
                        </Button>
                    </div>
                </div>
            </Dialog>
        };
    }
    let text = |id: &'static str, kind: &'static str, value: &UseStateHandle<String>| {
        html! {
            <input {id} type={kind} autocomplete="off" value={(**value).clone()} oninput={typed(value.setter())}
                data-testid={id} />
        }
    };
    let area = html! {
        <textarea id="groups" rows="2" value={(*groups).clone()} oninput={typed(groups.setter())} data-testid="groups" />
    };
    html! {
        <Dialog title="Invite somebody" onclose={props.onclose.clone()} testid="invite-dialog">
            <form {onsubmit} class="stack">
                { field("email", "Email", "", task.about("email"), text("email", "email", &email)) }
                { field("name", "Name", "They can change it.", task.about("name"), text("name", "text", &name)) }
                { role_picker(*role, role.setter(), task.about("role")) }
                { field("groups", "Groups", "One a line.", task.about("groups"), area) }
                { form_error(task.failure(), &FIELDS) }
                <div class="form-acts">
                    <Button onclick={props.onclose.clone()}>{ "Cancel" }</Button>
                    <Button tone="main" busy={task.is_busy()} testid="invite-save">{ "Make the link" }</Button>
                </div>
            </form>
        </Dialog>
    }
}
