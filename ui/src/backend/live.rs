//! The stream of events, one per browser: browsers allow six connections to a server, and every open tab would take
//! one. The tab that holds a Web Lock owns the `EventSource` and tells the others by `BroadcastChannel`; when it goes,
//! the lock passes on. Where there are no Web Locks (plain http away from localhost), every tab has its own stream. In
//! the desktop app the shell has it.

use super::{read, shell};
use countersign_wire::app::AppTold;
use countersign_wire::events::{EventKind, RequestEvent};
use gloo_timers::callback::Timeout;
use js_sys::{Function, Promise, Reflect};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, Event, EventSource, EventTarget, MessageEvent};
use yew::Callback;

const NAME: &str = "countersign-live";
const KINDS: [EventKind; 3] = [EventKind::Created, EventKind::Updated, EventKind::Ended];
const FIRST_WAIT_MS: u32 = 1_000;
const LONGEST_WAIT_MS: u32 = 30_000;

/// Whether what is shown is kept up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// The stream is open.
    Live,
    /// It is not, and is tried again.
    Reconnecting,
}

impl Connection {
    const fn of(live: bool) -> Self {
        if live { Self::Live } else { Self::Reconnecting }
    }
}

/// What the stream tells the app.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LiveMessage {
    /// Something happened to a request.
    Event(EventKind, RequestEvent),
    /// Something may have been missed: fetch again what is shown.
    Resync,
    /// The stream opened or closed.
    Connection(Connection),
    /// The session may be another one, or none: ask again who is signed in.
    Session,
}

/// What tabs tell each other.
#[derive(Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Told {
    Event {
        kind: EventKind,
        event: RequestEvent,
    },
    Connection {
        live: bool,
    },
    Resync,
    /// A new tab asks the owner how things stand.
    Hello,
    Session,
}

/// An open stream; dropping it closes it.
pub(crate) struct LiveStream {
    of_browser: Option<Rc<Inner>>,
    _of_shell: Option<shell::Listening>,
}

impl Drop for LiveStream {
    fn drop(&mut self) {
        if let Some(inner) = &self.of_browser {
            inner.close();
        }
    }
}

/// Passes on what the shell's stream tells.
fn hear_shell(on: &Callback<LiveMessage>, text: &str) {
    match read::from_text(text) {
        Ok(AppTold::Event { kind, event }) => on.emit(LiveMessage::Event(kind, event)),
        Ok(AppTold::Connection { live }) => on.emit(LiveMessage::Connection(Connection::of(live))),
        Ok(AppTold::Resync) => on.emit(LiveMessage::Resync),
        Err(_) => {}
    }
}

type Handler = Closure<dyn FnMut(Event)>;

struct Inner {
    on: Callback<LiveMessage>,
    this: Weak<Inner>,
    channel: Option<BroadcastChannel>,
    source: RefCell<Option<EventSource>>,
    live: Cell<bool>,
    owner: Cell<bool>,
    closed: Cell<bool>,
    wait_ms: Cell<u32>,
    retry: RefCell<Option<Timeout>>,
    /// Ends the promise that holds the lock.
    release: RefCell<Option<Function>>,
    /// Listeners on things that outlive a connection, with what they listen to.
    listeners: RefCell<Vec<(EventTarget, &'static str, Handler)>>,
    /// Listeners on the current `EventSource`.
    on_source: RefCell<Vec<Handler>>,
    on_lock: RefCell<Option<LockHandler>>,
}

/// What the browser calls when this tab holds the lock.
type LockHandler = Closure<dyn FnMut(JsValue) -> Promise>;

impl LiveStream {
    /// Opens the stream, or listens to the tab that has it open.
    pub(crate) fn open(on: Callback<LiveMessage>) -> Self {
        if shell::is_here() {
            let listening = shell::on_live(move |text| hear_shell(&on, text));
            return Self { of_browser: None, _of_shell: Some(listening) };
        }
        let inner = Rc::new_cyclic(|this| Inner {
            on,
            this: this.clone(),
            channel: BroadcastChannel::new(NAME).ok(),
            source: RefCell::default(),
            live: Cell::new(false),
            owner: Cell::new(false),
            closed: Cell::new(false),
            wait_ms: Cell::new(FIRST_WAIT_MS),
            retry: RefCell::default(),
            release: RefCell::default(),
            listeners: RefCell::default(),
            on_source: RefCell::default(),
            on_lock: RefCell::default(),
        });
        inner.listen();
        if !inner.ask_for_lock() {
            inner.own();
        } else {
            inner.tell(&Told::Hello);
        }
        Self { of_browser: Some(inner), _of_shell: None }
    }
}

/// Tells the other tabs that somebody signed in or out here.
pub(crate) fn announce_session_change() {
    if let Ok(channel) = BroadcastChannel::new(NAME) {
        post(&channel, &Told::Session);
        channel.close();
    }
}

fn post(channel: &BroadcastChannel, told: &Told) {
    if let Ok(text) = serde_json::to_string(told) {
        let _ = channel.post_message(&JsValue::from_str(&text));
    }
}

impl Inner {
    fn listen(&self) {
        if let Some(channel) = &self.channel {
            self.add(channel, "message", |inner, event| {
                let told = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
                if let Some(told) = told.and_then(|text| read::from_text(&text).ok()) {
                    inner.hear(&told);
                }
            });
        }
        let Some(window) = web_sys::window() else { return };
        self.add(&window, "online", |inner, _| inner.try_now());
        if let Some(document) = window.document() {
            self.add(&document, "visibilitychange", |inner, _| {
                let visible = web_sys::window().and_then(|window| window.document()).is_some_and(|d| !d.hidden());
                if visible {
                    inner.try_now();
                    inner.on.emit(LiveMessage::Resync);
                }
            });
        }
    }

    fn add(&self, target: &EventTarget, name: &'static str, react: impl Fn(&Rc<Self>, Event) + 'static) {
        let handler = self.handler(react);
        let _ = target.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
        self.listeners.borrow_mut().push((target.clone(), name, handler));
    }

    fn handler(&self, react: impl Fn(&Rc<Self>, Event) + 'static) -> Handler {
        let this = self.this.clone();
        Closure::new(move |event| {
            if let Some(inner) = this.upgrade().filter(|inner| !inner.closed.get()) {
                react(&inner, event);
            }
        })
    }

    fn tell(&self, told: &Told) {
        if let Some(channel) = &self.channel {
            post(channel, told);
        }
    }

    /// Reacts to what another tab says.
    fn hear(&self, told: &Told) {
        match *told {
            Told::Session => self.on.emit(LiveMessage::Session),
            Told::Hello if self.owner.get() => self.tell(&Told::Connection { live: self.live.get() }),
            _ if self.owner.get() => {}
            Told::Event { kind, event } => self.on.emit(LiveMessage::Event(kind, event)),
            Told::Resync => self.on.emit(LiveMessage::Resync),
            Told::Connection { live } => self.set_live(live),
            Told::Hello => {}
        }
    }

    fn set_live(&self, live: bool) {
        self.live.set(live);
        self.on.emit(LiveMessage::Connection(Connection::of(live)));
    }

    /// Asks for the lock; `false` where there are no locks.
    fn ask_for_lock(&self) -> bool {
        let Some(window) = web_sys::window() else { return false };
        if self.channel.is_none() {
            return false;
        }
        let get = |object: &JsValue, key: &str| Reflect::get(object, &JsValue::from_str(key)).ok();
        let Some(locks) = get(&window.navigator(), "locks").filter(JsValue::is_object) else { return false };
        let Some(request) = get(&locks, "request").and_then(|request| request.dyn_into::<Function>().ok()) else {
            return false;
        };
        let this = self.this.clone();
        let granted = Closure::new(move |_lock: JsValue| {
            let Some(inner) = this.upgrade().filter(|inner| !inner.closed.get()) else {
                return Promise::resolve(&JsValue::NULL);
            };
            inner.own();
            Promise::new(&mut |resolve, _| *inner.release.borrow_mut() = Some(resolve))
        });
        let asked = request.call2(&locks, &JsValue::from_str(NAME), granted.as_ref()).is_ok();
        *self.on_lock.borrow_mut() = Some(granted);
        asked
    }

    fn own(&self) {
        self.owner.set(true);
        self.connect();
    }

    fn connect(&self) {
        self.disconnect();
        let Ok(source) = EventSource::new("/api/events") else {
            self.lost(true);
            return;
        };
        let mut handlers = Vec::new();
        let mut on = |name: &str, handler: Handler| {
            let _ = source.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
            handlers.push(handler);
        };
        on("open", self.handler(|inner, _| inner.opened()));
        on(
            "error",
            self.handler(|inner, _| {
                let gone = inner.source.borrow().as_ref().is_none_or(|s| s.ready_state() == EventSource::CLOSED);
                inner.lost(gone);
            }),
        );
        for kind in KINDS {
            on(kind.word(), self.handler(move |inner, event| inner.arrived(kind, &event)));
        }
        *self.on_source.borrow_mut() = handlers;
        *self.source.borrow_mut() = Some(source);
    }

    fn opened(&self) {
        self.wait_ms.set(FIRST_WAIT_MS);
        self.set_live(true);
        self.tell(&Told::Connection { live: true });
        // Whatever happened between the last fetch and this moment was told to nobody here.
        self.on.emit(LiveMessage::Resync);
        self.tell(&Told::Resync);
    }

    fn arrived(&self, kind: EventKind, event: &Event) {
        let data = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
        if let Some(event) = data.and_then(|data| read::from_text::<RequestEvent>(&data).ok()) {
            self.on.emit(LiveMessage::Event(kind, event));
            self.tell(&Told::Event { kind, event });
        }
    }

    /// The stream broke. An `EventSource` tries again by itself, unless the server answered with an error; then the
    /// session may be over, so that is asked first.
    fn lost(&self, gone: bool) {
        self.set_live(false);
        self.tell(&Told::Connection { live: false });
        if !gone {
            return;
        }
        self.on.emit(LiveMessage::Session);
        let wait = self.wait_ms.get();
        self.wait_ms.set((wait * 2).min(LONGEST_WAIT_MS));
        let this = self.this.clone();
        *self.retry.borrow_mut() = Some(Timeout::new(wait, move || {
            if let Some(inner) = this.upgrade().filter(|inner| !inner.closed.get()) {
                inner.connect();
            }
        }));
    }

    /// The browser says that the network is back, or the person is: no reason to sit out the wait.
    fn try_now(&self) {
        let dead = self.source.borrow().as_ref().is_none_or(|s| s.ready_state() == EventSource::CLOSED);
        if self.owner.get() && dead {
            self.retry.borrow_mut().take();
            self.connect();
        }
    }

    fn disconnect(&self) {
        if let Some(source) = self.source.borrow_mut().take() {
            source.close();
        }
    }

    fn close(&self) {
        self.closed.set(true);
        self.retry.borrow_mut().take();
        self.disconnect();
        for (target, name, handler) in self.listeners.borrow_mut().drain(..) {
            let _ = target.remove_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
        }
        if let Some(channel) = &self.channel {
            channel.close();
        }
        if let Some(release) = self.release.borrow_mut().take() {
            let _ = release.call0(&JsValue::NULL);
        }
        // A lock that is granted later calls this closure once more, after everything else is gone.
        if let Some(granted) = self.on_lock.borrow_mut().take() {
            if self.owner.get() { drop(granted) } else { granted.forget() }
        }
    }
}
