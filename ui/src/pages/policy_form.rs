//! A policy as a plain form: new, new from a request, or another version of one that there is.

use crate::backend::{Backend, Failure, Reply};
use crate::components::button::Button;
use crate::components::field::{field, typed, value_of};
use crate::components::form::form_error;
use crate::components::message::failed;
use crate::components::page_head::page_head;
use crate::components::pick::{option, pick};
use crate::components::route_link::RouteLink;
use crate::components::scope_picker::scope_picker;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::pending::use_pending;
use crate::hooks::policy_draft::{FIELDS, PolicyDraft, use_draft};
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_task, use_toasts};
use crate::routes::Route;
use countersign_domain::policy::{Action, PolicyBody};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct PolicyFormPageProps {
    /// The policy to change; a new one without.
    #[prop_or_default]
    pub(crate) id: Option<AttrValue>,
}

#[component]
pub(crate) fn PolicyFormPage(props: &PolicyFormPageProps) -> Html {
    let pending = use_pending().count;
    use_title(if props.id.is_some() { "Change a policy" } else { "New policy" }, pending);
    let place = use_place();
    let from = place.asked("from");
    let key = match (&props.id, &from) {
        (Some(id), _) => format!("{CHANGE}{id}"),
        (None, Some(request)) => format!("{FROM}{request}"),
        (None, None) => String::new(),
    };
    let start = use_fetch(key.into(), beginning);
    let back = from.map_or(Route::Policies, |id| Route::Request { id });
    html! {
        <main class="list narrow">
            { match &start.data {
                Loadable::Loading => skeleton(6),
                Loadable::Failed(failure) =>
                    failed("The policy can't be shown", failure, &start.reload, "policy-error"),
                Loadable::Ready(body) => html! {
                    <PolicyForm id={props.id.clone()} body={(**body).clone()} {back} />
                },
            } }
        </main>
    }
}

const CHANGE: &str = "change:";
const FROM: &str = "from:";

/// What the form is filled in with: the policy to change, the server's draft for a request, or nothing.
fn beginning(backend: &Backend, key: &str) -> Reply<PolicyBody> {
    if let Some(request) = key.strip_prefix(FROM) {
        return backend.policy_draft(request);
    }
    let Some(id) = key.strip_prefix(CHANGE).map(ToOwned::to_owned) else {
        return Box::pin(async { Ok(PolicyDraft::default().body()) });
    };
    let policies = backend.policies();
    Box::pin(async move {
        let found = policies.await?.into_iter().find(|row| row.id.to_string() == id);
        found.map(|row| row.body).ok_or_else(Failure::nothing_there)
    })
}

#[derive(Properties, PartialEq)]
struct PolicyFormProps {
    id: Option<AttrValue>,
    body: PolicyBody,
    back: Route,
}

#[component]
fn PolicyForm(props: &PolicyFormProps) -> Html {
    let (backend, toasts, navigator, task) = (use_backend(), use_toasts(), use_navigator(), use_task());
    let draft = use_draft(&props.body);
    let connectors = use_fetch(AttrValue::default(), |backend, _| backend.connectors());
    let flows = use_fetch(AttrValue::default(), |backend, _| backend.flows());
    let body = draft.read().body();
    let asks = body.action == Action::RequestApproval;
    let onsubmit = {
        let (task, id, back) = (task.clone(), props.id.clone(), props.back.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, body, id) = (backend.clone(), body.clone(), id.clone());
            let (toasts, navigator, back) = (toasts.clone(), navigator.clone(), back.clone());
            task.run(async move {
                let saved = match id.and_then(|id| id.parse().ok()) {
                    Some(id) => backend.replace_policy(id, &body).await?,
                    None => backend.create_policy(&body).await?,
                };
                toasts.show(Tone::Good, format!("Policy “{}” is saved as version {}.", saved.body.name, saved.version));
                if let Some(navigator) = navigator {
                    navigator.push(&back);
                }
                Ok(())
            });
        })
    };
    let slugs: Vec<String> =
        connectors.data.ready().map(|rows| rows.iter().map(|row| row.slug.clone()).collect()).unwrap_or_default();
    let flow_names: Vec<String> =
        flows.data.ready().map(|rows| rows.iter().map(|row| row.body.name.clone()).collect()).unwrap_or_default();
    let lines = |id: &'static str, label, hint, value: &UseStateHandle<String>| {
        let area = html! {
            <textarea {id} rows="2" spellcheck="false" value={(**value).clone()} oninput={typed(value.setter())}
                data-testid={id} />
        };
        field(id, label, hint, task.about(id), area)
    };
    let text = |id: &'static str, kind: &'static str, value: &UseStateHandle<String>| {
        html! {
            <input {id} type={kind} autocomplete="off" value={(**value).clone()} oninput={typed(value.setter())}
                data-testid={id} />
        }
    };
    let title = if props.id.is_some() { "Change a policy" } else { "New policy" };
    let shown = if asks { &FIELDS[..] } else { &FIELDS[..FIELDS.len() - 1] };
    html! {
        <>
            { page_head(title, "Which calls it is about, and what happens to them. A list left empty matches all.",
                Html::default(), Html::default()) }
            <form {onsubmit} class="block stack policy-form">
                { field("name", "Name", "Shown under every request that it decides.", task.about("name"),
                    text("name", "text", &draft.name)) }
                { action_field(&draft.action, task.about("action")) }
                { scope_picker("connectors", "Connectors", "None chosen means all.", task.about("connectors"), &slugs,
                    &draft.connectors) }
                <div class="two-up">
                    { lines("tools", "Tools", "Bare names, one a line; * stands for any characters.", &draft.tools) }
                    { lines("agents", "Agents", "Names, one a line.", &draft.agents) }
                    { lines("users", "People", "Emails of requesters, one a line.", &draft.users) }
                    { lines("groups", "Groups", "Of requesters, one a line.", &draft.groups) }
                </div>
                { lines("when", "Condition", "A CEL expression over call, agent, user, now and ip; empty means always. \
                    For example: call.arguments.amount > 2000", &draft.when) }
                <div class="two-up">
                    { field("priority", "Priority", "The greater wins; a matching deny wins over all.",
                        task.about("priority"), text("priority", "number", &draft.priority)) }
                    if asks {
                        { flow_field(&flow_names, &draft.flow, task.about("flow")) }
                    }
                </div>
                { form_error(task.failure(), shown) }
                <div class="form-acts">
                    <RouteLink to={props.back.clone()} class="btn">{ "Cancel" }</RouteLink>
                    <Button tone="main" busy={task.is_busy()} testid="policy-save">{ "Save policy" }</Button>
                </div>
            </form>
        </>
    }
}

fn action_field(action: &UseStateHandle<String>, error: Option<String>) -> Html {
    let choices = [
        (Action::Allow, "Allow", "Let it through."),
        (Action::RequestApproval, "Ask for approval", "Hold it until somebody approves."),
        (Action::Deny, "Deny", "Refuse it, whatever else matches."),
    ];
    html! {
        <fieldset class={classes!("field", error.is_some().then_some("wrong"))}>
            <legend class="field-name">{ "Action" }</legend>
            <div class="choices">
                { for choices.into_iter().map(|(one, word, hint)| {
                    let on = one.word() == action.as_str();
                    let set = action.setter();
                    let onchange = Callback::from(move |_: Event| set.set(one.word().to_owned()));
                    html! {
                        <label class={classes!("check", "choice", on.then_some("on"))}>
                            <input type="radio" name="action" checked={on} {onchange}
                                data-testid={format!("action-{}", one.word())} />
                            <span><b>{ word }</b><span class="hint">{ hint }</span></span>
                        </label>
                    }
                }) }
            </div>
            if let Some(error) = error {
                <p class="field-error" role="alert" data-testid="error-action">{ error }</p>
            }
        </fieldset>
    }
}

fn flow_field(names: &[String], flow: &UseStateHandle<String>, error: Option<String>) -> Html {
    let set = flow.setter();
    let onchange = Callback::from(move |event: Event| set.set(value_of(&event).unwrap_or_default()));
    let now = flow.as_str();
    let gone = !now.is_empty() && !names.iter().any(|name| name == now);
    let options = html! {
        <>
            { option("", "The desk's default", now) }
            { for names.iter().map(|name| option(name, name, now)) }
            if gone {
                { option(now, now, now) }
            }
        </>
    };
    field("flow", "Flow", "Who is asked, and how long they have.", error, pick("flow", "", onchange, options))
}
