//! The frame of the pages before one is signed in, and the one-time token that a link brings along.

use crate::components::brand::brand;
use crate::hooks::navigation::take_token;
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

/// The token that a link brought along.
#[hook]
pub(crate) fn use_link_token() -> Option<String> {
    (*use_memo((), |()| take_token())).clone()
}
