//! One policy in the list, in words.

use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::confirm::{Confirm, confirm};
use crate::components::form::form_error;
use crate::components::route_link::RouteLink;
use crate::display;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_now, use_task, use_toasts};
use crate::routes::Route;
use countersign_domain::policy::{Action, Scope};
use countersign_wire::policies::PolicyRow;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct PolicyItemProps {
    pub(crate) row: PolicyRow,
    pub(crate) onchanged: Callback<()>,
}

#[component]
pub(crate) fn PolicyItem(props: &PolicyItemProps) -> Html {
    let (backend, now, task, toasts) = (use_backend(), use_now(), use_task(), use_toasts());
    let asking = use_state_eq(|| false);
    let row = &props.row;
    let (id, active) = (row.id, row.active);
    let switch = {
        let (task, onchanged, asking) = (task.clone(), props.onchanged.clone(), asking.setter());
        let done = format!("Policy “{}” is {}.", row.body.name, if active { "disabled" } else { "enabled" });
        Callback::from(move |()| {
            let (backend, onchanged, toasts) = (backend.clone(), onchanged.clone(), toasts.clone());
            let (asking, done) = (asking.clone(), done.clone());
            task.run(async move {
                backend.switch_policy(id, !active).await?;
                asking.set(false);
                toasts.show(Tone::Good, done);
                onchanged.emit(());
                Ok(())
            });
        })
    };
    // What is held back today may run tomorrow: that is asked twice.
    let widens = active && row.body.action != Action::Allow;
    let ask = |on: bool| {
        let asking = asking.setter();
        Callback::from(move |()| asking.set(on))
    };
    let (word, tone) = display::action(row.body.action);
    let file = if row.from_file { " · from desk.yaml" } else { "" };
    html! {
        <li class={classes!((!active).then_some("off"))} data-testid="policy-row" data-name={row.body.name.clone()}>
            <div class="grow">
                <b class="wrap">{ row.body.name.clone() }</b>{ " " }{ badge(tone, word) }
                if !active {
                    { " " }{ badge("plain", "Disabled") }
                }
                <span class="two">
                    { format!("Priority {} · version {} · changed {}{file}", row.body.priority, row.version,
                        display::ago(row.updated_at, now)) }
                </span>
                if !*asking {
                    { form_error(task.failure(), &[]) }
                }
            </div>
            <div class="grow soft">
                <span class="scope">{ scope_words(&row.body.scope) }</span>
                if let Some(when) = &row.body.when {
                    <code class="two" title={when.clone()}>{ "when " }{ when.clone() }</code>
                }
                if let Some(flow) = &row.body.flow {
                    <span class="two">{ "Flow: " }{ flow.clone() }</span>
                }
            </div>
            <div class="row-acts">
                <RouteLink to={Route::Policy { id: id.to_string() }} class="btn small" testid="policy-edit">
                    { "Edit" }
                </RouteLink>
                <Button tone="small" onclick={if widens { ask(true) } else { switch.clone() }}
                    busy={task.is_busy() && !*asking} testid="policy-switch">
                    { if active { "Disable" } else { "Enable" } }
                </Button>
            </div>
            if *asking {
                { confirm(&Confirm {
                    title: format!("Disable “{}”?", row.body.name),
                    text: "It holds calls back. Without it, other policies decide about them, and may let them through.",
                    verb: "Disable",
                    task: &task,
                    onyes: switch,
                    onclose: ask(false),
                }) }
            }
        </li>
    }
}

/// What a policy speaks about, as a sentence's parts.
fn scope_words(scope: &Scope) -> String {
    let part =
        |list: &Option<Vec<String>>, before: &str| list.as_ref().map(|list| format!("{before}{}", list.join(", ")));
    let parts: Vec<_> = [
        part(&scope.connectors, ""),
        part(&scope.tools, "tools "),
        part(&scope.agents, "by "),
        part(&scope.users, "for "),
        part(&scope.groups, "for groups "),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "Every call".to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_as_a_line() {
        assert_eq!(scope_words(&Scope::default()), "Every call");
        let scope = Scope {
            connectors: Some(vec!["stripe".into()]),
            tools: Some(vec!["refunds_*".into(), "charges_list".into()]),
            groups: Some(vec!["Sales".into()]),
            ..Scope::default()
        };
        assert_eq!(scope_words(&scope), "stripe · tools refunds_*, charges_list · for groups Sales");
    }
}
