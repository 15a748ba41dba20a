//! Some of the things that there are, to be ticked; kept as lines of text like every other list of a form.

use crate::components::form::entries;
use yew::prelude::*;

/// `chosen` may name things that there no longer are: they stay, and stay visible.
pub(crate) fn scope_picker(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    error: Option<String>,
    known: &[String],
    chosen: &str,
    onchosen: &Callback<String>,
) -> Html {
    let now = entries(chosen);
    let gone = now.iter().filter(|name| !known.contains(name));
    html! {
        <fieldset class={classes!("field", error.is_some().then_some("wrong"))}>
            <legend class="field-name">{ label }</legend>
            <div class="chips">
                { for known.iter().chain(gone).map(|name| chip(id, name, &now, onchosen)) }
                if known.is_empty() && now.is_empty() {
                    <span class="hint">{ "There are none yet." }</span>
                }
            </div>
            if let Some(error) = error {
                <p class="field-error" role="alert" data-testid={format!("error-{id}")}>{ error }</p>
            }
            <p class="hint">{ hint }</p>
        </fieldset>
    }
}

fn chip(id: &str, name: &str, now: &[String], onchosen: &Callback<String>) -> Html {
    let on = now.iter().any(|one| one == name);
    let next = toggled(now, name);
    let onchange = onchosen.reform(move |_: Event| next.clone());
    html! {
        <label class={classes!("chip", on.then_some("on"))}>
            <input type="checkbox" checked={on} {onchange} data-testid={format!("{id}-{name}")} />{ name.to_owned() }
        </label>
    }
}

fn toggled(now: &[String], name: &str) -> String {
    let mut next: Vec<&str> = now.iter().map(String::as_str).filter(|one| *one != name).collect();
    if next.len() == now.len() {
        next.push(name);
    }
    next.join("\n")
}

#[cfg(test)]
mod tests {
    use super::toggled;

    #[test]
    fn a_tick_adds_and_the_next_one_takes_away() {
        let now = ["a".to_owned()];
        assert_eq!(toggled(&now, "b"), "a\nb");
        assert_eq!(toggled(&now, "a"), "");
    }
}
