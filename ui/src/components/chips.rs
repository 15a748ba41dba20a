//! Things to be ticked, side by side.

use yew::prelude::*;

pub(crate) fn chip(testid: String, words: &str, title: &str, on: bool, onchange: Callback<Event>) -> Html {
    html! {
        <label class={classes!("chip", on.then_some("on"))} title={title.to_owned()}>
            <input type="checkbox" checked={on} {onchange} data-testid={testid} />{ words.to_owned() }
        </label>
    }
}

/// With the name added, or without it.
pub(crate) fn toggled(now: &[String], name: &str) -> Vec<String> {
    let mut next: Vec<String> = now.iter().filter(|one| *one != name).cloned().collect();
    if next.len() == now.len() {
        next.push(name.to_owned());
    }
    next
}

#[cfg(test)]
mod tests {
    use super::toggled;

    #[test]
    fn a_tick_adds_and_the_next_one_takes_away() {
        let now = ["a".to_owned()];
        assert_eq!(toggled(&now, "b"), ["a", "b"]);
        assert!(toggled(&now, "a").is_empty());
    }
}
