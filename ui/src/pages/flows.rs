//! Flows: who is asked, and what happens when nobody answers.

use crate::components::field::{typed, value_of};
use crate::components::flow_row::{FlowDeed, channels, flow_row, question};
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::components::message::{failed, for_admins, message};
use crate::components::page_head::page_head;
use crate::components::pick::{option, pick};
use crate::components::route_link::RouteLink;
use crate::components::skeleton::skeleton;
use crate::display::found;
use crate::hooks::fetch::Loadable;
use crate::hooks::focus::focus_if_lost;
use crate::hooks::navigation::use_navigator;
use crate::hooks::pending::use_pending;
use crate::hooks::task::Task;
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_is_admin, use_now, use_task, use_toasts};
use crate::routes::{Route, query};
use countersign_domain::flow::FlowBody;
use countersign_wire::policies::FlowRow;
use yew::prelude::*;

const CHANNELS: [&str; 4] = ["Push", "Email", "Text message", "Webhook"];

#[component]
pub(crate) fn FlowsPage() -> Html {
    let pending = use_pending().count;
    use_title("Flows", pending);
    let (is_admin, now, task) = (use_is_admin(), use_now(), use_task());
    let flows = use_fetch(AttrValue::default(), |backend, _| backend.flows());
    // The row that was deleted had it.
    use_effect_with(flows.data.clone(), |_| focus_if_lost(&["#page-title"]));
    let (sought, channel) = (use_state_eq(String::new), use_state_eq(String::new));
    let asking = use_state_eq(|| None::<(FlowDeed, FlowRow)>);
    let onask = {
        let (asking, task) = (asking.setter(), task.clone());
        Callback::from(move |what| {
            task.forget();
            asking.set(Some(what));
        })
    };
    let onclose = {
        let (asking, task) = (asking.setter(), task.clone());
        Callback::from(move |()| {
            task.forget();
            asking.set(None);
        })
    };
    let done = {
        let (onclose, reload) = (onclose.clone(), flows.reload.clone());
        Callback::from(move |()| {
            onclose.emit(());
            reload.emit(());
        })
    };
    let ondeed = use_deed(&task, done);
    if !is_admin {
        return for_admins(Picture::Steps, "Only admins see and change who is asked.");
    }
    let onchannel = {
        let channel = channel.setter();
        Callback::from(move |event: Event| channel.set(value_of(&event).unwrap_or_default()))
    };
    let create = html! {
        <RouteLink to={Route::NewFlow} class="btn main" testid="flow-create">
            { icon(Picture::Plus) }{ "New flow" }
        </RouteLink>
    };
    let options = html! {
        <>
            { option("", "All channels", &channel) }
            { for CHANNELS.iter().map(|name| option(name, name, &channel)) }
        </>
    };
    html! {
        <main class="list">
            { page_head("Flows", "Who is asked about a call that a policy holds, how they are told, and what happens when nobody answers.",
                Html::default(), create) }
            <div class="bar" role="search">
                <input type="search" id="flow-find" placeholder="Find a flow" aria-label="Find a flow" autocomplete="off"
                    value={(*sought).clone()} oninput={typed(sought.setter())} data-testid="flow-find" />
                { pick("flow-channel", "Channel", onchannel, options) }
            </div>
            if asking.is_none() {
                { form_error(task.failure(), &[]) }
            }
            { match &flows.data {
                Loadable::Loading => skeleton(4),
                Loadable::Failed(failure) => failed("The flows can't be shown", failure, &flows.reload, "list-error"),
                Loadable::Ready(rows) if rows.is_empty() => message(Picture::Steps, "No flows yet",
                    "Until there is one, what a policy holds is denied: there is nobody to ask.", "empty", Html::default()),
                Loadable::Ready(rows) => {
                    let shown: Vec<_> = rows.iter().filter(|row| fits(row, &sought, &channel)).collect();
                    if shown.is_empty() {
                        message(Picture::Steps, "No flow matches", "Nothing here fits what you look for.", "empty",
                            Html::default())
                    } else {
                        html! {
                            <ul class="rows flows" data-testid="flows">
                                { for shown.into_iter().map(|row| flow_row(row, now, task.is_busy(), &ondeed, &onask)) }
                            </ul>
                        }
                    }
                }
            } }
            if let Some(what) = &*asking {
                { question(what.clone(), &task, &ondeed, onclose) }
            }
        </main>
    }
}

/// Does what was asked for, and says that it is done.
#[hook]
fn use_deed(task: &Task, done: Callback<()>) -> Callback<(FlowDeed, FlowRow)> {
    let (backend, toasts, navigator, task) = (use_backend(), use_toasts(), use_navigator(), task.clone());
    Callback::from(move |(deed, row): (FlowDeed, FlowRow)| {
        if deed == FlowDeed::Copy {
            if let Some(navigator) = &navigator {
                navigator.push_with(&Route::NewFlow, &query(&[("from", Some(&row.id.to_string()))]));
            }
            return;
        }
        let (backend, toasts, done) = (backend.clone(), toasts.clone(), done.clone());
        task.run(async move {
            let FlowRow { id, body, .. } = row;
            let (name, was_active) = (body.name.clone(), body.active);
            let word = if deed == FlowDeed::Delete {
                backend.delete_flow(id).await?;
                "deleted"
            } else {
                let changed = FlowBody { active: !was_active, unknown: Default::default(), ..body };
                backend.replace_flow(id, &changed).await?;
                if was_active { "disabled" } else { "enabled" }
            };
            toasts.show(Tone::Good, format!("Flow “{name}” is {word}."));
            done.emit(());
            Ok(())
        });
    })
}

fn fits(row: &FlowRow, sought: &str, channel: &str) -> bool {
    let said = found(sought, &[&row.body.name, &row.body.description]);
    said && (channel.is_empty() || channels(row.body.channels).contains(&channel))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_flow_is_found_by_its_words_and_its_channels() {
        let row = serde_json::from_value(serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001", "version": 1, "is_default": false, "name": "Finance",
            "description": "Money that leaves", "channels": {"push": true}, "updated_at": "2026-11-23T10:40:00.000Z",
            "steps": [{"order": 1, "approvers": {"groups": ["Finance"]}}],
        }))
        .unwrap();
        assert!(fits(&row, "", "") && fits(&row, " money ", "Push"));
        assert!(!fits(&row, "refunds", "") && !fits(&row, "", "Email"));
    }
}
