//! One agent in the list, and what its owner can do with it.

use crate::components::agent_cools::AgentCools;
use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::callback_dialog::CallbackDialog;
use crate::components::confirm::{Confirm, confirm};
use crate::components::form::form_error;
use crate::components::grant_item::GrantItem;
use crate::components::wait_budget::WaitDialog;
use crate::display;
use crate::hooks::{use_backend, use_is_admin, use_now, use_task};
use countersign_domain::agent::AgentStatus;
use countersign_wire::agents::{AgentChange, AgentCreated, AgentRow};
use countersign_wire::grants::GrantRow;
use std::rc::Rc;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AgentItemProps {
    pub(crate) row: AgentRow,
    /// Its grants that hold.
    pub(crate) grants: Vec<GrantRow>,
    /// One of them was taken back.
    pub(crate) onrevoked: Callback<()>,
    pub(crate) onchanged: Callback<()>,
    /// A new key is there, to be shown once.
    pub(crate) onkey: Callback<Rc<AgentCreated>>,
}

#[component]
pub(crate) fn AgentItem(props: &AgentItemProps) -> Html {
    let (backend, now, is_admin) = (use_backend(), use_now(), use_is_admin());
    let (switching, renewing) = (use_task(), use_task());
    let (asking, waiting, calling) = (use_state_eq(|| false), use_state_eq(|| false), use_state_eq(|| false));
    let row = &props.row;
    let id = row.id;
    let active = row.status == AgentStatus::Active;
    let switch = {
        let (backend, onchanged, switching) = (backend.clone(), props.onchanged.clone(), switching.clone());
        Callback::from(move |()| {
            let (backend, onchanged) = (backend.clone(), onchanged.clone());
            let status = Some(if active { AgentStatus::Suspended } else { AgentStatus::Active });
            switching.run(async move {
                backend.change_agent(id, &AgentChange { status, ..AgentChange::default() }).await?;
                onchanged.emit(());
                Ok(())
            });
        })
    };
    let renew = {
        let (onkey, renewing, asking) = (props.onkey.clone(), renewing.clone(), asking.setter());
        Callback::from(move |()| {
            let (backend, onkey, asking) = (backend.clone(), onkey.clone(), asking.clone());
            renewing.run(async move {
                let answer = backend.renew_key(id).await?;
                asking.set(false);
                onkey.emit(Rc::new(answer));
                Ok(())
            });
        })
    };
    let set = |shown: &UseStateHandle<bool>, on: bool| {
        let shown = shown.setter();
        Callback::from(move |()| shown.set(on))
    };
    let ask = |on: bool| set(&asking, on);
    let onwait = {
        let (waiting, onchanged) = (waiting.setter(), props.onchanged.clone());
        Callback::from(move |()| {
            waiting.set(false);
            onchanged.emit(());
        })
    };
    let onset = {
        let (onkey, calling) = (props.onkey.clone(), calling.setter());
        Callback::from(move |answer: Rc<AgentCreated>| {
            calling.set(false);
            onkey.emit(answer);
        })
    };
    html! {
        <li data-testid="agent-row" data-name={row.name.clone()}>
            <div class="grow">
                <b>{ row.name.clone() }</b>{ " " }
                { badge(if active { "ok" } else { "plain" }, if active { "Active" } else { "Suspended" }) }
                <span class="two" title={row.owner_email.clone()}>{ "Owned by " }{ row.owner.clone() }</span>
                { form_error(switching.failure(), &[]) }
            </div>
            <div class="grow soft">
                <span class="two">{ uses(row) }</span>
                <span class="two">{ key_words(row) }</span>
                <span class="two">{ format!("Held calls wait {} s", row.wait_budget_seconds) }</span>
                if let Some(others) = acts_for(row) {
                    <span class="two">{ others }</span>
                }
                if let Some(url) = &row.callback_url {
                    <span class="two" title={url.clone()} data-testid="agent-calls">{ "Calls " }{ url.clone() }</span>
                }
            </div>
            <span class="when two">{ row.last_seen_at.map_or_else(
                || "has not asked yet".to_owned(), |at| format!("asked {}", display::ago(at, now))) }</span>
            <div class="row-acts">
                if active || is_admin {
                    <Button tone="small" onclick={switch} busy={switching.is_busy()} testid="agent-switch">
                        { if active { "Suspend" } else { "Let in again" } }
                    </Button>
                } else {
                    <span class="soft">{ "An admin lets it in again." }</span>
                }
                if !row.has_public_key {
                    <Button tone="small" onclick={ask(true)} testid="agent-key">{ "New key" }</Button>
                }
                <Button tone="small" onclick={set(&waiting, true)} testid="agent-wait">{ "Wait budget" }</Button>
                <Button tone="small" onclick={set(&calling, true)} testid="agent-callback">{ "Callback" }</Button>
            </div>
            if let Some(until) = row.cools_until {
                <AgentCools {id} name={row.name.clone()} {until} onchanged={props.onchanged.clone()} />
            }
            if !props.grants.is_empty() {
                <div class="agent-grants" data-testid="agent-grants">
                    <span class="label">{ "May call without another approval" }</span>
                    <ul class="grant-list">
                        { for props.grants.iter().map(|grant| html! {
                            <GrantItem key={grant.id.to_string()} row={grant.clone()} onchanged={props.onrevoked.clone()} />
                        }) }
                    </ul>
                </div>
            }
            if *waiting {
                <WaitDialog row={row.clone()} onclose={set(&waiting, false)} ondone={onwait} />
            }
            if *calling {
                <CallbackDialog row={row.clone()} onclose={set(&calling, false)} {onset} />
            }
            if *asking {
                { confirm(&Confirm {
                    title: format!("A new key for {}?", row.name),
                    text: "The old key ends at once: the program can't ask until it has the new one.",
                    verb: "Make a new key",
                    task: &renewing,
                    onyes: renew,
                    onclose: ask(false),
                }) }
            }
        </li>
    }
}

fn uses(row: &AgentRow) -> String {
    match &row.connectors {
        None => "All connectors".to_owned(),
        Some(slugs) if slugs.is_empty() => "No connectors".to_owned(),
        Some(slugs) => slugs.join(", "),
    }
}

fn key_words(row: &AgentRow) -> String {
    match (&row.key_hint, row.has_public_key) {
        (_, true) => "Signs its own tokens".to_owned(),
        (Some(hint), false) => format!("Key {hint}"),
        (None, false) => "No key".to_owned(),
    }
}

fn acts_for(row: &AgentRow) -> Option<String> {
    let names: Vec<_> = row.may_act_for.users.iter().chain(&row.may_act_for.groups).cloned().collect();
    (!names.is_empty()).then(|| format!("May act for {}", names.join(", ")))
}
