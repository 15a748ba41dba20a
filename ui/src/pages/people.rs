//! The people of the desk, for admins.

use crate::components::avatar::avatar;
use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::icon::{Picture, icon};
use crate::components::invite_dialog::InviteDialog;
use crate::components::message::{failed, for_admins};
use crate::components::page_head::page_head;
use crate::components::person_dialog::PersonDialog;
use crate::components::skeleton::skeleton;
use crate::display::{self, counted};
use crate::hooks::fetch::Loadable;
use crate::hooks::pending::use_pending;
use crate::hooks::title::use_title;
use crate::hooks::{use_fetch, use_is_admin, use_now};
use countersign_domain::Timestamp;
use countersign_wire::people::UserRow;
use yew::prelude::*;

/// Which dialog is open.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    Invite,
    Person(UserRow),
}

#[component]
pub(crate) fn PeoplePage() -> Html {
    let pending = use_pending().count;
    use_title("People", pending);
    let (is_admin, now) = (use_is_admin(), use_now());
    let people = use_fetch(AttrValue::default(), |backend, _| backend.people());
    let open = use_state_eq(|| Open::Nothing);
    let show = {
        let open = open.setter();
        Callback::from(move |what: Open| open.set(what))
    };
    let close = show.reform(|()| Open::Nothing);
    let done = {
        let (close, reload) = (close.clone(), people.reload.clone());
        Callback::from(move |()| {
            close.emit(());
            reload.emit(());
        })
    };
    if !is_admin {
        return for_admins(Picture::People, "Only admins see and change who is here.");
    }
    let invite = html! {
        <Button tone="main" onclick={show.reform(|()| Open::Invite)} testid="invite">
            { icon(Picture::Plus) }{ "Invite" }
        </Button>
    };
    html! {
        <main class="list">
            { page_head("People", "Who may ask through agents, who approves, and who runs the desk.",
                Html::default(), invite) }
            { match &people.data {
                Loadable::Loading => skeleton(4),
                Loadable::Failed(failure) =>
                    failed("The people can't be shown", failure, &people.reload, "list-error"),
                Loadable::Ready(rows) => html! {
                    <ul class="rows people" data-testid="people">{ for rows.iter().map(|row| person(row, now, &show)) }</ul>
                },
            } }
            { match &*open {
                Open::Nothing => Html::default(),
                Open::Invite => html! { <InviteDialog onclose={close} /> },
                Open::Person(row) => html! { <PersonDialog row={row.clone()} onclose={close} ondone={done} /> },
            } }
        </main>
    }
}

fn person(row: &UserRow, now: Timestamp, show: &Callback<Open>) -> Html {
    let edit = {
        let (show, row) = (show.clone(), row.clone());
        Callback::from(move |()| show.emit(Open::Person(row.clone())))
    };
    let keys = match row.passkeys {
        0 => "no passkey: signs in by link only".to_owned(),
        count => counted(count as usize, "passkey"),
    };
    let seen = row.last_seen_at.map_or_else(|| "never here".to_owned(), |at| format!("here {}", display::ago(at, now)));
    html! {
        <li key={row.id.to_string()} class={classes!((!row.active).then_some("off"))} data-testid="person-row"
            data-email={row.email.clone()}>
            { avatar(&row.name, "") }
            <div class="grow">
                <b>{ row.name.clone() }</b>{ " " }{ badge("plain", display::role(row.role)) }
                if !row.active {
                    { " " }{ badge("plain", "Closed") }
                }
                <span class="two">{ row.email.clone() }</span>
            </div>
            <div class="grow soft">
                <span class="two">{ if row.groups.is_empty() { "No groups".to_owned() } else { row.groups.join(", ") } }</span>
                <span class="two">{ keys }</span>
            </div>
            <span class="when two">{ seen }</span>
            <div class="row-acts"><Button tone="small" onclick={edit} testid="person-edit">{ "Edit" }</Button></div>
        </li>
    }
}
