//! The frame of the pages before one is signed in, and the one-time token that a link brings along.

use crate::components::brand::Brand;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct GateProps {
    pub(crate) title: AttrValue,
    #[prop_or_default]
    pub(crate) text: AttrValue,
    pub(crate) children: Html,
}

#[component]
pub(crate) fn Gate(props: &GateProps) -> Html {
    html! {
        <main class="gate">
            <Brand />
            <section class="gate-card">
                <h1>{ props.title.clone() }</h1>
                if !props.text.is_empty() {
                    <p class="soft">{ props.text.clone() }</p>
                }
                { props.children.clone() }
            </section>
        </main>
    }
}

/// The token in the address's fragment, which is never sent to a server. It is taken out of the address at once, so
/// that it stays neither in the history nor on the screen.
#[hook]
pub(crate) fn use_link_token() -> Option<String> {
    (*use_memo((), |()| take_token())).clone()
}

fn take_token() -> Option<String> {
    let window = web_sys::window()?;
    let location = window.location();
    let token = location.hash().ok()?.strip_prefix('#').map(ToOwned::to_owned).filter(|token| !token.is_empty())?;
    let path = location.pathname().ok()?;
    let history = window.history().ok()?;
    let state = history.state().unwrap_or(wasm_bindgen::JsValue::NULL);
    let _ = history.replace_state_with_url(&state, "", Some(&path));
    Some(token)
}
