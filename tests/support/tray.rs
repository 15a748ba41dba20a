//! A tray for one icon: the watcher that it is announced to, and whoever looks at its menu and chooses from it. The
//! StatusNotifierItem specification and com.canonical.dbusmenu.

use crate::{awaited, pause, until};
use std::sync::{Arc, Mutex};
use zbus::message::Header;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, Proxy, connection, interface};

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// Where the icon is on the bus: whose, and which.
type Place = (String, String);

/// See the module.
pub struct Tray {
    connection: Connection,
    place: Arc<Mutex<Option<Place>>>,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    number: i32,
    /// What it says.
    pub words: String,
    /// Whether it has a tick.
    pub ticked: bool,
    /// Whether it can be chosen.
    pub enabled: bool,
}

struct Watcher {
    place: Arc<Mutex<Option<Place>>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    #[allow(clippy::needless_pass_by_value, reason = "zbus hands arguments over")]
    fn register_status_notifier_item(&self, path: String, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        *self.place.lock().unwrap() = Some((sender, path));
    }

    #[zbus(property)]
    const fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    const fn protocol_version(&self) -> i32 {
        0
    }
}

impl Tray {
    /// Puts a tray on this bus.
    pub async fn start(bus: &str) -> Self {
        let place = Arc::default();
        let builder = connection::Builder::address(bus).unwrap().name(NAME).unwrap();
        let served = builder.serve_at(PATH, Watcher { place: Arc::clone(&place) }).unwrap();
        Self { connection: served.build().await.unwrap(), place }
    }

    /// Waits for a line with these words; what it is.
    pub async fn entry(&self, words: &str) -> Entry {
        awaited(&format!("a line in the tray with {words:?}"), async {
            loop {
                if let Some(entry) = self.entries().await.into_iter().find(|entry| entry.words.contains(words)) {
                    return entry;
                }
                pause().await;
            }
        })
        .await
    }

    /// Waits until a line with these words has a tick, or none.
    pub async fn ticks(&self, words: &str, ticked: bool) {
        until(&format!("the tick {ticked} at {words:?} in the tray"), async || {
            self.entry(words).await.ticked == ticked
        })
        .await;
    }

    /// Chooses the line with these words. One that is drawn anew between the look and the click is looked for again.
    pub async fn choose(&self, words: &str) {
        awaited(&format!("a click on {words:?} in the tray"), async {
            loop {
                let entry = self.entry(words).await;
                let menu = self.menu().await.expect("a menu, whose line was just there");
                let event = (entry.number, "clicked", Value::from(0_i32), 0_u32);
                match menu.call::<_, _, ()>("Event", &event).await {
                    Err(error) if error.to_string().contains("does not refer to a menu item") => {}
                    done => return done.unwrap(),
                }
            }
        })
        .await;
    }

    /// Waits until this number stands beside the icon.
    pub async fn counts(&self, number: &str) {
        until(&format!("{number} beside the tray's icon"), async || {
            self.property("XAyatanaLabel").await.as_deref() == Some(number)
        })
        .await;
    }

    /// What the icon is called.
    pub async fn title(&self) -> String {
        self.property("Title").await.unwrap_or_default()
    }

    async fn property(&self, name: &str) -> Option<String> {
        let (owner, path) = self.place()?;
        let item = Proxy::new(&self.connection, owner, path, ITEM).await.unwrap();
        item.get_property(name).await.ok()
    }

    fn place(&self) -> Option<Place> {
        self.place.lock().unwrap().clone()
    }

    async fn menu(&self) -> Option<Proxy<'_>> {
        let (owner, path) = self.place()?;
        Some(Proxy::new(&self.connection, owner, format!("{path}/Menu"), MENU).await.unwrap())
    }

    /// The lines of the menu as it is now; none while there is no icon, or it is being drawn anew.
    async fn entries(&self) -> Vec<Entry> {
        let Some(menu) = self.menu().await else { return Vec::new() };
        let everything = (0_i32, -1_i32, Vec::<String>::new());
        type Layout = (u32, (i32, std::collections::HashMap<String, OwnedValue>, Vec<OwnedValue>));
        let layout: zbus::Result<Layout> = menu.call("GetLayout", &everything).await;
        layout.map(|(_, (_, _, lines))| lines.iter().filter_map(|line| entry(line)).collect()).unwrap_or_default()
    }
}

fn entry(line: &Value<'_>) -> Option<Entry> {
    let Value::Structure(line) = line else { return None };
    let [Value::I32(number), Value::Dict(properties), _] = line.fields() else { return None };
    let words: Option<String> = properties.get(&"label").ok()?;
    let ticked: Option<i32> = properties.get(&"toggle-state").ok()?;
    let enabled: Option<bool> = properties.get(&"enabled").ok()?;
    Some(Entry {
        number: *number,
        // An underscore there would underline a letter, and two of them are one.
        words: words?.replace("__", "_"),
        ticked: ticked == Some(1),
        enabled: enabled != Some(false),
    })
}
