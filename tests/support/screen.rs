//! A display that nobody sees, with a keyboard and somebody to close windows.

use crate::process::speaking;
use crate::{awaited, until};
use tokio::process::Child;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// See the module.
pub struct Screen {
    /// Its name, as programs are told it.
    pub name: String,
    pub(crate) server: RustConnection,
    pub(crate) root: Window,
    _process: Child,
}

impl Screen {
    /// Turns it on, on a number that is free.
    pub async fn start() -> Self {
        let size = ["-displayfd", "1", "-screen", "0", "1440x1000x24", "-nolisten", "tcp", "-noreset"];
        let (process, mut lines) = speaking("Xvfb", &size);
        let number =
            awaited("the display's number", lines.next_line()).await.unwrap().expect("the display says its number");
        let name = format!(":{}", number.trim());
        let (server, screen) = x11rb::connect(Some(&name)).unwrap();
        let root = server.setup().roots[screen].root;
        Self { name, server, root, _process: process }
    }

    /// Presses these keys together, by their keysyms: letters have their character's number (X11 protocol, appendix A).
    pub fn press(&self, keysyms: &[u32]) {
        let codes: Vec<u8> = keysyms.iter().map(|keysym| self.code(*keysym)).collect();
        let presses = codes.iter().map(|code| (KEY_PRESS_EVENT, *code));
        let releases = codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, *code));
        for (event, code) in presses.chain(releases) {
            self.server.xtest_fake_input(event, code, 0, self.root, 0, 0, 0).unwrap();
        }
        self.server.sync().unwrap();
    }

    fn code(&self, keysym: u32) -> u8 {
        let (first, last) = (self.server.setup().min_keycode, self.server.setup().max_keycode);
        let map = self.server.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        let mut keys = map.keysyms.chunks(map.keysyms_per_keycode.into());
        let at = keys.position(|keysyms| keysyms.contains(&keysym)).expect("a key for this keysym");
        first + u8::try_from(at).unwrap()
    }

    /// Waits until a window with this title is shown, or none is.
    pub async fn has_window(&self, title: &str, shown: bool) {
        until(&format!("a window {title:?}, shown: {shown}"), async || self.window(title).is_some() == shown).await;
    }

    /// Whether a window with this title is shown now.
    #[must_use]
    pub fn shows(&self, title: &str) -> bool {
        self.window(title).is_some()
    }

    /// Asks a window to close, as its title bar's button would.
    pub fn close(&self, title: &str) {
        let window = self.window(title).expect("a window with this title");
        let data = [self.atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, self.atom("WM_PROTOCOLS"), data);
        self.server.send_event(false, window, EventMask::NO_EVENT, event).unwrap();
        self.server.sync().unwrap();
    }

    fn window(&self, title: &str) -> Option<Window> {
        let windows = self.server.query_tree(self.root).unwrap().reply().unwrap().children;
        windows.into_iter().find(|window| self.is_shown(*window) && self.title(*window) == title)
    }

    fn is_shown(&self, window: Window) -> bool {
        // One that went meanwhile has no attributes.
        let attributes = self.server.get_window_attributes(window).unwrap().reply();
        attributes.is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
    }

    pub(crate) fn atom(&self, name: &str) -> Atom {
        self.server.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    pub(crate) fn title(&self, window: Window) -> String {
        let title = self.server.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64).unwrap().reply();
        title.map(|title| String::from_utf8_lossy(&title.value).into_owned()).unwrap_or_default()
    }
}
