//! What will be sent, whole: as a tree or as the text that it is.

use super::ReviewProps;
use super::leave::tools;
use crate::components::copy_button::CopyButton;
use crate::components::segments::segments;
use crate::components::value_tree::ValueTree;
use crate::display::{counted, plain};
use crate::hooks::folds::FoldAction;
use countersign_wire::requests::Card;
use std::rc::Rc;
use yew::prelude::*;

/// The arguments of a call, or the tools of an ask for access.
pub(crate) fn what(props: &ReviewProps) -> Html {
    match &props.card.access {
        Some(access) => tools(props, access),
        None => arguments(props),
    }
}

fn arguments(props: &ReviewProps) -> Html {
    let card = &props.card;
    let raw = props.folds.raw;
    let toggle = {
        let onfold = props.onfold.clone();
        Callback::from(move |_: MouseEvent| onfold.emit(FoldAction::Raw(!raw)))
    };
    let unseen = props.folds.unseen();
    html! {
        <section class="arguments" data-testid="card-arguments">
            <header>
                <h2 class="label" id="arguments" tabindex="-1">{ if props.phone {
                    "Exactly what will be sent"
                } else {
                    "Arguments, exactly as they will be sent"
                } }</h2>
                <span class="label links">
                    <button type="button" class="link-button" aria-pressed={raw.to_string()} onclick={toggle}
                        data-testid="raw">
                        { if raw { "Tree" } else { "Raw" } }
                    </button>
                    <span aria-hidden="true">{ "·" }</span>
                    <CopyButton text={plain(&card.arguments_raw)} inline=true testid="copy" />
                </span>
            </header>
            if raw {
                if props.phone {
                    <div class="args">{ called(card) }</div>
                }
                <pre class="args raw" tabindex="0">{ segments(&card.arguments_raw) }</pre>
            } else {
                <div class="args">
                    if props.phone {
                        { called(card) }
                    }
                    <ValueTree
                        value={Rc::new(card.arguments.clone())}
                        folds={props.folds.clone()}
                        onfold={props.onfold.clone()}
                        bare_texts={props.phone}
                    />
                </div>
            }
            if unseen > 0 && !raw {
                <p class="two">
                    { counted(unseen, "folded value") }{ " not opened yet. " }
                    { show_everything(&props.onfold) }
                </p>
            }
            if card.arguments_bytes > 4_096 {
                <p class="two">{ format!("{} bytes in all", card.arguments_bytes) }</p>
            }
        </section>
    }
}

/// The tool by its whole name: the headline only says it in passing.
fn called(card: &Card) -> Html {
    html! {
        <div class="called">
            <span>{ "tool" }</span><code class="wrap" data-testid="card-tool">{ segments(&card.tool) }</code>
        </div>
    }
}

/// Opens whatever is folded.
pub(super) fn show_everything(onfold: &Callback<FoldAction>) -> Html {
    let onclick = onfold.reform(|_: MouseEvent| FoldAction::OpenAll);
    html! {
        <button type="button" class="link-button" {onclick} data-testid="open-all">{ "Show everything" }</button>
    }
}
