//! A policy as a plain form: new, new from a request, or another version of one that there is.

use crate::backend::{Backend, Failure, Reply};
use crate::components::button::Button;
use crate::components::field::{field, value_of};
use crate::components::form::{form_error, from_lines};
use crate::components::icon::{Picture, icon};
use crate::components::message::{failed, for_admins};
use crate::components::page_head::page_head;
use crate::components::pick::{option, pick};
use crate::components::route_link::RouteLink;
use crate::components::scope_picker::scope_picker;
use crate::components::segments::segments;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::focus::{focus_if_lost, focus_on};
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::pending::use_pending;
use crate::hooks::policy_draft::{FIELDS, FieldOf, OF_APPROVAL, PolicyDraft};
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_is_admin, use_task, use_toasts};
use crate::routes::Route;
use countersign_domain::policy::{Action, PolicyBody, named_tools};
use countersign_wire::policies::FlowRow;
use countersign_wire::requests::Card;
use std::rc::Rc;
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
    let (place, is_admin) = (use_place(), use_is_admin());
    let from = place.asked("from");
    let key = match (&props.id, &from) {
        (Some(id), _) => format!("{CHANGE}{id}"),
        (None, Some(request)) => {
            let ticked = place.asked("tools").map(|tools| format!("\n{tools}")).unwrap_or_default();
            format!("{FROM}{request}{ticked}")
        }
        (None, None) => String::new(),
    };
    let start = use_fetch(key.into(), beginning);
    let back = from.map_or(Route::Policies, |id| Route::Request { id });
    if !is_admin {
        return for_admins(Picture::Shield, "Only admins see and change what agents may do.");
    }
    html! {
        <main class="list narrow">
            { match &start.data {
                Loadable::Loading => skeleton(6),
                Loadable::Failed(failure) =>
                    failed("The policy can't be shown", failure, &start.reload, "policy-error"),
                Loadable::Ready(start) => html! {
                    <PolicyForm id={props.id.clone()} start={start.clone()} {back} />
                },
            } }
        </main>
    }
}

const CHANGE: &str = "change:";
const FROM: &str = "from:";

/// What the form is filled in with.
#[derive(PartialEq)]
struct Start {
    body: PolicyBody,
    /// The request that it is made from.
    card: Option<Card>,
}

/// The policy to change, the server's draft for a request, or nothing.
fn beginning(backend: &Backend, key: &str) -> Reply<Start> {
    if let Some(from) = key.strip_prefix(FROM) {
        let (request, ticked) = from.split_once('\n').unwrap_or((from, ""));
        let ticked = from_lines(ticked);
        let (draft, card) = (backend.policy_draft(request), backend.request(request));
        return Box::pin(async move {
            let body = only_ticked(draft.await?, ticked);
            Ok(Start { body, card: card.await.ok() })
        });
    }
    let Some(id) = key.strip_prefix(CHANGE).map(ToOwned::to_owned) else {
        return Box::pin(async { Ok(Start { body: PolicyDraft::default().body(), card: None }) });
    };
    let policies = backend.policies();
    Box::pin(async move {
        let found = policies.await?.into_iter().find(|row| row.id.to_string() == id);
        found.map(|row| Start { body: row.body, card: None }).ok_or_else(Failure::nothing_there)
    })
}

/// The draft for the tools that are ticked, in what it covers and in its name.
fn only_ticked(mut draft: PolicyBody, ticked: Option<Vec<String>>) -> PolicyBody {
    let (Some(asked), Some(ticked)) = (&draft.scope.tools, ticked) else { return draft };
    draft.name = draft.name.replacen(&named_tools(asked), &named_tools(&ticked), 1);
    draft.scope.tools = Some(ticked);
    draft
}

#[derive(Properties, PartialEq)]
struct PolicyFormProps {
    id: Option<AttrValue>,
    start: Rc<Start>,
    back: Route,
}

#[component]
fn PolicyForm(props: &PolicyFormProps) -> Html {
    let (backend, toasts, navigator, task) = (use_backend(), use_toasts(), use_navigator(), use_task());
    let draft = {
        let start = PolicyDraft::of(&props.start.body);
        use_reducer_eq(move || start)
    };
    // The link or button that led here is gone.
    use_effect_with((), |()| focus_if_lost(&["#page-title"]));
    let connectors = use_fetch(AttrValue::default(), |backend, _| backend.connectors());
    let flows = use_fetch(AttrValue::default(), |backend, _| backend.flows());
    let body = draft.body();
    let asks = body.action == Action::RequestApproval;
    let no_number = draft.priority_problem();
    let off = no_number.is_some();
    let onsubmit = {
        let (task, id, back) = (task.clone(), props.id.clone(), props.back.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if off {
                focus_on("#priority");
                return;
            }
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
    let flow_names: Vec<String> = flows.data.ready().map(|rows| usable(rows)).unwrap_or_default();
    let write = |field: FieldOf| {
        let dispatch = draft.dispatcher();
        Callback::from(move |text: String| dispatch.dispatch((field, text)))
    };
    let oninput = |field: FieldOf| write(field).reform(|event: InputEvent| value_of(&event).unwrap_or_default());
    let lines = |id: &'static str, label, hint, value: &str, of: FieldOf| {
        let area = html! {
            <textarea {id} rows="2" spellcheck="false" value={value.to_owned()} oninput={oninput(of)} data-testid={id} />
        };
        field(id, label, hint, task.about(id), area)
    };
    let text = |id: &'static str, kind: &'static str, value: &str, of: FieldOf| {
        html! {
            <input {id} type={kind} autocomplete="off" value={value.to_owned()} oninput={oninput(of)} data-testid={id} />
        }
    };
    let title = if props.id.is_some() { "Change a policy" } else { "New policy" };
    let shown = if asks { &FIELDS[..] } else { &FIELDS[..FIELDS.len() - OF_APPROVAL] };
    html! {
        <>
            { page_head(title, "Which calls it is about, and what happens to them. A list left empty matches all.",
                Html::default(), Html::default()) }
            if let Some(card) = &props.start.card {
                { made_from(card) }
            }
            <form {onsubmit} class="block stack policy-form">
                { field("name", "Name", "Shown under every request that it decides.", task.about("name"),
                    text("name", "text", &draft.name, |draft| &mut draft.name)) }
                { action_field(&draft.action, &write(|draft| &mut draft.action), task.about("action")) }
                { scope_picker(task.about("connectors"), &connectors, &draft.connectors,
                    &write(|draft| &mut draft.connectors)) }
                <div class="two-up">
                    { lines("tools", "Tools", "Bare names, one a line; * stands for any characters.", &draft.tools,
                        |draft| &mut draft.tools) }
                    { lines("agents", "Agents", "Names, one a line.", &draft.agents,
                        |draft| &mut draft.agents) }
                    { lines("users", "People", "Emails of requesters, one a line.", &draft.users,
                        |draft| &mut draft.users) }
                    { lines("groups", "Groups", "Of requesters, one a line.", &draft.groups,
                        |draft| &mut draft.groups) }
                </div>
                { lines("when", "Condition", "A CEL expression over call, agent, user, now and ip; empty means always. \
                    For example: call.arguments.amount > 2000", &draft.when,
                        |draft| &mut draft.when) }
                <div class="two-up">
                    { field("priority", "Priority", "The greater wins; a matching deny wins over all.",
                        no_number.or_else(|| task.about("priority")), text("priority", "number", &draft.priority, |draft| &mut draft.priority)) }
                    if asks {
                        { flow_field(&flow_names, &draft.flow, &write(|draft| &mut draft.flow), task.about("flow")) }
                        { grants_field(&draft.allow_grants, &write(|draft| &mut draft.allow_grants),
                            task.about("allow_grants")) }
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

/// The names of the flows that ask anybody.
fn usable(rows: &[FlowRow]) -> Vec<String> {
    rows.iter().filter(|row| row.body.active).map(|row| row.body.name.clone()).collect()
}

/// Which request the draft is about, in its own words.
fn made_from(card: &Card) -> Html {
    html! {
        <p class="offer" data-testid="policy-from">
            { icon(Picture::Info) }
            <span>
                { "From a request: " }<b>{ segments(&card.headline) }</b>{ ", for " }{ card.requester.name.clone() }
                { ". Saved, this policy decides about the next ones like it." }
            </span>
        </p>
    }
}

fn action_field(action: &str, onaction: &Callback<String>, error: Option<String>) -> Html {
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
                    let on = one.word() == action;
                    let onchange = onaction.reform(move |_: Event| one.word().to_owned());
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

fn flow_field(names: &[String], now: &str, onflow: &Callback<String>, error: Option<String>) -> Html {
    let onchange = onflow.reform(|event: Event| value_of(&event).unwrap_or_default());
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

fn grants_field(now: &str, ongrants: &Callback<String>, error: Option<String>) -> Html {
    let onchange = ongrants.reform(|event: Event| value_of(&event).unwrap_or_default());
    let options = html! {
        <>
            { option("", "Unless the tool is destructive", now) }
            { option("true", "Always", now) }
            { option("false", "Never: each call is approved", now) }
        </>
    };
    let hint = "Whether an approval may be for more than one call: for an hour, or a session.";
    field("allow_grants", "Longer approvals", hint, error, pick("allow_grants", "", onchange, options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::policy::Scope;

    fn draft(tools: &[&str]) -> PolicyBody {
        let tools: Vec<_> = tools.iter().map(|tool| (*tool).to_owned()).collect();
        let name = format!("bot: {} in Shop", named_tools(&tools));
        PolicyBody { name, scope: Scope { tools: Some(tools), ..Scope::default() }, ..PolicyDraft::default().body() }
    }

    #[test]
    fn a_policy_for_fewer_tools_than_were_asked_for_is_named_for_those() {
        let asked = draft(&["read", "write", "delete"]);
        assert_eq!(asked.name, "bot: 3 tools in Shop");
        for ticked in [&["read", "write"][..], &["write"]] {
            let tools = ticked.iter().map(|tool| (*tool).to_owned()).collect();
            assert_eq!(only_ticked(asked.clone(), Some(tools)), draft(ticked));
        }
        assert_eq!(only_ticked(asked.clone(), None), asked);
    }
}
