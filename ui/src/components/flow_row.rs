//! One flow in the list, in words, and what an admin can do with it.

use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::confirm::{Confirm, confirm};
use crate::components::form::form_error;
use crate::components::route_link::RouteLink;
use crate::display::{self, counted};
use crate::hooks::navigation::use_navigator;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_now, use_task, use_toasts};
use crate::routes::{Route, query};
use countersign_domain::flow::{Channels, FlowBody};
use countersign_wire::policies::FlowRow;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct FlowItemProps {
    pub(crate) row: FlowRow,
    pub(crate) onchanged: Callback<()>,
}

/// What is asked before it is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Nothing,
    Disable,
    Delete,
}

#[component]
pub(crate) fn FlowItem(props: &FlowItemProps) -> Html {
    let (backend, now, task, toasts) = (use_backend(), use_now(), use_task(), use_toasts());
    let (navigator, asking) = (use_navigator(), use_state_eq(|| Asking::Nothing));
    let row = &props.row;
    let (id, body) = (row.id, &row.body);
    let used = row.is_default || !row.used_by.is_empty();
    let ask = |what: Asking| {
        let asking = asking.setter();
        Callback::from(move |()| asking.set(what))
    };
    let act = |deletes: bool| {
        let (backend, task, asking) = (backend.clone(), task.clone(), asking.setter());
        let (onchanged, toasts, was) = (props.onchanged.clone(), toasts.clone(), body.clone());
        Callback::from(move |()| {
            let (backend, asking, onchanged) = (backend.clone(), asking.clone(), onchanged.clone());
            let (toasts, was) = (toasts.clone(), was.clone());
            task.run(async move {
                let word = if deletes {
                    backend.delete_flow(id).await?;
                    "deleted"
                } else {
                    let changed = FlowBody { active: !was.active, unknown: Default::default(), ..was.clone() };
                    backend.replace_flow(id, &changed).await?;
                    if was.active { "disabled" } else { "enabled" }
                };
                asking.set(Asking::Nothing);
                toasts.show(Tone::Good, format!("Flow “{}” is {word}.", was.name));
                onchanged.emit(());
                Ok(())
            });
        })
    };
    let duplicate = Callback::from(move |()| {
        if let Some(navigator) = &navigator {
            navigator.push_with(&Route::NewFlow, &query(&[("from", Some(&id.to_string()))]));
        }
    });
    let why = format!("used-{id}");
    html! {
        <li class={classes!((!body.active).then_some("off"))} data-testid="flow-row" data-name={body.name.clone()}>
            <div class="grow">
                <b class="wrap">{ body.name.clone() }</b>
                { marks(row) }
                if !body.description.is_empty() {
                    <span class="two wrap">{ body.description.clone() }</span>
                }
                <span class="two" title={display::exact(row.updated_at)}>
                    { format!("Version {} · changed {}", row.version, display::ago(row.updated_at, now)) }
                </span>
                if *asking == Asking::Nothing {
                    { form_error(task.failure(), &[]) }
                }
            </div>
            <div class="grow soft">
                <span class="scope">{ steps(body) }</span>
                <span class="badges">{ for channels(body.channels).into_iter().map(|name| badge("plain", name)) }</span>
                <span class="two wrap" id={why.clone()} data-testid="flow-used">{ uses(row) }</span>
            </div>
            <div class="row-acts">
                <RouteLink to={Route::Flow { id: id.to_string() }} class="btn small" testid="flow-edit">{ "Edit" }</RouteLink>
                <Button tone="small" onclick={duplicate} testid="flow-duplicate">{ "Duplicate" }</Button>
                <Button tone="small" onclick={if body.active { ask(Asking::Disable) } else { act(false) }}
                    disabled={body.active && row.is_default} described_by={row.is_default.then(|| AttrValue::from(why.clone()))}
                    busy={task.is_busy() && *asking == Asking::Nothing} testid="flow-switch">
                    { if body.active { "Disable" } else { "Enable" } }
                </Button>
                <Button tone="small" onclick={ask(Asking::Delete)} disabled={used}
                    described_by={used.then(|| AttrValue::from(why.clone()))} testid="flow-delete">{ "Delete" }</Button>
            </div>
            { match *asking {
                Asking::Nothing => Html::default(),
                Asking::Disable => confirm(&Confirm {
                    title: format!("Disable “{}”?", body.name),
                    text: "Policies that use it find nobody to ask: until it is enabled again, their calls are denied. \
                           What waits already goes on as it was.",
                    verb: "Disable",
                    task: &task,
                    onyes: act(false),
                    onclose: ask(Asking::Nothing),
                }),
                Asking::Delete => confirm(&Confirm {
                    title: format!("Delete “{}”?", body.name),
                    text: "It can't be brought back. What waits already goes on as it was.",
                    verb: "Delete",
                    task: &task,
                    onyes: act(true),
                    onclose: ask(Asking::Nothing),
                }),
            } }
        </li>
    }
}

fn marks(row: &FlowRow) -> Html {
    let marks = [
        (row.is_default, "ok", "Default"),
        (!row.body.active, "plain", "Disabled"),
        (row.body.auto_approve_minutes.is_some(), "wait", "Approves itself"),
        (row.body.urgent, "plain", "Urgent"),
        (row.from_file, "plain", "desk.yaml"),
    ];
    html! { <>{ for marks.into_iter().filter(|mark| mark.0).map(|(_, tone, word)| html! { <>{ " " }{ badge(tone, word) }</> }) }</> }
}

/// `2 steps: Finance, then admins`.
fn steps(body: &FlowBody) -> String {
    let asked: Vec<_> = body.steps.iter().map(|step| display::approvers(&step.approvers)).collect();
    format!("{}: {}", counted(body.steps.len(), "step"), asked.join(", then "))
}

/// Who holds calls by it, and what that means for deleting it.
fn uses(row: &FlowRow) -> String {
    let policies = row.used_by.join(", ");
    match (row.is_default, row.used_by.is_empty()) {
        (true, true) => "The desk's default. Name another default before you disable or delete it.".to_owned(),
        (true, false) => format!("The desk's default, used by {policies}."),
        (false, true) => "Used by no policy.".to_owned(),
        (false, false) => format!(
            "Used by {policies}. Give {} another flow before you delete this one.",
            if row.used_by.len() == 1 { "it" } else { "them" }
        ),
    }
}

/// The channels that it tells people by.
pub(crate) fn channels(by: Channels) -> Vec<&'static str> {
    let named = [(by.push, "Push"), (by.email, "Email"), (by.sms, "Text message"), (by.webhook, "Webhook")];
    named.into_iter().filter(|one| one.0).map(|one| one.1).collect()
}
