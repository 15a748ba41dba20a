//! The desktop app's first start: a desk on this computer, or a team's.

use crate::backend::shell;
use crate::components::brand::brand;
use crate::components::button::Button;
use crate::components::copy_diagnostics::CopyDiagnostics;
use crate::components::field::{field, typed};
use crate::components::form::form_error;
use crate::hooks::title::use_title;
use crate::hooks::use_task;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct FirstStartProps {
    /// The address that a link named.
    pub(crate) offered: Option<AttrValue>,
}

#[component]
pub(crate) fn FirstStartPage(props: &FirstStartProps) -> Html {
    use_title("Welcome", None);
    let address = use_state_eq(|| props.offered.as_ref().map(ToString::to_string).unwrap_or_default());
    let (running, connecting) = (use_task(), use_task());
    let busy = running.is_busy() || connecting.is_busy();
    let run = {
        let running = running.clone();
        Callback::from(move |()| running.run(shell::run_here()))
    };
    let onsubmit = {
        let (connecting, address) = (connecting.clone(), address.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            connecting.run(shell::connect(address.trim().to_owned()));
        })
    };
    let input = html! {
        <input id="address" type="text" inputmode="url" autocomplete="off" spellcheck="false" required=true
            placeholder="desk.example.com" value={(*address).clone()} oninput={typed(address.setter())}
            data-testid="app-address" />
    };
    html! {
        <main class="gate">
            { brand() }
            <h1 class="welcome">{ "Where is your desk?" }</h1>
            <div class="ways">
                <section class="gate-card">
                    <h2>{ "On this computer" }</h2>
                    <p class="soft">
                        { "For agents that work for you. The desk runs as long as this app does, also with its window \
                           closed, and nobody else reaches it." }
                    </p>
                    { form_error(running.failure(), &[]) }
                    <Button tone="main wide" onclick={run} busy={running.is_busy()} held={busy} testid="app-run-here">
                        { "Run Countersign on this computer" }
                    </Button>
                </section>
                <form class="gate-card" {onsubmit}>
                    <h2>{ "With your team" }</h2>
                    { field("address", "Its address, or the link that you were sent", "", None, input) }
                    { form_error(connecting.failure(), &[]) }
                    <Button tone="wide" busy={connecting.is_busy()} held={busy} testid="app-connect">
                        { "Connect to a team server" }
                    </Button>
                </form>
            </div>
            <CopyDiagnostics inline=true />
        </main>
    }
}
