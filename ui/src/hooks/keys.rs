//! Single keys as shortcuts, never while somebody types, chooses or answers a dialog.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

/// Calls back for keys pressed anywhere on the page. The callback answers whether it took the key.
#[hook]
pub(crate) fn use_keys(on: Callback<KeyboardEvent, bool>) {
    let latest = use_mut_ref(|| Callback::from(|_: KeyboardEvent| false));
    *latest.borrow_mut() = on;
    use_effect_with((), move |()| {
        let document = web_sys::window().and_then(|window| window.document());
        let pressed = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| {
            if event.default_prevented() || event.ctrl_key() || event.meta_key() || event.alt_key() || is_busy(&event) {
                return;
            }
            let now = latest.borrow().clone();
            if now.emit(event.clone()) {
                event.prevent_default();
            }
        });
        if let Some(document) = &document {
            let _ = document.add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
        }
        move || {
            if let Some(document) = document {
                let _ = document.remove_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
            }
        }
    });
}

/// In a field every key but Escape is text, and so it is while a reason for denying is written, wherever the focus is:
/// nobody who has begun to deny means to approve. An open dialog has keys of its own.
fn is_busy(event: &KeyboardEvent) -> bool {
    let page = web_sys::window().and_then(|window| window.document());
    let shown = |selector| page.as_ref().is_some_and(|page| page.query_selector(selector).ok().flatten().is_some());
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let typing = target.is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
    shown("dialog[open]") || (event.key() != "Escape" && (typing || shown(".deny-form")))
}
