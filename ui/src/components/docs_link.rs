//! The link to the documentation that the desk serves. The desktop app has it opened in the browser.

use crate::backend::shell;
use crate::hooks::use_desk_address;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[component]
pub(crate) fn DocsLink() -> Html {
    let address = use_desk_address();
    let refused = use_state_eq(|| false);
    if !shell::is_here() {
        return html! { <a href="/docs" target="_blank" rel="noopener">{ "/docs" }</a> };
    }
    // What the shell does not open can still be typed.
    if *refused {
        return html! { <code class="wrap" data-testid="docs">{ format!("{address}/docs") }</code> };
    }
    let onclick = {
        let set = refused.setter();
        Callback::from(move |_: MouseEvent| {
            let set = set.clone();
            spawn_local(async move { set.set(shell::open_docs().await.is_err()) });
        })
    };
    html! { <button type="button" class="link-button" {onclick} data-testid="docs">{ "/docs" }</button> }
}
