//! One tool of a connector: what it does, and where it stands with the admins.

use crate::components::badge::{badge, effect_badge};
use crate::components::button::Button;
use crate::components::field::value_of;
use crate::components::pick::{option, pick};
use countersign_domain::Effect;
use countersign_domain::connector::ToolState;
use countersign_wire::connectors::{ToolChange, ToolRow};
use yew::prelude::*;

pub(crate) fn tool_row(tool: &ToolRow, is_admin: bool, busy: bool, change: &Callback<ToolChange>) -> Html {
    let name = tool.name.clone();
    let oneffect = {
        let (name, change) = (name.clone(), change.clone());
        Callback::from(move |event: Event| {
            let effect = value_of(&event).and_then(|word| Effect::from_word(&word));
            change.emit(ToolChange { tool: name.clone(), effect, ready: None, schema_hash: None });
        })
    };
    let nod = {
        let (name, seen, change) = (name.clone(), Some(tool.schema_hash.clone()), change.clone());
        Callback::from(move |()| {
            let (tool, schema_hash) = (name.clone(), seen.clone());
            change.emit(ToolChange { tool, effect: None, ready: Some(true), schema_hash });
        })
    };
    let effects = [Effect::Read, Effect::Write, Effect::Destructive];
    let options = effects.into_iter().map(|effect| option(effect.word(), effect.word(), tool.effect.word())).collect();
    let waits = matches!(tool.state, ToolState::New | ToolState::Changed);
    html! {
        <li key={name.clone()} data-testid="tool-row" data-name={name.clone()}>
            <div class="grow">
                <code class="wrap">{ name }</code>{ " " }{ standing(tool.state) }
                if let Some(route) = &tool.route {
                    <code class="two" title={route.clone()}>{ route.clone() }</code>
                }
                if let Some(description) = &tool.description {
                    <span class="two" title={description.clone()}>{ description.clone() }</span>
                }
            </div>
            <div class="row-acts">
                if is_admin && waits {
                    <Button tone="small" onclick={nod} disabled={busy} testid="tool-nod">{ "Allow calls" }</Button>
                }
                if is_admin {
                    { pick("effect", "Effect", oneffect, options) }
                } else {
                    { effect_badge(tool.effect) }
                }
            </div>
            if is_admin && waits {
                <details class="guess"><summary>{ "What it takes" }</summary><pre>{ schema(tool) }</pre></details>
            }
            if !tool.effect_set {
                <span class="guess hint">{ "effect is a first guess" }</span>
            }
        </li>
    }
}

fn schema(tool: &ToolRow) -> String {
    serde_json::to_string_pretty(&tool.input_schema).unwrap_or_default()
}

fn standing(state: ToolState) -> Html {
    match state {
        ToolState::Ready => Html::default(),
        ToolState::New => badge("wait", "New: not callable yet"),
        ToolState::Changed => badge("wait", "Changed: not callable until looked at"),
        ToolState::Gone => badge("plain", "No longer offered"),
    }
}
