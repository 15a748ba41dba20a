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
    /// At work; shown as `Processing...`.
    #[prop_or_default]
    pub(crate) busy: bool,
    #[prop_or_default]
    pub(crate) title: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) described_by: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) node: NodeRef,
}

#[component]
pub(crate) fn Button(props: &ButtonProps) -> Html {
    let kind = if props.onclick.is_some() { "button" } else { "submit" };
    let onclick = props.onclick.clone().map(|onclick| Callback::from(move |_: MouseEvent| onclick.emit(())));
    html! {
        <button
            ref={props.node.clone()}
            type={kind}
            class={classes!("btn", props.tone)}
            disabled={props.disabled || props.busy}
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
