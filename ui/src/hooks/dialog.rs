//! Native modal dialogs: the browser traps the focus, closes on Escape and gives the focus back.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement};
use yew::prelude::*;

/// Opens the dialog behind the reference when it appears. Leaving it is the caller's, by `onclose`.
#[hook]
pub(crate) fn use_modal() -> NodeRef {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            let dialog = node.cast::<HtmlDialogElement>();
            if let Some(dialog) = &dialog
                && !dialog.open()
            {
                let _ = dialog.show_modal();
                focus_first(dialog);
            }
            move || {
                if let Some(dialog) = dialog {
                    dialog.close();
                }
            }
        });
    }
    node
}

/// Left alone, a browser focuses the cross that closes the dialog; what it is about comes first.
fn focus_first(dialog: &HtmlDialogElement) {
    let first = dialog.query_selector("input, select, textarea, .btn").ok().flatten();
    if let Some(first) = first.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = first.focus();
    }
}
