//! The second stage: who is asked, in which steps, how many of them must approve, and how they confirm it.

use super::Writing;
use crate::components::button::Button;
use crate::components::chips::{chip, toggled};
use crate::components::field::{field, is_ticked, number_input, value_of};
use crate::components::form::tick;
use crate::components::icon::{Picture, icon};
use crate::components::people_picker::PeoplePicker;
use crate::components::pick::{option, pick};
use crate::hooks::flow_draft::Seat;
use countersign_domain::flow::{Approvers, Confirmation, FlowBody, Step};
use countersign_domain::user::Role;
use yew::prelude::*;

const ROLES: [(Role, &str); 3] = [(Role::Approver, "Approvers"), (Role::Admin, "Admins"), (Role::Member, "Members")];
const CONFIRMATIONS: [(Confirmation, &str, &str); 3] = [
    (Confirmation::Passkey, "passkey", "A passkey, over exactly what is approved"),
    (Confirmation::PasskeyIfEnrolled, "passkey_if_enrolled", "A passkey, once they have one (on localhost only)"),
    (Confirmation::Session, "session", "Being signed in is enough"),
];

pub(crate) fn approvers(of: &Writing<'_>) -> Html {
    let Writing { body, faults, edit, .. } = of;
    let add = {
        let edit = (*edit).clone();
        Callback::from(move |()| {
            edit.change(|body| {
                let order = u32::try_from(body.steps.len() + 1).unwrap_or(u32::MAX);
                body.steps.push(Step::of(order, Approvers::default()));
            });
        })
    };
    html! {
        <>
            <p class="sub">{ "Steps are asked one after the other. One no at any of them ends the request." }</p>
            { for body.steps.iter().enumerate().map(|(index, one)| step(of, index, one)) }
            if let Some(error) = faults.at("steps") {
                <p class="field-error" role="alert" data-testid="error-steps">{ error }</p>
            }
            <div>
                <Button onclick={add} testid="step-add">{ icon(Picture::Plus) }{ "Add a step" }</Button>
            </div>
            { field("confirmation", "Confirmed by", "How an approval is given. Denying needs nothing more.",
                faults.at("confirmation"), confirmation(of)) }
            { tick("self-approval", body.allow_self_approval, html! { "Requesters may approve their own" },
                "Else neither who asked nor the agent's owner counts. A desk of one person needs it.",
                edit.flag(|body, on| body.allow_self_approval = on)) }
        </>
    }
}

fn confirmation(of: &Writing<'_>) -> Html {
    let now = CONFIRMATIONS.iter().find(|one| one.0 == of.body.confirmation).map_or("passkey", |one| one.1);
    let onchange = {
        let edit = of.edit.clone();
        Callback::from(move |event: Event| {
            let word = value_of(&event).unwrap_or_default();
            if let Some(chosen) = CONFIRMATIONS.iter().find(|one| one.1 == word) {
                edit.change(|body: &mut FlowBody| body.confirmation = chosen.0);
            }
        })
    };
    let options = CONFIRMATIONS.iter().map(|(_, word, name)| option(word, name, now)).collect();
    pick("confirmation", "", onchange, options)
}

fn step(of: &Writing<'_>, index: usize, step: &Step) -> Html {
    let Writing { faults, edit, body, .. } = of;
    let place = format!("step-{}", index + 1);
    let number = format!("{place}-needed");
    let at = |field: &str| faults.at(&format!("steps[{index}].{field}"));
    let needed =
        number_input(&number, step.min_approvals, edit.number_of_step(index, |step, n| step.min_approvals = n));
    html! {
        <section class="flow-step" aria-label={format!("Step {}", index + 1)} data-testid={place}>
            <header>
                <h3>{ format!("Step {}", index + 1) }</h3>
                if body.steps.len() > 1 {
                    { moves(of, index) }
                }
            </header>
            { seat(of, Seat { step: index, later: false }, &step.approvers) }
            { field(&number, "Approvals needed", "Each person approves once a request.", at("min_approvals"), needed) }
            { escalation(of, index, step) }
        </section>
    }
}

/// Earlier, and away.
fn moves(of: &Writing<'_>, index: usize) -> Html {
    let change = |change: fn(&mut Vec<Step>, usize)| {
        let edit = of.edit.clone();
        Callback::from(move |()| edit.change(move |body| change(&mut body.steps, index)))
    };
    html! {
        <div class="row-acts">
            if index > 0 {
                <Button tone="small" onclick={change(|steps, index| steps.swap(index - 1, index))}
                    title={format!("Ask step {} earlier", index + 1)} testid="step-up">{ "Earlier" }</Button>
            }
            <Button tone="small" onclick={change(|steps, index| { steps.remove(index); })}
                title={format!("Remove step {}", index + 1)} testid="step-remove">{ "Remove" }</Button>
        </div>
    }
}

/// Who is asked at a step, or later.
fn seat(of: &Writing<'_>, seat: Seat, named: &Approvers) -> Html {
    let Writing { faults, edit, people, .. } = of;
    let (id, at) = (seat.id(), seat.field());
    let error = faults.at(&at).or_else(|| faults.at(&format!("{at}.users")));
    let known = people.iter().flat_map(|row| &row.groups);
    let mut groups: Vec<&String> = Vec::new();
    for group in known.chain(&named.groups) {
        let place = groups.partition_point(|other| *other < group);
        if groups.get(place) != Some(&group) {
            groups.insert(place, group);
        }
    }
    let onusers = edit.names(seat, |named, list| named.users = list);
    let ongroups = edit.names(seat, |named, list| named.groups = list);
    let group = |name: &String| {
        let next = toggled(&named.groups, name);
        chip(
            format!("{id}-group-{name}"),
            name,
            "",
            named.groups.contains(name),
            ongroups.reform(move |_| next.clone()),
        )
    };
    html! {
        <fieldset class={classes!("field", error.is_some().then_some("wrong"))}>
            <legend>{ if seat.later { "Who is asked then, besides" } else { "Who is asked" } }</legend>
            <span class="label">{ "Everyone with the role" }</span>
            <div class="chips" role="group" aria-label="Roles">
                { for ROLES.iter().map(|(role, words)| chip(format!("{id}-role-{}", role.word()), words, "",
                    named.roles.contains(role), edit.role(seat, *role))) }
            </div>
            if !groups.is_empty() {
                <span class="label">{ "Everyone in the group" }</span>
                <div class="chips many" role="group" aria-label="Groups">{ for groups.into_iter().map(group) }</div>
            }
            <span class="label">{ "People" }</span>
            <PeoplePicker id={id.clone()} people={(*people).clone()} chosen={named.users.clone()} onchosen={onusers} />
            if let Some(error) = error {
                <p class="field-error" role="alert" data-testid={format!("error-{id}")}>{ error }</p>
            }
            { outsiders(of, seat, named) }
        </fieldset>
    }
}

/// People who are no users, one a line.
fn outsiders(of: &Writing<'_>, seat: Seat, named: &Approvers) -> Html {
    let (id, at) = (seat.id(), seat.field());
    let lines = |what: &str, list: &[String], set: fn(&mut Approvers, Vec<String>)| {
        let id = format!("{id}-{what}");
        // Empty lines stay while somebody writes: they are about to write the next one.
        let oninput = of.edit.names(seat, set).reform(|event: InputEvent| {
            let text = value_of(&event).unwrap_or_default();
            text.split('\n').map(ToOwned::to_owned).collect()
        });
        html! {
            <textarea id={id.clone()} rows="2" spellcheck="false" value={list.join("\n")} {oninput} data-testid={id} />
        }
    };
    let error = |what: &str| of.faults.at(&format!("{at}.{what}"));
    html! {
        <details class="more-fields" open={named.names_outsiders()}>
            <summary data-testid={format!("{id}-outside")}>{ "People outside the desk" }</summary>
            <div class="two-up">
                { field(&format!("{id}-emails"), "Emails", "One a line.", error("emails"),
                    lines("emails", &named.emails, |named, list| named.emails = list)) }
                { field(&format!("{id}-phones"), "Phones", "One a line, with the country, as in +41.", error("phones"),
                    lines("phones", &named.phones, |named, list| named.phones = list)) }
            </div>
        </details>
    }
}

fn escalation(of: &Writing<'_>, index: usize, step: &Step) -> Html {
    let edit = of.edit;
    let id = format!("step-{}-escalates", index + 1);
    let onchange = {
        let edit = edit.clone();
        Callback::from(move |event: Event| {
            let on = is_ticked(&event);
            edit.change(move |body| {
                let half = body.timeout_minutes / 2;
                if let Some(step) = body.steps.get_mut(index) {
                    step.escalate_after_minutes = on.then_some(half);
                    step.escalate_to = on.then(Approvers::default);
                }
            });
        })
    };
    html! {
        <>
            <label class="check" for={id.clone()}>
                <input id={id.clone()} type="checkbox" checked={step.escalate_to.is_some()} {onchange} data-testid={id} />
                <span>
                    { "Ask others too when nobody answers" }
                    <span class="hint">{ "They are added after a time, which the next stage asks for; the number of approvals stays." }</span>
                </span>
            </label>
            if let Some(more) = &step.escalate_to {
                <div class="stack later">
                    { seat(of, Seat { step: index, later: true }, more) }
                </div>
            }
        </>
    }
}
