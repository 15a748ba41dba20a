//! Where the reader is, and going elsewhere without loading the page anew.
//!
//! A few lines of our own on the browser's history: the general router for Yew adds 25 KB to what every visitor loads
//! (brotli; the budget for all of it is 300).

use crate::routes::Route;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, UrlSearchParams, Window};
use yew::prelude::*;

/// The address, without its fragment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: AttrValue,
    query: AttrValue,
}

impl Place {
    fn of(window: &Window) -> Self {
        let location = window.location();
        let path = location.pathname().unwrap_or_default().into();
        Self { path, query: location.search().unwrap_or_default().into() }
    }

    /// Whether a name stands in the query, with a value or without.
    pub(crate) fn says(&self, name: &str) -> bool {
        UrlSearchParams::new_with_str(&self.query).is_ok_and(|query| query.has(name))
    }

    /// What stands after a name in the query.
    pub(crate) fn asked(&self, name: &str) -> Option<String> {
        let query = UrlSearchParams::new_with_str(&self.query).ok()?;
        query.get(name).filter(|value| !value.is_empty())
    }
}

/// Takes the reader elsewhere.
#[derive(Clone, PartialEq)]
pub(crate) struct Navigator {
    place: Place,
    set: UseStateSetter<Place>,
}

impl Navigator {
    pub(crate) fn push(&self, route: &Route) {
        self.push_with(route, "");
    }

    /// With a query, as [`crate::routes::query`] writes it.
    pub(crate) fn push_with(&self, route: &Route, query: &str) {
        self.go(&address(route, query), false);
    }

    pub(crate) fn replace(&self, route: &Route) {
        self.replace_with(route, "");
    }

    pub(crate) fn replace_with(&self, route: &Route, query: &str) {
        self.go(&address(route, query), true);
    }

    fn go(&self, address: &str, replace: bool) {
        let Some(window) = web_sys::window() else { return };
        let Ok(history) = window.history() else { return };
        let gone = if replace {
            history.replace_state_with_url(&JsValue::NULL, "", Some(address))
        } else {
            history.push_state_with_url(&JsValue::NULL, "", Some(address))
        };
        if gone.is_ok() {
            self.set.set(Place::of(&window));
        }
    }
}

fn address(route: &Route, query: &str) -> String {
    let path = route.path();
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

#[derive(Properties, PartialEq)]
pub(crate) struct NavigationProviderProps {
    pub(crate) children: Html,
}

/// Knows where the reader is, also when they go back.
#[component]
pub(crate) fn NavigationProvider(props: &NavigationProviderProps) -> Html {
    let place = use_state_eq(|| web_sys::window().map(|window| Place::of(&window)).unwrap_or_default());
    {
        let set = place.setter();
        use_effect_with((), move |()| {
            let window = web_sys::window();
            let moved = Closure::<dyn FnMut(Event)>::new(move |_| {
                if let Some(window) = web_sys::window() {
                    set.set(Place::of(&window));
                }
            });
            if let Some(window) = &window {
                let _ = window.add_event_listener_with_callback("popstate", moved.as_ref().unchecked_ref());
            }
            move || {
                if let Some(window) = window {
                    let _ = window.remove_event_listener_with_callback("popstate", moved.as_ref().unchecked_ref());
                }
            }
        });
    }
    let navigator = Navigator { place: (*place).clone(), set: place.setter() };
    html! { <ContextProvider<Navigator> context={navigator}>{ props.children.clone() }</ContextProvider<Navigator>> }
}

/// The token in the address's fragment, which is never sent to a server. It is taken out of the address at once, so
/// that it stays neither in the history nor on the screen.
pub(crate) fn take_token() -> Option<String> {
    let window = web_sys::window()?;
    let location = window.location();
    let token = location.hash().ok()?.strip_prefix('#').map(ToOwned::to_owned).filter(|token| !token.is_empty())?;
    let path = location.pathname().ok()?;
    let history = window.history().ok()?;
    let state = history.state().unwrap_or(JsValue::NULL);
    let _ = history.replace_state_with_url(&state, "", Some(&path));
    Some(token)
}

/// A ticket in the address of a page for people who are signed in: the desktop app sends a browser ahead with one.
pub(crate) fn take_ticket() -> Option<String> {
    let location = web_sys::window()?.location();
    let is_ticket = is_token(location.hash().ok()?.strip_prefix('#')?);
    let is_private = Route::recognize(&location.pathname().ok()?).is_private();
    if is_ticket && is_private { take_token() } else { None }
}

/// Whether a fragment is a token rather than a place on the page: 43 characters of base64url.
fn is_token(fragment: &str) -> bool {
    fragment.len() == 43 && fragment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// For going elsewhere.
#[hook]
pub(crate) fn use_navigator() -> Option<Navigator> {
    use_context::<Navigator>()
}

/// Where the reader is.
#[hook]
pub(crate) fn use_place() -> Place {
    use_context::<Navigator>().map(|navigator| navigator.place).unwrap_or_default()
}
