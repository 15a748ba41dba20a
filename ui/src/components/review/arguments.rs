//! What will be sent, whole: as a tree or as the text that it is.

use super::ReviewProps;
use crate::components::copy_button::CopyButton;
use crate::components::segments::segments;
use crate::components::value_tree::ValueTree;
use crate::display::{counted, plain};
use crate::hooks::folds::FoldAction;
use std::rc::Rc;
use yew::prelude::*;

pub(crate) fn arguments(props: &ReviewProps) -> Html {
    let card = &props.card;
    let raw = props.folds.raw;
    let toggle = {
        let onfold = props.onfold.clone();
        Callback::from(move |_: MouseEvent| onfold.emit(FoldAction::Raw(!raw)))
    };
    let open_all = {
        let onfold = props.onfold.clone();
        Callback::from(move |_: MouseEvent| onfold.emit(FoldAction::OpenAll))
    };
    let unseen = props.folds.unseen();
    html! {
        <section class="arguments" data-testid="card-arguments">
            <header>
                <h2 class="label">{ "Arguments, exactly as they will be sent" }</h2>
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
                <pre class="args raw" tabindex="0">{ segments(&card.arguments_raw) }</pre>
            } else {
                <div class="args">
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
                    <button type="button" class="link-button" onclick={open_all} data-testid="open-all">
                        { "Show everything" }
                    </button>
                </p>
            }
            if card.arguments_bytes > 4_096 {
                <p class="two">{ format!("{} bytes in all", card.arguments_bytes) }</p>
            }
        </section>
    }
}
