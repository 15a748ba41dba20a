//! What forms have in common: what went wrong as a whole, lists that are written one entry a line, ticks.

use crate::backend::Failure;
use yew::prelude::*;

/// Everything that is wrong and that no field says.
pub(crate) fn form_error(failure: Option<&Failure>, fields: &[&str]) -> Html {
    let Some(failure) = failure else { return Html::default() };
    let others = failure.about_others(fields);
    let all_at_fields = others.is_empty() && fields.iter().any(|field| failure.about(field).is_some());
    let message = if all_at_fields { "Some fields need another look.".to_owned() } else { failure.message() };
    html! {
        <div class="field-error" role="alert" data-testid="form-error">
            <p>{ message }</p>
            { for others.into_iter().map(|one| html! { <p>{ one }</p> }) }
        </div>
    }
}

/// A list as a person writes it: one entry a line.
pub(crate) fn to_lines(list: Option<&[String]>) -> String {
    list.unwrap_or_default().join("\n")
}

/// The list back; nothing written is no list, which matches everything.
pub(crate) fn from_lines(text: &str) -> Option<Vec<String>> {
    let list = entries(text);
    (!list.is_empty()).then_some(list)
}

/// The entries that are written, without blanks around them.
pub(crate) fn entries(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

/// A box to tick, with its words and what they mean.
pub(crate) fn tick(id: &'static str, on: bool, words: Html, hint: &'static str, onchange: Callback<Event>) -> Html {
    html! {
        <label class="check" for={id}>
            <input {id} type="checkbox" checked={on} {onchange} data-testid={id} />
            <span>
                { words }
                if !hint.is_empty() {
                    <span class="hint">{ hint }</span>
                }
            </span>
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_one_entry_a_line_and_read_back() {
        let list = vec!["Sales, EMEA".to_owned(), "Ops".to_owned()];
        assert_eq!(from_lines(&to_lines(Some(&list))), Some(list));
        assert_eq!(from_lines(" \n\t\n"), None);
        assert_eq!(to_lines(None), "");
        assert_eq!(entries("a\n\n b \r\n"), ["a", "b"]);
    }
}
