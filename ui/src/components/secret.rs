//! Something that is shown once, to be copied.

use crate::components::copy_button::CopyButton;
use yew::prelude::*;

pub(crate) fn secret(text: &str, testid: &'static str) -> Html {
    html! {
        <div class="secret">
            <code data-testid={testid}>{ text.to_owned() }</code>
            <CopyButton text={text.to_owned()} testid="copy-secret" />
        </div>
    }
}
