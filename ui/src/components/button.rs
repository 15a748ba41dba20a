//! A button that says when it is at work, and can't be pressed twice meanwhile.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ButtonProps {
    pub(crate) children: Html,
    /// None in a form: there it submits.
    #[prop_or_default]
    pub(crate) onclick: Option<Callback<()>>,
    /// `ok`, `no`, `main`, `quiet` or nothing.
    #[prop_or_default]
    pub(crate) tone: &'static str,
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// Something else is at work. It can't be pressed meanwhile, and keeps the focus: a browser takes it from what is
    /// disabled.
    #[prop_or_default]
    pub(crate) held: bool,
    /// At work itself; shown as `Processing...`. It keeps the focus too.
    #[prop_or_default]
    pub(crate) busy: bool,
    #[prop_or_default]
    pub(crate) title: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) described_by: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
}

#[component]
pub(crate) fn Button(props: &ButtonProps) -> Html {
    let kind = if props.onclick.is_some() { "button" } else { "submit" };
    let held = props.busy || props.held;
    let onclick = {
        let onclick = props.onclick.clone();
        Callback::from(move |event: MouseEvent| match &onclick {
            _ if held => event.prevent_default(),
            Some(onclick) => onclick.emit(()),
            None => {}
        })
    };
    html! {
        <button
            type={kind}
            class={classes!("btn", props.tone)}
            disabled={props.disabled && !held}
            aria-disabled={held.then_some("true")}
            aria-busy={props.busy.then_some("true")}
            aria-describedby={props.described_by.clone()}
            title={props.title.clone()}
            data-testid={props.testid.clone()}
            {onclick}
        >
            if props.busy {
                <i class="spinner" aria-hidden="true" />{ "Processing..." }
            } else {
                { props.children.clone() }
            }
        </button>
    }
}
