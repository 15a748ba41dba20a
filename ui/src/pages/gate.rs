//! The frame of the pages before one is signed in, and the one-time token that a link brings along.

use crate::components::brand::brand;
use yew::prelude::*;

/// A card in the middle of the page.
pub(crate) fn gate(title: &str, text: &str, inside: Html) -> Html {
    html! {
        <main class="gate">
            { brand() }
            <section class="gate-card">
                <h1>{ title.to_owned() }</h1>
                if !text.is_empty() {
                    <p class="soft">{ text.to_owned() }</p>
                }
                { inside }
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
