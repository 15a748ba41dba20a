//! Native modal dialogs: the browser traps the focus, closes on Escape and gives the focus back.

use crate::hooks::focus::focus_on;
use web_sys::HtmlDialogElement;
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
                // Left alone, a browser focuses the cross that closes it; what it is about comes first.
                focus_on("dialog :is(input, select, textarea, .btn)");
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
