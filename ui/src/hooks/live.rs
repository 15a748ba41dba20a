//! The stream of events as components see it: listen, and know whether it is open.

use crate::backend::{Connection, LiveMessage, LiveStream};
use crate::hooks::session::use_session;
use std::cell::RefCell;
use std::rc::Rc;
use yew::prelude::*;

type Listener = Callback<LiveMessage>;

/// Everybody who listens.
#[derive(Default)]
struct Hub {
    next: u32,
    listeners: Vec<(u32, Listener)>,
}

/// The hub as a context.
#[derive(Clone)]
struct Live {
    hub: Rc<RefCell<Hub>>,
    connection: Connection,
}

impl PartialEq for Live {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.hub, &other.hub) && self.connection == other.connection
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct LiveProviderProps {
    pub(crate) children: Html,
}

/// Opens the stream for as long as it is there.
#[component]
pub(crate) fn LiveProvider(props: &LiveProviderProps) -> Html {
    let hub = use_mut_ref(Hub::default);
    let connection = use_state_eq(|| Connection::Reconnecting);
    let session = use_session();
    // The stream outlives many renderings, so it finds the session of now through here.
    let latest = use_mut_ref(|| None);
    *latest.borrow_mut() = session;
    {
        let (hub, connection) = (hub.clone(), connection.setter());
        use_effect_with((), move |()| {
            let stream = LiveStream::open(Callback::from(move |message| match message {
                LiveMessage::Connection(now) => connection.set(now),
                LiveMessage::Session => {
                    if let Some(session) = latest.borrow().clone() {
                        session.refresh();
                    }
                }
                LiveMessage::Event(..) | LiveMessage::Resync => {
                    let listeners: Vec<_> = hub.borrow().listeners.iter().map(|(_, one)| one.clone()).collect();
                    listeners.iter().for_each(|listener| listener.emit(message));
                }
            }));
            move || drop(stream)
        });
    }
    let live = Live { hub, connection: *connection };
    html! { <ContextProvider<Live> context={live}>{ props.children.clone() }</ContextProvider<Live>> }
}

/// Calls back for every event and every [`LiveMessage::Resync`], with the callback of the latest rendering.
#[hook]
pub(crate) fn use_live(on: Callback<LiveMessage>) {
    let hub = use_context::<Live>().map(|live| live.hub);
    let latest = use_mut_ref(Callback::noop);
    *latest.borrow_mut() = on;
    use_effect_with((), move |()| {
        let registered = hub.map(|hub| {
            let key = {
                let mut all = hub.borrow_mut();
                all.next += 1;
                let key = all.next;
                all.listeners.push((
                    key,
                    Callback::from(move |message| {
                        let now = latest.borrow().clone();
                        now.emit(message);
                    }),
                ));
                key
            };
            (hub, key)
        });
        move || {
            if let Some((hub, key)) = registered {
                hub.borrow_mut().listeners.retain(|(other, _)| *other != key);
            }
        }
    });
}

/// Whether the page is kept up to date.
#[hook]
pub(crate) fn use_connection() -> Connection {
    use_context::<Live>().map_or(Connection::Reconnecting, |live| live.connection)
}
