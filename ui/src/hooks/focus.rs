//! Where the focus goes when what held it is gone. Left alone it falls to the page's beginning, and who works by
//! keyboard or by ear has to find the way back.

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

fn find(selector: &str) -> Option<Element> {
    document()?.query_selector(selector).ok().flatten()
}

/// Whether nothing on the page has the focus.
fn is_lost() -> bool {
    let active = document().and_then(|page| page.active_element());
    active.is_none_or(|element| element.tag_name() == "BODY")
}

/// Whether the element that has the focus is this one.
pub(crate) fn is_on(selector: &str) -> bool {
    let active = document().and_then(|page| page.active_element());
    active.is_some_and(|element| element.matches(selector).unwrap_or(false))
}

/// Focuses the first element that matches; answers whether there is one.
pub(crate) fn focus_on(selector: &str) -> bool {
    let found = find(selector).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    found.is_some_and(|element| element.focus().is_ok())
}

/// If nothing has the focus, the first of these that can take it gets it.
pub(crate) fn focus_if_lost(selectors: &[&str]) {
    for selector in selectors.iter().filter(|_| is_lost()) {
        focus_on(selector);
    }
}

/// Focuses the first field that the server finds fault with, also where it is folded away.
pub(crate) fn focus_first_wrong() {
    let Some(field) = find(".field.wrong") else { return };
    if let Some(folded) = field.closest("details").ok().flatten() {
        let _ = folded.set_attribute("open", "");
    }
    focus_on(".field.wrong :is(input, textarea, select)");
}

/// Scrolls no further than it takes to show it.
pub(crate) fn reveal(selector: &str) {
    let Some(element) = find(selector) else { return };
    let how = ScrollIntoViewOptions::new();
    how.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&how);
}
