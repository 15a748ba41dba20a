//! Whether a media query holds, kept up to date.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, MediaQueryList};
use yew::prelude::*;

/// Below this the panel is the phone screen.
pub(crate) const PHONE: &str = "(max-width: 699.98px)";

fn query(text: &str) -> Option<MediaQueryList> {
    web_sys::window()?.match_media(text).ok()?
}

/// Whether the media query holds.
#[hook]
pub(crate) fn use_media(text: &'static str) -> bool {
    let holds = use_state_eq(|| query(text).is_some_and(|list| list.matches()));
    let set = holds.setter();
    use_effect_with(text, move |text| {
        let watched = query(text).map(|list| {
            set.set(list.matches());
            let seen = list.clone();
            let changed = Closure::<dyn FnMut(Event)>::new(move |_| set.set(seen.matches()));
            let _ = list.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
            (list, changed)
        });
        move || {
            if let Some((list, changed)) = watched {
                let _ = list.remove_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
            }
        }
    });
    *holds
}
