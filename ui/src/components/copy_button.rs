//! Copies a text, and says whether that worked.

use crate::components::icon::{Picture, icon};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct CopyButtonProps {
    pub(crate) text: AttrValue,
    #[prop_or(AttrValue::Static("Copy"))]
    pub(crate) label: AttrValue,
    /// As a word among words rather than a button.
    #[prop_or_default]
    pub(crate) inline: bool,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
}

#[component]
pub(crate) fn CopyButton(props: &CopyButtonProps) -> Html {
    let said = use_state_eq(|| None::<&'static str>);
    let onclick = {
        let (text, said) = (props.text.clone(), said.setter());
        Callback::from(move |_: MouseEvent| {
            let (text, said) = (text.clone(), said.clone());
            spawn_local(async move {
                said.set(Some(if copy(&text).await { "Copied" } else { "Can't copy" }));
                TimeoutFuture::new(2_000).await;
                said.set(None);
            });
        })
    };
    let class = if props.inline { "link-button" } else { "btn" };
    html! {
        <button type="button" {class} {onclick} data-testid={props.testid.clone()}>
            if !props.inline {
                { icon(if *said == Some("Copied") { Picture::Check } else { Picture::Copy }) }
            }
            // What it says for a moment is shorter: nothing beside it moves under the hand that just pressed.
            <span class="copy-words">
                <span aria-hidden={said.is_some().then_some("true")} class={classes!(said.is_some().then_some("away"))}>
                    { props.label.clone() }
                </span>
                <span aria-live="polite">{ said.unwrap_or_default() }</span>
            </span>
        </button>
    }
}

/// Where there is no clipboard (plain http away from localhost) nothing is copied, and that is said.
async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    if !window.is_secure_context() {
        return false;
    }
    JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}
