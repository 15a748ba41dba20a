//! A field of a form: label, control, a hint, and what the server says is wrong with it.

use yew::prelude::*;

/// A label with its control, whose id it names; under it what is wrong, and a hint.
pub(crate) fn field(id: &str, label: &str, hint: &'static str, error: Option<String>, control: Html) -> Html {
    html! {
        <div class={classes!("field", error.is_some().then_some("wrong"))}>
            <label for={id.to_owned()}>{ label.to_owned() }</label>
            { control }
            if let Some(error) = error {
                <p class="field-error" role="alert" data-testid={format!("error-{id}")}>{ error }</p>
            }
            if !hint.is_empty() {
                <p class="hint">{ hint }</p>
            }
        </div>
    }
}

/// What was typed into a text field or chosen in a list.
pub(crate) fn typed(set: UseStateSetter<String>) -> Callback<InputEvent> {
    Callback::from(move |event: InputEvent| {
        if let Some(text) = value_of(&event) {
            set.set(text);
        }
    })
}

/// The value of the control that an event came from.
pub(crate) fn value_of(event: &Event) -> Option<String> {
    use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
    event
        .target_dyn_into::<HtmlInputElement>()
        .map(|input| input.value())
        .or_else(|| event.target_dyn_into::<HtmlTextAreaElement>().map(|area| area.value()))
        .or_else(|| event.target_dyn_into::<HtmlSelectElement>().map(|select| select.value()))
}

/// Whether the box that an event came from is ticked.
pub(crate) fn is_ticked(event: &Event) -> bool {
    event.target_dyn_into::<web_sys::HtmlInputElement>().is_some_and(|input| input.checked())
}

/// The digits that were typed, as a number; 0 without any.
pub(crate) fn digits_of(event: &Event) -> u32 {
    number_in(&value_of(event).unwrap_or_default())
}

/// A field for a whole number: nothing is written where it is 0.
pub(crate) fn number_input(id: &str, value: u32, oninput: Callback<InputEvent>) -> Html {
    let text = if value == 0 { String::new() } else { value.to_string() };
    html! {
        <input id={id.to_owned()} type="text" inputmode="numeric" autocomplete="off" class="number" value={text} {oninput}
            data-testid={id.to_owned()} />
    }
}

fn number_in(text: &str) -> u32 {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::number_in;

    #[test]
    fn whatever_is_typed_only_its_digits_count() {
        assert_eq!([number_in("120"), number_in("1.5"), number_in("-3"), number_in("")], [120, 15, 3, 0]);
        assert_eq!(number_in("99999999999"), 999_999);
    }
}
