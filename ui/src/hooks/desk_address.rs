//! Where agents and browsers reach the desk. In the desktop app the page's own address says nothing of it.

use yew::prelude::*;

/// What the shell says, as a context.
#[derive(Clone, PartialEq)]
pub(crate) struct DeskAddress(pub(crate) AttrValue);

#[hook]
pub(crate) fn use_desk_address() -> AttrValue {
    use_context::<DeskAddress>().map_or_else(of_this_page, |DeskAddress(address)| address)
}

fn of_this_page() -> AttrValue {
    let origin = web_sys::window().and_then(|window| window.location().origin().ok());
    origin.unwrap_or_default().into()
}
