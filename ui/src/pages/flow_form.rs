//! A flow in four stages: what it is called, who is asked, when, and a last look. New, a copy, or another version.

use crate::backend::{Backend, Failure, Reply};
use crate::components::button::Button;
use crate::components::flow::{Writing, approvers, basics, review, timing};
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::components::message::{failed, for_admins};
use crate::components::page_head::page_head;
use crate::components::route_link::RouteLink;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::flow_draft::{Edit, Faults, FlowDraft, REVIEW, STAGES};
use crate::hooks::focus::{focus_first_wrong, focus_if_lost, focus_on};
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::pending::use_pending;
use crate::hooks::task::Task;
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_fetch, use_is_admin, use_task, use_toasts};
use crate::routes::Route;
use crate::zones::Zones;
use countersign_domain::flow::FlowBody;
use countersign_wire::people::UserRow;
use countersign_wire::policies::FlowRow;
use std::rc::Rc;
use yew::prelude::*;

/// The fields that the wizard shows, as the server names them.
const FIELDS: [&str; 18] = [
    "name",
    "description",
    "active",
    "channels",
    "steps",
    "reminder_interval_minutes",
    "timeout_minutes",
    "auto_approve_minutes",
    "auto_approve_destructive_reason",
    "notify_on_decisions",
    "webhook_url",
    "webhook_secret_env",
    "webhook_template",
    "confirmation",
    "allow_self_approval",
    "quiet_hours",
    "urgent",
    "order",
];
const CHANGE: &str = "change:";

#[derive(Properties, PartialEq)]
pub(crate) struct FlowFormPageProps {
    /// The flow to change; a new one without.
    #[prop_or_default]
    pub(crate) id: Option<AttrValue>,
}

#[component]
pub(crate) fn FlowFormPage(props: &FlowFormPageProps) -> Html {
    let pending = use_pending().count;
    let title = if props.id.is_some() { "Change a flow" } else { "New flow" };
    use_title(title, pending);
    let (place, is_admin) = (use_place(), use_is_admin());
    let key = match &props.id {
        Some(id) => format!("{CHANGE}{id}"),
        None => place.asked("from").unwrap_or_default(),
    };
    let start = use_fetch(key.into(), beginning);
    if !is_admin {
        return for_admins(Picture::Steps, "Only admins see and change who is asked.");
    }
    html! {
        <main class="list narrow">
            { match &start.data {
                Loadable::Loading => skeleton(6),
                Loadable::Failed(failure) => failed("The flow can't be shown", failure, &start.reload, "flow-error"),
                Loadable::Ready(start) => html! { <Wizard {title} start={start.clone()} /> },
            } }
        </main>
    }
}

/// What the wizard is filled in with.
#[derive(PartialEq)]
struct Start {
    body: FlowBody,
    /// The flow to change.
    before: Option<FlowRow>,
    people: Rc<Vec<UserRow>>,
}

fn beginning(backend: &Backend, key: &str) -> Reply<Start> {
    let (flows, people) = (backend.flows(), backend.people());
    let (key, changes) = key.strip_prefix(CHANGE).map_or((key.to_owned(), false), |id| (id.to_owned(), true));
    Box::pin(async move {
        let people = Rc::new(people.await?);
        if key.is_empty() {
            return Ok(Start { body: FlowDraft::fresh(), before: None, people });
        }
        let found = flows.await?.into_iter().find(|row| row.id.to_string() == key);
        let row = found.ok_or_else(Failure::nothing_there)?;
        let body = FlowBody { unknown: Default::default(), ..row.body.clone() };
        Ok(match changes {
            true => Start { body, before: Some(row), people },
            false => Start { body: FlowBody { name: format!("Copy of {}", body.name), ..body }, before: None, people },
        })
    })
}

#[derive(Properties, PartialEq)]
struct WizardProps {
    title: &'static str,
    start: Rc<Start>,
}

#[component]
fn Wizard(props: &WizardProps) -> Html {
    let (backend, toasts, navigator, task) = (use_backend(), use_toasts(), use_navigator(), use_task());
    let start = &props.start;
    let draft = {
        let body = start.body.clone();
        use_reducer_eq(move || FlowDraft(body))
    };
    let (stage, tries, at_night) = (use_state_eq(|| 0_usize), use_state_eq(|| 0_usize), use_state_eq(|| false));
    let sent = draft.body();
    let known = Faults::of(&sent, &start.people, &Zones);
    let shown = if *tries > 0 { known.on(*stage) } else { Faults::default() }.and(task.failure());
    use_focus(*stage, *tries, draft.0.steps.len());
    use_return(&task, &stage, &tries);
    let go = {
        let (stage, tries) = (stage.clone(), tries.clone());
        // Nobody goes on past what is wrong; back, always.
        let wrong = if known.on(*stage).is_empty() { known.first_stage() } else { Some(*stage) };
        Callback::from(move |to: usize| match wrong.filter(|at| *at < to && *stage < to) {
            Some(wrong) => {
                stage.set(wrong);
                tries.set(*tries + 1);
            }
            None => {
                stage.set(to);
                tries.set(0);
            }
        })
    };
    let onsubmit = {
        let (task, go, here) = (task.clone(), go.clone(), *stage);
        let (sent, id) = (sent.clone(), start.before.as_ref().map(|row| row.id));
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if here < REVIEW {
                go.emit(here + 1);
                return;
            }
            let (backend, toasts, navigator, sent) = (backend.clone(), toasts.clone(), navigator.clone(), sent.clone());
            task.run(async move {
                let saved = match id {
                    Some(id) => backend.replace_flow(id, &sent).await?,
                    None => backend.create_flow(&sent).await?,
                };
                toasts.show(Tone::Good, format!("Flow “{}” is saved as version {}.", saved.body.name, saved.version));
                if let Some(navigator) = navigator {
                    navigator.push(&Route::Flows);
                }
                Ok(())
            });
        })
    };
    let of = Writing {
        body: &draft.0,
        sent: &sent,
        faults: &shown,
        sound: known.is_empty(),
        edit: &Edit(draft.dispatcher()),
        people: &start.people,
        before: start.before.as_ref(),
        at_night: &at_night,
    };
    html! {
        <>
            { page_head(props.title, match start.before {
                Some(_) => "What waits already keeps the flow that it was asked under.",
                None => "Who is asked, how they are told, and what happens when nobody answers.",
            }, Html::default(), Html::default()) }
            if start.before.as_ref().is_some_and(|row| row.from_file) {
                <p class="offer">{ icon(Picture::Info) }
                    <span>{ "This flow comes from a desk file. Applying that file again writes over what is changed here." }</span>
                </p>
            }
            { stages(*stage, &go) }
            <form {onsubmit} novalidate=true class="block stack flow-form" data-testid="flow-form">
                <h2 id="stage-title" tabindex="-1">{ STAGES[(*stage).min(REVIEW)] }</h2>
                { match *stage {
                    0 => basics(&of),
                    1 => approvers(&of),
                    2 => timing(&of),
                    _ => review(&of),
                } }
                { form_error(task.failure(), &FIELDS) }
                { acts(*stage, &go, &task) }
            </form>
        </>
    }
}

/// Where one is, and the way to the others.
fn stages(here: usize, go: &Callback<usize>) -> Html {
    html! {
        <ol class="stages" aria-label="Stages">
            { for STAGES.iter().enumerate().map(|(at, name)| {
                let onclick = go.reform(move |_: MouseEvent| at);
                html! {
                    <li key={at}>
                        <button type="button" {onclick} aria-current={(at == here).then_some("step")}
                            class={classes!((at < here).then_some("done"))}
                            data-testid={format!("stage-{}", name.to_lowercase())}>
                            <i aria-hidden="true">{ at + 1 }</i>{ *name }
                        </button>
                    </li>
                }
            }) }
        </ol>
    }
}

fn acts(here: usize, go: &Callback<usize>, task: &Task) -> Html {
    html! {
        <div class="form-acts spread">
            <RouteLink to={Route::Flows} class="btn">{ "Cancel" }</RouteLink>
            <div class="row-acts">
                if here > 0 {
                    <Button onclick={go.reform(move |()| here - 1)} held={task.is_busy()} testid="flow-back">{ "Back" }</Button>
                }
                if here < REVIEW {
                    <Button key="next" tone="main" testid="flow-next">{ "Next" }</Button>
                } else {
                    <Button key="save" tone="main" busy={task.is_busy()} testid="flow-save">{ "Save flow" }</Button>
                }
            </div>
        </div>
    }
}

/// Whoever comes to a stage begins at its heading; whoever may not go on, at the first field that is wrong.
#[hook]
fn use_focus(stage: usize, tries: usize, steps: usize) {
    let came = use_mut_ref(|| false);
    use_effect_with(stage, move |_| {
        if came.replace(true) {
            focus_on("#stage-title");
        } else {
            focus_if_lost(&["#page-title"]);
        }
    });
    // The step that was removed had it.
    use_effect_with(steps, |_| focus_if_lost(&["#stage-title"]));
    use_effect_with((stage, tries), |(_, tries)| {
        if *tries > 0 {
            focus_first_wrong();
        }
    });
}

/// What the server finds wrong leads back to where it is written.
#[hook]
fn use_return(task: &Task, stage: &UseStateHandle<usize>, tries: &UseStateHandle<usize>) {
    let (stage, tries) = (stage.clone(), tries.clone());
    use_effect_with(task.failure().cloned(), move |failure| {
        if let Some(wrong) = Faults::default().and(failure.as_ref()).first_stage() {
            stage.set(wrong);
            tries.set(*tries + 1);
        }
    });
}
