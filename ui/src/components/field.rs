//! A field of a form: label, control, a hint, and what the server says is wrong with it.

use yew::prelude::*;

/// A label with its control, whose id it names; under it what is wrong, and a hint.
pub(crate) fn field(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    error: Option<String>,
    control: Html,
) -> Html {
    html! {
        <div class={classes!("field", error.is_some().then_some("wrong"))}>
            <label for={id}>{ label }</label>
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
