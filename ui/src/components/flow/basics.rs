//! The first stage: what the flow is called, and over which channels it tells people.

use super::Writing;
use crate::components::field::{field, value_of};
use crate::components::form::tick;
use crate::components::pick::{option, pick};
use countersign_domain::flow::{FlowBody, WebhookTemplate};
use yew::prelude::*;

const TEMPLATES: [(WebhookTemplate, &str, &str); 5] = [
    (WebhookTemplate::Json, "json", "JSON: type, time and what happened"),
    (WebhookTemplate::Slack, "slack", "Slack"),
    (WebhookTemplate::Discord, "discord", "Discord"),
    (WebhookTemplate::Ntfy, "ntfy", "ntfy"),
    (WebhookTemplate::Mattermost, "mattermost", "Mattermost"),
];

pub(crate) fn basics(of: &Writing<'_>) -> Html {
    let Writing { body, faults, edit, .. } = of;
    let name = html! {
        <input id="flow-name" type="text" maxlength="80" autocomplete="off" value={body.name.clone()}
            oninput={edit.text(|body, text| body.name = text)} data-testid="flow-name" />
    };
    let description = html! {
        <textarea id="flow-description" rows="2" maxlength="500" value={body.description.clone()}
            oninput={edit.text(|body, text| body.description = text)} data-testid="flow-description" />
    };
    html! {
        <>
            { field("flow-name", "Name", "Policies name the flow by it.", faults.at("name"), name) }
            { renamed(of) }
            { field("flow-description", "Description", "What it is for.", faults.at("description"), description) }
            <fieldset class="field">
                <legend>{ "Tell people by" }</legend>
                <div class="stack ticks">
                    { tick("by-push", body.channels.push, html! { "Push notifications" },
                        "On the browsers and phones where people turned them on.",
                        edit.flag(|body, on| body.channels.push = on)) }
                    { must(of, "by-email", "channels.email", tick("by-email", body.channels.email, html! { "Email" }, "",
                        edit.flag(|body, on| body.channels.email = on))) }
                    { must(of, "by-sms", "channels.sms", tick("by-sms", body.channels.sms, html! { "Text messages" },
                        "To the phones on people's accounts.", edit.flag(|body, on| body.channels.sms = on))) }
                    { tick("by-webhook", body.channels.webhook, html! { "Webhook" },
                        "One call to an address of yours, such as a chat's.",
                        edit.flag(|body, on| body.channels.webhook = on)) }
                </div>
                <p class="hint">{ "Open screens always show what waits. Each person says on their account what they take." }</p>
            </fieldset>
            if body.channels.webhook || body.webhook_url.is_some() {
                { webhook(of) }
            }
            { tick("notify", body.notify_on_decisions, html! { "Tell the requester how it was decided" }, "",
                edit.flag(|body, on| body.notify_on_decisions = on)) }
            { tick("active", body.active, html! { "Policies may use it" },
                "Where a policy names a flow that is off, its calls are denied.",
                edit.flag(|body, on| body.active = on)) }
            if let Some(error) = faults.at("active") {
                <p class="field-error" role="alert" data-testid="error-active">{ error }</p>
            }
        </>
    }
}

/// A channel that whoever is outside the desk may need.
fn must(of: &Writing<'_>, id: &str, field: &str, tick: Html) -> Html {
    let error = of.faults.at(field);
    html! {
        <div class={classes!("field", error.is_some().then_some("wrong"))}>
            { tick }
            if let Some(error) = error {
                <p class="field-error" role="alert" data-testid={format!("error-{id}")}>{ error }</p>
            }
        </div>
    }
}

/// Policies name a flow: under another name they don't find it.
fn renamed(of: &Writing<'_>) -> Html {
    let lost = of.before.filter(|row| row.body.name != of.sent.name && !row.used_by.is_empty());
    let Some(row) = lost else { return Html::default() };
    html! {
        <p class="warned" role="status" data-testid="flow-renamed">
            { format!("Policies know it as “{}”: {}. Those that name it find nobody to ask under the new name, and deny.",
                row.body.name, row.used_by.join(", ")) }
        </p>
    }
}

fn webhook(of: &Writing<'_>) -> Html {
    let Writing { body, faults, edit, .. } = of;
    let url = html! {
        <input id="webhook-url" type="url" autocomplete="off" spellcheck="false"
            value={body.webhook_url.clone().unwrap_or_default()}
            oninput={edit.text(|body, text| body.webhook_url = given(text))} data-testid="webhook-url" />
    };
    let secret = html! {
        <input id="webhook-secret" type="text" autocomplete="off" spellcheck="false"
            value={body.webhook_secret_env.clone().unwrap_or_default()}
            oninput={edit.text(|body, text| body.webhook_secret_env = given(text))} data-testid="webhook-secret" />
    };
    html! {
        <div class="two-up">
            { field("webhook-url", "Address", "https, or http within your network.", faults.at("webhook_url"), url) }
            { field("webhook-template", "Shape", "", faults.at("webhook_template"), template(of)) }
            { field("webhook-secret", "Signed with the secret in", "The name of an environment variable of the server.",
                faults.at("webhook_secret_env"), secret) }
        </div>
    }
}

fn template(of: &Writing<'_>) -> Html {
    let now = TEMPLATES.iter().find(|one| one.0 == of.body.webhook_template).map_or("json", |one| one.1);
    let onchange = {
        let edit = of.edit.clone();
        Callback::from(move |event: Event| {
            let word = value_of(&event).unwrap_or_default();
            if let Some(chosen) = TEMPLATES.iter().find(|one| one.1 == word) {
                edit.change(|body: &mut FlowBody| body.webhook_template = chosen.0);
            }
        })
    };
    let options = TEMPLATES.iter().map(|(_, word, name)| option(word, name, now)).collect();
    pick("webhook-template", "", onchange, options)
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
