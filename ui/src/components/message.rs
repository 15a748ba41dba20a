//! A page, a list or a panel that has nothing to show says why, and offers a way on.

use crate::components::icon::{Icon, Picture};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct MessageProps {
    pub(crate) title: AttrValue,
    #[prop_or_default]
    pub(crate) text: AttrValue,
    #[prop_or_default]
    pub(crate) picture: Option<Picture>,
    /// Tries again what failed.
    #[prop_or_default]
    pub(crate) retry: Option<Callback<()>>,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) children: Html,
}

#[component]
pub(crate) fn Message(props: &MessageProps) -> Html {
    let failed = props.retry.is_some();
    let picture = props.picture.or(failed.then_some(Picture::Alert));
    let retry = props.retry.clone().map(|retry| Callback::from(move |_: MouseEvent| retry.emit(())));
    html! {
        <div
            class={classes!("message", failed.then_some("failed"))}
            role={failed.then_some("alert")}
            data-testid={props.testid.clone()}
        >
            if let Some(of) = picture {
                <span class="message-icon"><Icon {of} /></span>
            }
            <h2>{ props.title.clone() }</h2>
            if !props.text.is_empty() {
                <p>{ props.text.clone() }</p>
            }
            if let Some(onclick) = retry {
                <button type="button" class="btn" {onclick} data-testid="retry">
                    <Icon of={Picture::Refresh} />{ "Try again" }
                </button>
            }
            { props.children.clone() }
        </div>
    }
}
