//! How far the approval goes: this call, or its tool for a while; and what an ask for access is for, tool by tool.

use super::ReviewProps;
use crate::components::badge::effect_badge;
use crate::components::segments::segments;
use crate::hooks::choice::span;
use countersign_domain::grant::Grant;
use countersign_domain::request::RequestState;
use countersign_wire::requests::{AccessTool, AccessView};
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// The choice between the grants that are offered; nothing where there is none.
pub(crate) fn grants(props: &ReviewProps) -> Html {
    let card = &props.card;
    let open = card.you.may_decide && card.state == RequestState::Pending;
    if open && props.choice.elsewhere {
        return chosen_elsewhere(props);
    }
    if !open || card.grants.len() < 2 {
        return Html::default();
    }
    html! {
        <fieldset class="grants" data-testid="grants" disabled={props.review.state.is_busy()}>
            <legend class="label">{ "This approval is for" }</legend>
            <div>
                { for card.grants.iter().map(|grant| grant_choice(props, *grant)) }
            </div>
        </fieldset>
    }
}

fn chosen_elsewhere(props: &ReviewProps) -> Html {
    let what = match &props.card.access {
        Some(_) => "Which tools are granted",
        None if props.card.grants.len() > 1 => "Whether it is for this call or for longer",
        None => return Html::default(),
    };
    html! {
        <p class="hint" data-testid="chosen-elsewhere">{ what }{ " is chosen in your browser, where your passkey is." }</p>
    }
}

fn grant_choice(props: &ReviewProps, grant: Grant) -> Html {
    let on = props.choice.grant == grant;
    let words = match grant {
        Grant::Once => "This call",
        Grant::ToolHour => "This tool for 1 hour",
        Grant::ToolSession => "This tool in this session",
    };
    let onchange = {
        let choice = props.choice.with(grant);
        props.onchoice.reform(move |_: Event| choice.clone())
    };
    html! {
        <label class={classes!("grant", on.then_some("on"))}>
            <input type="radio" name="grant" checked={on} {onchange} data-testid={format!("grant-{}", grant.word())} />
            <span>{ words }</span>
        </label>
    }
}

/// The tools of an ask for access.
pub(crate) fn tools(props: &ReviewProps, access: &AccessView) -> Html {
    let open = props.card.you.may_decide && props.card.state == RequestState::Pending;
    let time = span(access.minutes);
    html! {
        <section class="asked-tools" data-testid="card-access">
            <header>
                <h2 class="label" id="arguments" tabindex="-1">{ "Tools that are asked for" }</h2>
                <span class="label nowrap">{ format!("for {time}") }</span>
            </header>
            <ul class="box">
                { for access.tools.iter().map(|tool| asked(props, tool, open)) }
            </ul>
            <p class="two wrap">
                if open && props.choice.elsewhere {
                    { "Within that time the calls of what is granted need no other approval, whatever their arguments." }
                } else if open {
                    { "Only what stays ticked is signed and granted. Within that time its calls need no other approval, whatever \
                       their arguments." }
                } else {
                    { "Nothing was called by this request." }
                }
            </p>
        </section>
    }
}

fn asked(props: &ReviewProps, tool: &AccessTool, open: bool) -> Html {
    let on = props.choice.has(&tool.name);
    let name = tool.name.clone();
    let onchange = {
        let (choice, name) = (props.choice.clone(), tool.name.clone());
        props.onchoice.reform(move |event: Event| {
            let on = event.target_dyn_into::<HtmlInputElement>().is_some_and(|input| input.checked());
            choice.ticking(&name, on)
        })
    };
    // Once it is decided the ticks say what was granted, which is not for anybody to move any more.
    let granted = props.card.granted.iter().any(|grant| grant.tool_name == tool.name);
    let words = html! {
        <span class="asked-tool">
            <code class="wrap">{ segments(&tool.tool) }</code>
            if !tool.description.is_empty() {
                <span class="two wrap">{ segments(&tool.description) }</span>
            }
            if open && !tool.ticked {
                <span class="two wrap claim">{ "Left out by somebody who approved before you" }</span>
            }
        </span>
    };
    html! {
        <li data-testid="asked-tool" data-name={name}>
            if open && !props.choice.elsewhere {
                <label class="check">
                    <input type="checkbox" checked={on} {onchange} disabled={props.review.state.is_busy()}
                        data-testid={format!("tick-{}", tool.name)} />
                    { words }
                </label>
            } else {
                { words }
            }
            <span class="badges">
                if granted {
                    { crate::components::badge::badge("ok", "granted") }
                }
                { effect_badge(tool.effect) }
            </span>
        </li>
    }
}
