//! Whether the page is kept up to date.

use crate::backend::Connection;
use yew::prelude::*;

pub(crate) fn live_dot(connection: Connection) -> Html {
    let (class, word, title) = match connection {
        Connection::Live => ("live", "Live", "Changes are shown as they happen"),
        Connection::Reconnecting => ("live away", "Reconnecting", "The connection is gone; it is tried again"),
    };
    html! {
        <span {class} {title} role="status" data-testid="live"><i class="dot" aria-hidden="true" />{ word }</span>
    }
}
