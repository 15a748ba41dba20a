//! What a list looks like before it is there.

use yew::prelude::*;

pub(crate) fn skeleton(rows: u32) -> Html {
    html! {
        <div class="skeleton" role="status" data-testid="loading">
            <span class="unseen">{ "Loading" }</span>
            { for (0..rows).map(|_| html! { <div class="bone-row"><i /><i /><i /><i /></div> }) }
        </div>
    }
}

/// What a request looks like before it is there.
pub(crate) fn bones() -> Html {
    html! {
        <div class="bones" role="status" data-testid="loading">
            <span class="unseen">{ "Loading" }</span><i /><i /><i /><i /><i />
        </div>
    }
}
