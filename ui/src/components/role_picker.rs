//! A person's role.

use crate::components::field::{field, value_of};
use crate::components::pick::{option, pick};
use crate::display;
use countersign_domain::user::Role;
use yew::prelude::*;

pub(crate) fn role_picker(now: Role, set: UseStateSetter<Role>, error: Option<String>) -> Html {
    let onchange = Callback::from(move |event: Event| {
        if let Some(role) = value_of(&event).and_then(|word| Role::from_word(&word)) {
            set.set(role);
        }
    });
    let roles = [Role::Member, Role::Approver, Role::Admin];
    let options = roles.into_iter().map(|role| option(role.word(), display::role(role), now.word())).collect();
    let hint = "Members own agents; approvers also decide; admins also change the desk.";
    field("role", "Role", hint, error, pick("role", "", onchange, options))
}
