//! How many requests wait: for the badge, the tab's title, and a notice when one more arrives.

use crate::backend::{LiveMessage, shell};
use crate::display::plain;
use crate::hooks::live::use_live;
use crate::hooks::navigation::use_place;
use crate::hooks::queue::QueueQuery;
use crate::hooks::session::use_backend;
use crate::hooks::toasts::{Tone, use_toasts};
use crate::routes::Route;
use countersign_domain::ids::RequestId;
use countersign_domain::request::RequestState;
use countersign_wire::events::EventKind;
use gloo_timers::callback::Timeout;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Long enough for a burst to become one fetch and one notice.
const GATHER_MS: u32 = 100;

/// The number that waits, and how a page that has just heard it from the server passes it on.
#[derive(Clone, PartialEq)]
pub(crate) struct Pending {
    pub(crate) count: Option<u64>,
    pub(crate) heard: Callback<u64>,
}

#[derive(Default)]
struct Gathered {
    arrived: Vec<RequestId>,
    timer: Option<Timeout>,
}

#[derive(Properties, PartialEq)]
pub(crate) struct PendingProviderProps {
    /// The queue is on the page and fetches by itself; then only arrivals are told here.
    pub(crate) queue_shown: bool,
    pub(crate) children: Html,
}

/// Keeps the count, and says when something arrives.
#[component]
pub(crate) fn PendingProvider(props: &PendingProviderProps) -> Html {
    let (backend, toasts) = (use_backend(), use_toasts());
    let count = use_state_eq(|| None);
    let gathered: Rc<RefCell<Gathered>> = use_mut_ref(Gathered::default);
    let queue_shown = props.queue_shown;
    let open = Route::recognize(&use_place().path).request();
    let ask = {
        let (backend, set) = (backend.clone(), count.setter());
        Callback::from(move |()| {
            let (backend, set) = (backend.clone(), set.clone());
            spawn_local(async move {
                if let Ok(page) = backend.requests(&QueueQuery::default(), None, 1).await {
                    set.set(Some(page.pending));
                }
            });
        })
    };
    {
        let ask = ask.clone();
        use_effect_with(queue_shown, move |shown| {
            if !shown {
                ask.emit(());
            }
        });
    }
    use_live(Callback::from(move |message| {
        let arrived = match message {
            LiveMessage::Event(EventKind::Created, event) if event.state == RequestState::Pending => Some(event.id)
                // The app's own notification told of it; and who has it open needs no notice over it.
                .filter(|id| !shell::is_here() && open.as_deref() != Some(&*id.to_string())),
            _ => None,
        };
        let mut waiting = gathered.borrow_mut();
        waiting.arrived.extend(arrived);
        if waiting.timer.is_none() {
            let (gathered, ask) = (gathered.clone(), ask.clone());
            let (backend, toasts) = (backend.clone(), toasts.clone());
            waiting.timer = Some(Timeout::new(GATHER_MS, move || {
                let arrived = {
                    let mut waiting = gathered.borrow_mut();
                    waiting.timer = None;
                    std::mem::take(&mut waiting.arrived)
                };
                if !queue_shown {
                    ask.emit(());
                }
                announce(backend, toasts, &arrived);
            }));
        }
    }));
    let heard = {
        let set = count.setter();
        Callback::from(move |number| set.set(Some(number)))
    };
    let pending = Pending { count: *count, heard };
    html! { <ContextProvider<Pending> context={pending}>{ props.children.clone() }</ContextProvider<Pending>> }
}

fn announce(backend: crate::backend::Backend, toasts: crate::hooks::toasts::Toasts, arrived: &[RequestId]) {
    match arrived {
        [] => {}
        [id] => {
            let id = id.to_string();
            spawn_local(async move {
                let headline = backend.request(&id).await.map(|card| plain(&card.headline)).ok();
                let text =
                    headline.filter(|text| !text.is_empty()).unwrap_or_else(|| "A new request waits.".to_owned());
                toasts.show_with(Tone::News, text, Some(Route::Request { id }));
            });
        }
        many => toasts.show_with(Tone::News, format!("{} new requests wait.", many.len()), Some(Route::Requests)),
    }
}

/// How many wait.
#[hook]
pub(crate) fn use_pending() -> Pending {
    use_context::<Pending>().unwrap_or_else(|| Pending { count: None, heard: Callback::noop() })
}
