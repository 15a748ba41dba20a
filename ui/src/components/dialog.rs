//! A modal dialog with a title and a way out.

use crate::components::icon::{Picture, icon};
use crate::hooks::dialog::use_modal;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct DialogProps {
    pub(crate) title: AttrValue,
    pub(crate) onclose: Callback<()>,
    pub(crate) children: Html,
    /// Escape doesn't close it: it shows something that is shown only once.
    #[prop_or_default]
    pub(crate) must_answer: bool,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
}

#[component]
pub(crate) fn Dialog(props: &DialogProps) -> Html {
    let node = use_modal();
    let must_answer = props.must_answer;
    let oncancel = {
        let onclose = props.onclose.clone();
        Callback::from(move |event: Event| {
            event.prevent_default();
            if !must_answer {
                onclose.emit(());
            }
        })
    };
    let onclick = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    html! {
        <dialog ref={node} {oncancel} aria-labelledby="dialog-title" data-testid={props.testid.clone()}>
            <header>
                <h2 id="dialog-title">{ props.title.clone() }</h2>
                if !must_answer {
                    <button type="button" class="icon-button" aria-label="Close" {onclick}>
                        { icon(Picture::Close) }
                    </button>
                }
            </header>
            { props.children.clone() }
        </dialog>
    }
}
