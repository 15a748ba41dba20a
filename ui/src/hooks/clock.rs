//! One tick a second for everything that counts: ages, countdowns.

use crate::backend;
use countersign_domain::Timestamp;
use gloo_timers::callback::Interval;
use yew::prelude::*;

/// The current second.
#[derive(Clone, Copy, PartialEq)]
struct Now(Timestamp);

#[derive(Properties, PartialEq)]
pub(crate) struct ClockProps {
    pub(crate) children: Html,
}

/// Gives its children the time.
#[component]
pub(crate) fn ClockProvider(props: &ClockProps) -> Html {
    let now = use_state_eq(|| Now(backend::now()));
    {
        let now = now.setter();
        use_effect_with((), move |()| {
            let tick = Interval::new(1_000, move || {
                // Nobody sees the seconds of a window that is closed or of a tab behind others.
                if !is_hidden() {
                    now.set(Now(backend::now()));
                }
            });
            move || drop(tick)
        });
    }
    html! { <ContextProvider<Now> context={*now}>{ props.children.clone() }</ContextProvider<Now>> }
}

fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}

/// The time by the server's clock; the caller is drawn again every second.
#[hook]
pub(crate) fn use_now() -> Timestamp {
    // For the tick alone: since it the first answer may have told how far off this clock is.
    let _ = use_context::<Now>();
    backend::now()
}
