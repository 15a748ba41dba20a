//! A page's heading, with a line under it and its actions.

use yew::prelude::*;

/// `beside` stands at the title, `actions` at the right.
pub(crate) fn page_head(title: &'static str, text: &'static str, beside: Html, actions: Html) -> Html {
    html! {
        <header class="page-head">
            <div>
                <h1 id="page-title" tabindex="-1">{ title }{ beside }</h1>
                <p class="sub">{ text }</p>
            </div>
            { actions }
        </header>
    }
}
