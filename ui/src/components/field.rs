//! A field of a form: label, control, a hint, and what the server says is wrong with it.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct FieldProps {
    /// The control's id; hint and error are tied to it.
    pub(crate) id: AttrValue,
    pub(crate) label: AttrValue,
    #[prop_or_default]
    pub(crate) hint: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) error: Option<String>,
    pub(crate) children: Html,
}

#[component]
pub(crate) fn Field(props: &FieldProps) -> Html {
    let class = classes!("field", props.error.is_some().then_some("wrong"));
    html! {
        <div {class}>
            <label for={props.id.clone()}>{ props.label.clone() }</label>
            { props.children.clone() }
            if let Some(error) = &props.error {
                <p class="field-error" role="alert" data-testid={format!("error-{}", props.id)}>{ error.clone() }</p>
            }
            if let Some(hint) = &props.hint {
                <p class="hint">{ hint.clone() }</p>
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
