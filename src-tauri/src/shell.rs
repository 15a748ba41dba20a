//! The app between its window and its desk: which desk, whose session, and what is told of either. The commands, the
//! tray and the notifications are thin over this.

mod entering;
mod here;
mod links;

use crate::address::Address;
use crate::board::{Board, Look};
#[cfg(desktop)]
use crate::bundled::Bundled;
use crate::desk::{Desk, Unreached};
use crate::keychain::{Keychain, System};
use crate::pkce::Proof;
use crate::settings::{Chosen, Settings};
use crate::{notices, tray, window, words};
use countersign_wire::app::{AppPreferences, AppStatus, AppTold, KeptIn, LIVE_EVENT, STATUS_EVENT};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tauri::{AppHandle, Emitter as _};
use tokio_util::sync::CancellationToken;

/// What a command answers where it can't do what it should: a sentence for the person.
pub type Told<T> = Result<T, String>;

/// Where the app keeps things.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Settings, and the session where there is no keychain.
    pub config: PathBuf,
    /// The desk in the box.
    #[cfg(desktop)]
    pub data: PathBuf,
    /// The log.
    pub log: PathBuf,
}

/// See the module.
pub struct Shell {
    app: AppHandle,
    folders: Folders,
    keychain: Arc<Keychain<System>>,
    inner: Mutex<Inner>,
    #[cfg(desktop)]
    bundled: tokio::sync::Mutex<Option<Bundled>>,
}

struct Inner {
    settings: Settings,
    status: AppStatus,
    /// The desk with its session, while somebody is signed in.
    desk: Option<Desk>,
    kept_in: KeptIn,
    session: u32,
    /// What the desk calls itself; empty while nobody has asked it.
    name: String,
    /// When the desk on this computer last let the app in again.
    let_in_at: Option<Instant>,
    live: bool,
    board: Board,
    place: Option<String>,
    /// The address of a desk that a link named before anything was shown.
    offered: Option<String>,
    entering: Option<Entering>,
    /// Ends what belongs to the session or to the try to get one.
    stop: CancellationToken,
    shortcut: Option<String>,
    /// What the tray shows.
    drawn: Option<tray::View>,
}

/// A sign-in that waits for the browser.
#[derive(Clone)]
struct Entering {
    desk: Desk,
    name: String,
    proof: Proof,
}

impl Shell {
    /// The app at its start.
    #[must_use]
    pub fn new(app: AppHandle, folders: Folders) -> Self {
        let keychain = Arc::new(Keychain::new(System, folders.config.join("session")));
        let inner = Inner {
            settings: Settings::load(&folders.config.join("settings.json")),
            status: AppStatus::Starting,
            desk: None,
            kept_in: KeptIn::Memory,
            session: 0,
            name: String::new(),
            let_in_at: None,
            live: false,
            board: Board::default(),
            place: None,
            offered: None,
            entering: None,
            stop: CancellationToken::new(),
            shortcut: None,
            drawn: None,
        };
        Self {
            app,
            folders,
            keychain,
            inner: Mutex::new(inner),
            #[cfg(desktop)]
            bundled: tokio::sync::Mutex::new(None),
        }
    }

    /// The app.
    #[must_use]
    pub const fn app(&self) -> &AppHandle {
        &self.app
    }

    /// Where the app keeps things.
    #[must_use]
    pub const fn folders(&self) -> &Folders {
        &self.folders
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell<T: Serialize + Clone>(&self, event: &str, payload: T) {
        if let Err(error) = self.app.emit_to(window::LABEL, event, payload) {
            tracing::warn!(%error, event, "the window can't be told");
        }
    }

    fn set_status(&self, status: AppStatus) {
        self.inner().status = status.clone();
        if let Some((title, words)) = words::trouble(&status).filter(|_| !window::is_shown(&self.app)) {
            notices::say(&self.app, &title, &words);
        }
        self.show_board();
        self.tell(STATUS_EVENT, status);
    }

    /// Where the app stands.
    #[must_use]
    pub fn status(&self) -> AppStatus {
        self.inner().status.clone()
    }

    /// Whether somebody is signed in at a desk.
    #[cfg(desktop)]
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        matches!(self.inner().status, AppStatus::Ready { .. })
    }

    fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Told<()> {
        let mut inner = self.inner();
        let mut settings = inner.settings.clone();
        change(&mut settings);
        settings.save(&self.folders.config.join("settings.json")).map_err(|error| {
            format!("The app's folder {} can't be written to: {error}.", self.folders.config.display())
        })?;
        inner.settings = settings;
        Ok(())
    }

    /// Ends what belongs to the session or sign-in of before; the token that ends what begins now.
    fn begin_anew(&self) -> CancellationToken {
        let mut inner = self.inner();
        inner.stop.cancel();
        inner.stop = CancellationToken::new();
        inner.desk = None;
        inner.entering = None;
        inner.live = false;
        // What was told of the desk of before leads nowhere any more.
        notices::show(&self.app, std::mem::take(&mut inner.board).all_gone());
        inner.stop.clone()
    }

    // What the window asks for.

    /// Goes to the desk that was chosen, or asks for one.
    pub async fn open(self: Arc<Self>) {
        let chosen = self.inner().settings.chosen.clone();
        match chosen {
            None => {
                let offered = self.inner().offered.take();
                self.set_status(AppStatus::Choose { offered });
            }
            Some(Chosen::Here) => self.start_here(false).await,
            Some(Chosen::At { address }) => match Address::of(&address) {
                Ok(address) => self.join(address).await,
                Err(error) => self.set_status(failed("This desk's address is not taken any more", error.to_string())),
            },
        }
    }

    /// Tells the window what happened.
    pub fn tell_live(&self, told: AppTold) {
        if let AppTold::Connection { live } = told {
            self.inner().live = live;
        }
        self.tell(LIVE_EVENT, told);
    }

    /// How the stream stands, for a page that was just drawn.
    pub fn hello(&self) {
        let live = self.inner().live;
        self.tell(LIVE_EVENT, AppTold::Connection { live });
    }

    /// Looks what waits, and tells of it. `Ok(false)` when the session is over.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn look(&self, desk: &Desk) -> Result<bool, Unreached> {
        let Some(page) = desk.pending().await? else { return Ok(false) };
        let on_screen = window::is_shown(&self.app);
        let notices = {
            let mut inner = self.inner();
            let look = Look { quiet: inner.settings.do_not_disturb, on_screen, now: crate::clock::now() };
            inner.board.take(page.items, page.pending, look)
        };
        notices::show(&self.app, notices);
        self.show_board();
        Ok(true)
    }

    /// Draws the tray and the badge anew, where they differ: a menu that is open would close.
    pub fn show_board(&self) {
        let view = self.tray_view();
        let before = self.inner().drawn.replace(view.clone());
        if before.as_ref() != Some(&view) {
            tray::draw(&self.app, &view);
        }
    }

    /// Draws them whatever stands there: a switch that is pressed changes its own tick, whether anything was done or not.
    #[cfg(desktop)]
    pub fn draw_board(&self) {
        self.inner().drawn = None;
        self.show_board();
    }

    /// What the tray shows.
    #[must_use]
    pub fn tray_view(&self) -> tray::View {
        let inner = self.inner();
        tray::View {
            standing: words::standing(&inner.status),
            pending: inner.board.pending(),
            newest: inner.board.newest().to_vec(),
            do_not_disturb: inner.settings.do_not_disturb,
            start_at_login: window::starts_at_login(&self.app),
        }
    }

    // How the app behaves.

    /// How the app behaves on this computer.
    #[must_use]
    pub fn preferences(&self) -> AppPreferences {
        let start_at_login = window::starts_at_login(&self.app);
        let inner = self.inner();
        AppPreferences {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: inner.desk.as_ref().map(|desk| desk.address.origin()).unwrap_or_default(),
            here: inner.settings.chosen == Some(Chosen::Here),
            kept_in: inner.kept_in,
            start_at_login,
            do_not_disturb: inner.settings.do_not_disturb,
            shortcut: inner.shortcut.clone(),
        }
    }

    /// Shows notifications, or none.
    ///
    /// # Errors
    /// When that can't be written down.
    pub fn set_do_not_disturb(&self, on: bool) -> Told<()> {
        self.change_settings(|settings| settings.do_not_disturb = on)?;
        self.show_board();
        Ok(())
    }

    /// Notes the keys that bring the queue up.
    #[cfg(desktop)]
    pub fn note_shortcut(&self, keys: &str) {
        self.inner().shortcut = Some(keys.to_owned());
    }
}

fn desk_at(address: Address) -> Told<Desk> {
    Desk::at(address).map_err(|error| {
        tracing::error!(%error, "TLS can't be set up");
        "This computer's certificates can't be read.".to_owned()
    })
}

fn failed(title: &str, words: String) -> AppStatus {
    AppStatus::Failed { title: title.to_owned(), words }
}
