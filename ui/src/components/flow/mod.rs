//! The stages of the wizard that writes a flow, and the drawing of what will happen when.

mod approvers;
mod basics;
mod review;
mod timeline;
mod timing;

pub(crate) use approvers::approvers;
pub(crate) use basics::basics;
pub(crate) use review::review;
pub(crate) use timing::timing;

use crate::components::field::{field, number_input};
use crate::hooks::choice::span;
use crate::hooks::flow_draft::{Edit, Faults};
use countersign_domain::flow::FlowBody;
use countersign_wire::people::UserRow;
use countersign_wire::policies::FlowRow;
use std::rc::Rc;
use yew::prelude::*;

/// What every stage is drawn from.
pub(crate) struct Writing<'a> {
    /// As it is written.
    pub(crate) body: &'a FlowBody,
    /// As it would be sent.
    pub(crate) sent: &'a FlowBody,
    /// What is said beside the fields.
    pub(crate) faults: &'a Faults,
    /// Whether there is nothing wrong with it, as far as is known here.
    pub(crate) sound: bool,
    pub(crate) edit: &'a Edit,
    pub(crate) people: &'a Rc<Vec<UserRow>>,
    /// The flow that is changed.
    pub(crate) before: Option<&'a FlowRow>,
    /// The timeline is drawn for a request that is asked as quiet hours begin, rather than now.
    pub(crate) at_night: &'a UseStateHandle<bool>,
}

impl Writing<'_> {
    /// As it would be sent, with people's names instead of their addresses: to be read, not sent.
    fn spoken(&self) -> FlowBody {
        let mut body = self.sent.clone();
        for step in &mut body.steps {
            let users = step.approvers.users.iter_mut();
            for user in users.chain(step.escalate_to.iter_mut().flat_map(|more| &mut more.users)) {
                if let Some(row) = self.people.iter().find(|row| row.email.eq_ignore_ascii_case(user)) {
                    user.clone_from(&row.name);
                }
            }
        }
        body
    }
}

/// A field for minutes, which says in larger units how long that is.
fn minutes_field(
    (id, label, hint): (&str, &str, &'static str),
    minutes: u32,
    oninput: Callback<InputEvent>,
    error: Option<String>,
) -> Html {
    let control = html! {
        <span class="minutes">
            { number_input(id, minutes, oninput) }
            <span class="soft">{ "minutes" }{ (minutes >= 60).then(|| format!(" ({})", span(minutes))) }</span>
        </span>
    };
    field(id, label, hint, error, control)
}
