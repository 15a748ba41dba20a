//! Copies what whoever helps with the desktop app wants to know. It is there before the press: engines let a page write
//! to the clipboard only at once.

use crate::backend::shell;
use crate::components::copy_button::CopyButton;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct CopyDiagnosticsProps {
    /// As a word among words rather than a button.
    #[prop_or_default]
    pub(crate) inline: bool,
}

#[component]
pub(crate) fn CopyDiagnostics(props: &CopyDiagnosticsProps) -> Html {
    let text = use_state_eq(String::new);
    {
        let set = text.setter();
        // Asked for anew whenever the app stands differently: the log then says why.
        use_effect_with((), move |()| {
            let listening = shell::on_status(Callback::from(move |_| {
                let set = set.clone();
                spawn_local(async move { set.set(shell::diagnostics().await.unwrap_or_default()) });
            }));
            move || drop(listening)
        });
    }
    html! {
        <CopyButton text={(*text).clone()} label="Copy diagnostics" inline={props.inline} testid="copy-diagnostics" />
    }
}
