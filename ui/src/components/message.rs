//! A page, a list or a panel that has nothing to show says why, and offers a way on.

use crate::backend::Failure;
use crate::components::icon::{Picture, icon};
use yew::prelude::*;

/// Nothing is there, and that is well.
pub(crate) fn message(of: Picture, title: &'static str, text: &'static str, testid: &'static str, on: Html) -> Html {
    html! {
        <div class="message" data-testid={testid}>
            <span class="message-icon">{ icon(of) }</span>
            <h2>{ title }</h2>
            <p>{ text }</p>
            { on }
        </div>
    }
}

/// A page that its reader is not meant to see, though they know its address.
pub(crate) fn for_admins(of: Picture, text: &'static str) -> Html {
    html! {
        <main class="list">{ message(of, "This page is for admins", text, "forbidden", Html::default()) }</main>
    }
}

/// Something could not be shown; it can be tried again.
pub(crate) fn failed(title: &'static str, failure: &Failure, retry: &Callback<()>, testid: &'static str) -> Html {
    let onclick = retry.reform(|_: MouseEvent| ());
    html! {
        <div class="message failed" role="alert" data-testid={testid}>
            <span class="message-icon">{ icon(Picture::Alert) }</span>
            <h2>{ title }</h2>
            <p>{ failure.message() }</p>
            <button type="button" class="btn" {onclick} data-testid="retry">
                { icon(Picture::Refresh) }{ "Try again" }
            </button>
        </div>
    }
}
