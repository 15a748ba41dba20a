//! The list of keys, behind `?`.

use crate::components::dialog::Dialog;
use yew::prelude::*;

const KEYS: [(&str, &str); 8] = [
    ("j / k", "Next, previous request"),
    ("Enter", "Open the request"),
    ("a", "Approve the open request"),
    ("d", "Deny the open request"),
    ("Esc", "Close the request"),
    ("/", "Go to the filters"),
    ("?", "This list"),
    ("Tab", "Reach everything else"),
];

pub(crate) fn keys_dialog(onclose: Callback<()>) -> Html {
    html! {
        <Dialog title="Keys" {onclose} testid="keys">
            <dl class="keys">
                { for KEYS.iter().map(|(key, what)| html! {
                    <div><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></div>
                }) }
            </dl>
        </Dialog>
    }
}
