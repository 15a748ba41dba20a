//! What the desktop app's two halves say to each other: the window, which draws, and the shell, which holds the session.

use crate::events::{EventKind, RequestEvent};
use serde::{Deserialize, Serialize};

/// The event that says that [`AppStatus`] has changed.
pub const STATUS_EVENT: &str = "status";
/// The event with what [`AppTold`] says.
pub const LIVE_EVENT: &str = "live";
/// The event that says that somebody is to be taken somewhere: the command `take_place` says where.
pub const PLACE_EVENT: &str = "place";

/// Where the app stands with its desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AppStatus {
    /// Nobody has chosen a desk yet.
    Choose {
        /// The address of one that a link named.
        offered: Option<String>,
    },
    /// The desk on this computer starts, or a team's is asked who it is.
    Starting,
    /// The desk on this computer runs, and is to be set up in the browser.
    Setup {
        /// Where it answers.
        address: String,
    },
    /// Nobody is signed in.
    SignedOut {
        /// Where the desk answers.
        address: String,
        /// What it is called.
        desk: String,
        /// Whether it runs on this computer.
        here: bool,
        /// Whether the browser was opened, and is waited for.
        waiting: bool,
        /// What is to be known: why nobody is signed in any more, or that desk and app differ in age.
        note: Option<String>,
    },
    /// Somebody is.
    Ready {
        /// Where the desk answers.
        address: String,
        /// Whether it runs on this computer.
        here: bool,
        /// Grows with every session, so that nothing of the last one stays on the screen.
        session: u32,
    },
    /// There is no desk to talk to.
    Failed {
        /// What is wrong, in a few words.
        title: String,
        /// Why, and what to do.
        words: String,
    },
}

/// A call that the shell makes for the window: the arguments of the command `api`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppCall {
    /// The method, in capitals.
    pub method: String,
    /// The path, which begins with `/api/`.
    pub path: String,
    /// The body, JSON.
    #[serde(default)]
    pub body: Option<String>,
}

/// The desk's answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The header `Date`.
    pub date: Option<String>,
}

/// What the shell's stream of events tells the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum AppTold {
    /// Something happened to a request.
    Event {
        /// What.
        kind: EventKind,
        /// To which.
        event: RequestEvent,
    },
    /// The stream opened or closed.
    Connection {
        /// Whether it is open.
        live: bool,
    },
    /// Something may have been missed.
    Resync,
}

/// Where the app keeps its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptIn {
    /// The system's keychain.
    Keychain,
    /// A file that only its owner reads: this system has no keychain, or it is locked.
    File,
    /// Nowhere: the desk runs on this computer, and the app makes a session at every start.
    Memory,
}

/// How the app behaves on this computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPreferences {
    /// The app's version.
    pub version: String,
    /// Where the desk answers.
    pub address: String,
    /// Whether it runs on this computer.
    pub here: bool,
    /// Where the session is kept.
    pub kept_in: KeptIn,
    /// Whether the app starts when somebody logs in to this computer.
    pub start_at_login: bool,
    /// Whether no notifications are shown.
    pub do_not_disturb: bool,
    /// The keys that bring the queue up from anywhere; none where this system lets no app have such.
    pub shortcut: Option<String>,
}
