//! A session bus with a notification daemon on it that records what it is told to show and presses buttons.

use crate::process::speaking;
use crate::{awaited, pause, until};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::process::Child;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection, interface};

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";

/// What is on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The daemon's number of it.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// The words on its buttons, in order.
    pub buttons: Vec<String>,
    keys: Vec<String>,
}

/// See the module.
pub struct Notifications {
    /// Where the bus is.
    pub bus: String,
    shown: Arc<Mutex<Vec<Shown>>>,
    connection: Connection,
    _daemon: Child,
}

struct Daemon {
    shown: Arc<Mutex<Vec<Shown>>>,
    last: u32,
}

/// The Desktop Notifications Specification, version 1.2.
#[interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "the specification's own")]
    fn notify(
        &mut self,
        _app_name: String,
        replaces: u32,
        _icon: String,
        title: String,
        text: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        self.last += 1;
        let pairs: Vec<(&String, &String)> = actions.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect();
        // The default action is a click on the notification itself, wherever it stands.
        let (keys, buttons) = pairs
            .iter()
            .filter(|(key, _)| *key != "default")
            .map(|(key, words)| ((*key).clone(), (*words).clone()))
            .unzip();
        let mut shown = self.shown.lock().unwrap();
        shown.retain(|one| one.number != replaces);
        shown.push(Shown { number: self.last, title, text, buttons, keys });
        self.last
    }

    async fn close_notification(&self, number: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        self.shown.lock().unwrap().retain(|one| one.number != number);
        Self::notification_closed(&emitter, number, 3).await.unwrap();
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(ToOwned::to_owned).to_vec()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("stand-in".into(), "countersign".into(), "1".into(), "1.2".into())
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, number: u32, key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, number: u32, reason: u32) -> zbus::Result<()>;
}

impl Notifications {
    /// Starts a bus and the daemon on it.
    pub async fn start() -> Self {
        let (daemon, mut lines) = speaking("dbus-daemon", &["--session", "--nofork", "--nopidfile", "--print-address"]);
        let bus = awaited("the bus's address", lines.next_line()).await.unwrap().expect("the bus says where it is");
        let shown = Arc::default();
        let builder = connection::Builder::address(bus.as_str()).unwrap().name(NAME).unwrap();
        let served = builder.serve_at(PATH, Daemon { shown: Arc::clone(&shown), last: 0 }).unwrap();
        let connection = served.build().await.unwrap();
        Self { bus, shown, connection, _daemon: daemon }
    }

    /// Waits until some service is on the bus.
    pub async fn has_service(&self, name: &str) {
        self.waits_for_owner(name, true).await;
    }

    /// Waits until it is not.
    pub async fn has_no_service(&self, name: &str) {
        self.waits_for_owner(name, false).await;
    }

    /// The process that has this service; none where it is not on the bus.
    pub async fn process_of(&self, name: &str) -> Option<u32> {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.unwrap();
        bus.get_connection_unix_process_id(name.try_into().unwrap()).await.ok()
    }

    async fn waits_for_owner(&self, name: &str, owned: bool) {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.unwrap();
        until(&format!("{name} on the bus: {owned}"), async || {
            bus.name_has_owner(name.try_into().unwrap()).await.unwrap() == owned
        })
        .await;
    }

    /// Waits until something with this title is on the screen.
    pub async fn showing(&self, title: &str) -> Shown {
        awaited(&format!("a notification {title:?}"), async {
            loop {
                let found = self.now().into_iter().find(|shown| shown.title.contains(title));
                if let Some(found) = found {
                    return found;
                }
                pause().await;
            }
        })
        .await
    }

    /// Waits until nothing with this title is.
    pub async fn gone(&self, title: &str) {
        until(&format!("the end of the notification {title:?}"), async || {
            !self.now().iter().any(|shown| shown.title.contains(title))
        })
        .await;
    }

    /// What is on the screen now.
    #[must_use]
    pub fn now(&self) -> Vec<Shown> {
        self.shown.lock().unwrap().clone()
    }

    /// Presses a button, by its words, or the notification itself by none.
    pub async fn press(&self, shown: &Shown, button: Option<&str>) {
        let key = match button {
            None => "default",
            Some(words) => {
                let at = shown.buttons.iter().position(|button| button == words).expect("a button with these words");
                &shown.keys[at]
            }
        };
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Daemon::action_invoked(&emitter, shown.number, key).await.unwrap();
    }
}
