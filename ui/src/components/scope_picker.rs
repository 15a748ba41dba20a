//! Some of the connectors that there are, to be ticked; kept as lines of text like every other list of a form.

use crate::components::chips::{chip, toggled};
use crate::components::form::entries;
use crate::hooks::fetch::{Fetched, Loadable};
use countersign_wire::connectors::ConnectorRow;
use yew::prelude::*;

const ID: &str = "connectors";

/// `chosen` may name connectors that there no longer are: they stay, and stay visible.
pub(crate) fn scope_picker(
    error: Option<String>,
    known: &Fetched<Vec<ConnectorRow>>,
    chosen: &str,
    onchosen: &Callback<String>,
) -> Html {
    let now = entries(chosen);
    let slugs: Vec<&str> =
        known.data.ready().map(|rows| rows.iter().map(|row| row.slug.as_str()).collect()).unwrap_or_default();
    let gone = now.iter().map(String::as_str).filter(|name| !slugs.contains(name));
    html! {
        <fieldset class={classes!("field", error.is_some().then_some("wrong"))}>
            <legend class="field-name">{ "Connectors" }</legend>
            <div class="chips">
                { for slugs.iter().copied().chain(gone).map(|name| one(name, &now, onchosen)) }
                { instead(known) }
            </div>
            if let Some(error) = error {
                <p class="field-error" role="alert" data-testid="error-connectors">{ error }</p>
            }
            <p class="hint">{ "None chosen means all." }</p>
        </fieldset>
    }
}

/// Why there is nothing to tick. A list that failed to come must not read as an empty one.
fn instead(known: &Fetched<Vec<ConnectorRow>>) -> Html {
    match &known.data {
        Loadable::Ready(rows) if rows.is_empty() => html! { <span class="hint">{ "There are none yet." }</span> },
        Loadable::Ready(_) => Html::default(),
        Loadable::Loading => html! { <span class="hint">{ "Loading…" }</span> },
        Loadable::Failed(failure) => {
            let onclick = known.reload.reform(|_: MouseEvent| ());
            html! {
                <p class="field-error" role="alert">
                    { failure.message() }{ " " }
                    <button type="button" class="link-button" {onclick} data-testid="retry">{ "Try again" }</button>
                </p>
            }
        }
    }
}

fn one(name: &str, now: &[String], onchosen: &Callback<String>) -> Html {
    let next = toggled(now, name).join("\n");
    let onchange = onchosen.reform(move |_: Event| next.clone());
    chip(format!("{ID}-{name}"), name, "", now.iter().any(|one| one == name), onchange)
}
