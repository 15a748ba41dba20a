//! The tray: how many wait, the newest of them, and a few switches. Phones have none.

#[cfg(desktop)]
mod desktop;
#[cfg(desktop)]
mod words;

use countersign_wire::requests::RequestRow;
#[cfg(desktop)]
pub use desktop::{draw, prepare};

/// What the tray shows.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What stands in the way of hearing of any.
    pub standing: Option<&'static str>,
    /// How many wait.
    pub pending: u64,
    /// The newest of them.
    pub newest: Vec<RequestRow>,
    /// Whether no notifications are shown.
    pub do_not_disturb: bool,
    /// Whether the app starts when somebody logs in.
    pub start_at_login: bool,
}

/// Phones have no tray.
#[cfg(mobile)]
pub fn draw(_: &tauri::AppHandle, _: &View) {}
