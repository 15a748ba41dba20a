//! Some of the people of the desk, to be ticked.

use crate::components::chips::{chip, toggled};
use crate::components::field::typed;
use crate::display::found;
use countersign_wire::people::UserRow;
use std::rc::Rc;
use yew::prelude::*;

/// With more people than this, one looks for them by name.
const AT_A_GLANCE: usize = 9;

#[derive(Properties, PartialEq)]
pub(crate) struct PeoplePickerProps {
    /// The beginning of the controls' ids.
    pub(crate) id: AttrValue,
    pub(crate) people: Rc<Vec<UserRow>>,
    /// Emails. Who is not, or no longer, among the people stays, and stays visible.
    pub(crate) chosen: Vec<String>,
    pub(crate) onchosen: Callback<Vec<String>>,
}

#[component]
pub(crate) fn PeoplePicker(props: &PeoplePickerProps) -> Html {
    let sought = use_state_eq(String::new);
    let PeoplePickerProps { id, people, chosen, onchosen } = props;
    let is_chosen = |email: &str| chosen.iter().any(|one| one.eq_ignore_ascii_case(email));
    let open: Vec<&UserRow> = people.iter().filter(|row| row.active).collect();
    let shown = open.iter().filter(|row| is_chosen(&row.email) || found(&sought, &[&row.name, &row.email]));
    let gone = chosen.iter().filter(|email| !open.iter().any(|row| row.email.eq_ignore_ascii_case(email)));
    let one = |words: &str, email: &str| {
        let now = chosen.iter().find(|one| one.eq_ignore_ascii_case(email));
        let next = toggled(chosen, now.map_or(email, |now| now));
        let onchange = onchosen.reform(move |_: Event| next.clone());
        chip(format!("{id}-{email}"), words, email, now.is_some(), onchange)
    };
    html! {
        <>
            if open.len() > AT_A_GLANCE {
                <input type="search" placeholder="Find somebody" aria-label="Find somebody" autocomplete="off"
                    value={(*sought).clone()} oninput={typed(sought.setter())} data-testid={format!("{id}-find")} />
            }
            <div class="chips many" role="group" aria-label="People">
                { for shown.map(|row| one(&row.name, &row.email)) }
                { for gone.map(|email| one(email, email)) }
            </div>
        </>
    }
}
