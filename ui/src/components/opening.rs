//! Before anything is known. In the desktop app somebody whose desk takes long may turn to another one.

use crate::backend::shell;
use crate::components::another_desk::AnotherDesk;
use crate::components::copy_diagnostics::CopyDiagnostics;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

/// Longer than a desk that is well takes.
const LONG_MS: u32 = 5_000;

#[component]
pub(crate) fn Opening() -> Html {
    let long = use_state_eq(|| false);
    {
        let set = long.setter();
        use_effect_with((), move |()| {
            let timer = shell::is_here().then(|| Timeout::new(LONG_MS, move || set.set(true)));
            move || drop(timer)
        });
    }
    html! {
        <div class="boot-wait" data-testid="opening">
            <span role="status">{ "Opening the desk…" }</span>
            if *long {
                <AnotherDesk />
                <CopyDiagnostics inline=true />
            }
        </div>
    }
}
