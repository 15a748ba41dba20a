//! A window manager on a screen, which puts frames around windows, stacks and minimises them, and somebody who has it
//! do so: Extended Window Manager Hints 1.5, and ICCCM 4.1.4.

use crate::{Screen, awaited, pause, until};
use tokio::process::{Child, Command};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

/// Where a window's content is, in pixels from the screen's corner: left, top, width, height.
pub type Place = (i16, i16, u16, u16);

/// See the module.
pub struct Manager<'a> {
    screen: &'a Screen,
    _process: Child,
}

impl<'a> Manager<'a> {
    /// Starts it by this command, and waits until it manages.
    pub(crate) async fn start(screen: &'a Screen, mut command: Command) -> Self {
        let process = command.spawn().expect("openbox; `cargo xtask test` brings it");
        let manager = Self { screen, _process: process };
        until("the window manager", async || !manager.numbers(screen.root, "_NET_SUPPORTING_WM_CHECK").is_empty())
            .await;
        manager
    }

    /// Opens a window of another program, in front of the others.
    pub async fn opens(&self, title: &str) {
        let server = &self.screen.server;
        let window = server.generate_id().unwrap();
        let (depth, visual) = (x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
        let (class, looks) = (WindowClass::INPUT_OUTPUT, CreateWindowAux::new());
        server.create_window(depth, window, self.screen.root, 0, 0, 600, 400, 0, class, visual, &looks).unwrap();
        let kind = AtomEnum::STRING;
        let replace = x11rb::protocol::xproto::PropMode::REPLACE;
        server.change_property8(replace, window, AtomEnum::WM_NAME, kind, title.as_bytes()).unwrap();
        server.map_window(window).unwrap();
        server.sync().unwrap();
        self.has_in_front(title).await;
    }

    /// Waits until the window with this title has the keyboard.
    pub async fn has_in_front(&self, title: &str) {
        until(&format!("the window {title:?} in front"), async || {
            self.in_front().is_some_and(|window| self.screen.title(window) == title)
        })
        .await;
    }

    /// Minimises a window.
    pub async fn minimises(&self, title: &str) {
        let window = self.window(title).await;
        // IconicState.
        self.says(window, "WM_CHANGE_STATE", [3, 0, 0, 0, 0]);
        let hidden = self.atom("_NET_WM_STATE_HIDDEN");
        until(&format!("the window {title:?} minimised"), async || {
            self.numbers(window, "_NET_WM_STATE").contains(&hidden)
        })
        .await;
    }

    /// Makes a window as large as the screen.
    pub async fn maximises(&self, title: &str) {
        let window = self.window(title).await;
        let [wide, high] = ["HORZ", "VERT"].map(|side| self.atom(&format!("_NET_WM_STATE_MAXIMIZED_{side}")));
        // 1 adds.
        self.says(window, "_NET_WM_STATE", [1, wide, high, 2, 0]);
        self.is_maximised(title).await;
    }

    /// Waits until it is.
    pub async fn is_maximised(&self, title: &str) {
        let wide = self.atom("_NET_WM_STATE_MAXIMIZED_HORZ");
        until(&format!("the window {title:?} maximised"), async || {
            self.numbers(self.window(title).await, "_NET_WM_STATE").contains(&wide)
        })
        .await;
    }

    /// Moves a window's frame there, with content of this size.
    pub async fn moves(&self, title: &str, (left, top, width, height): Place) {
        let window = self.window(title).await;
        // Bits 8 to 11 say that all four are given; the source is a pager.
        let flags = 0x2f00;
        let [left, top] = [left, top].map(|at| u32::try_from(at).unwrap());
        self.says(window, "_NET_MOVERESIZE_WINDOW", [flags, left, top, width.into(), height.into()]);
        until(&format!("the window {title:?} {width} wide and {height} high"), async || {
            (self.place(window).2, self.place(window).3) == (width, height)
        })
        .await;
    }

    /// Where a window is.
    pub async fn place_of(&self, title: &str) -> Place {
        self.place(self.window(title).await)
    }

    /// Waits until a window is there.
    pub async fn has_at(&self, title: &str, place: Place) {
        until(&format!("the window {title:?} at {place:?}"), async || self.place_of(title).await == place).await;
    }

    fn place(&self, window: Window) -> Place {
        let server = &self.screen.server;
        let size = server.get_geometry(window).unwrap().reply().unwrap();
        let at = server.translate_coordinates(window, self.screen.root, 0, 0).unwrap().reply().unwrap();
        (at.dst_x, at.dst_y, size.width, size.height)
    }

    fn in_front(&self) -> Option<Window> {
        self.numbers(self.screen.root, "_NET_ACTIVE_WINDOW").first().copied()
    }

    async fn window(&self, title: &str) -> Window {
        awaited(&format!("a managed window {title:?}"), async {
            loop {
                let managed = self.numbers(self.screen.root, "_NET_CLIENT_LIST");
                if let Some(window) = managed.into_iter().find(|window| self.screen.title(*window) == title) {
                    return window;
                }
                pause().await;
            }
        })
        .await
    }

    fn says(&self, window: Window, kind: &str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, window, self.atom(kind), data);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.screen.server.send_event(false, self.screen.root, mask, event).unwrap();
        self.screen.server.sync().unwrap();
    }

    /// A property that is a list of numbers: windows, or atoms.
    fn numbers(&self, window: Window, name: &str) -> Vec<u32> {
        let name = self.atom(name);
        let answer = self.screen.server.get_property(false, window, name, AtomEnum::ANY, 0, 64).unwrap().reply();
        answer.ok().and_then(|property| Some(property.value32()?.collect())).unwrap_or_default()
    }

    fn atom(&self, name: &str) -> Atom {
        self.screen.atom(name)
    }
}
