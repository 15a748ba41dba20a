//! The app between its window and its desk: which desk, whose session, and what is told of either. The commands, the
//! tray and the notifications are thin over this.

use crate::address::Address;
use crate::board::{Board, Look};
#[cfg(desktop)]
use crate::bundled::Bundled;
use crate::deep_link::DeepLink;
use crate::desk::{Desk, Unreached, differs};
use crate::keychain::{Keychain, System};
use crate::loopback::Door;
use crate::path::{may_call, may_open};
use crate::pkce::Proof;
use crate::settings::{Chosen, Settings};
use crate::{notices, stream, tray, window};
use countersign_domain::ids::RequestId;
use countersign_wire::app::{
    AppAnswer, AppCall, AppPreferences, AppStatus, AppTold, KeptIn, LIVE_EVENT, PLACE_EVENT, STATUS_EVENT,
};
use countersign_wire::session::{AppToken, AppTokenBody};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tauri::{AppHandle, Emitter as _};
use tauri_plugin_opener::OpenerExt as _;
use tokio_util::sync::CancellationToken;
use url::Url;

/// How long the browser is waited for.
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How often the desk in the box is asked whether it was set up.
#[cfg(desktop)]
const SETUP_LOOK: Duration = Duration::from_millis(300);
/// How long the keychain may take: one that is locked asks the person, who may be away.
const KEYCHAIN_PATIENCE: Duration = Duration::from_secs(60);

/// What a command answers where it can't do what it should: a sentence for the person.
pub type Told<T> = Result<T, String>;

/// Where the app keeps things.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Settings, and the session where there is no keychain.
    pub config: PathBuf,
    /// The desk in the box.
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
    live: bool,
    board: Board,
    place: Option<String>,
    entering: Option<Entering>,
    /// Ends what belongs to the session or to the try to get one.
    stop: CancellationToken,
    shortcut: Option<String>,
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
            live: false,
            board: Board::default(),
            place: None,
            entering: None,
            stop: CancellationToken::new(),
            shortcut: None,
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
        self.tell(STATUS_EVENT, status);
    }

    /// Where the app stands.
    #[must_use]
    pub fn status(&self) -> AppStatus {
        self.inner().status.clone()
    }

    fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Told<()> {
        let settings = {
            let mut inner = self.inner();
            change(&mut inner.settings);
            inner.settings.clone()
        };
        settings.save(&self.folders.config.join("settings.json")).map_err(|error| {
            format!("The app's folder {} can't be written to: {error}.", self.folders.config.display())
        })
    }

    /// Ends what belongs to the session or sign-in of before; the token that ends what begins now.
    fn begin_anew(&self) -> CancellationToken {
        let mut inner = self.inner();
        inner.stop.cancel();
        inner.stop = CancellationToken::new();
        inner.desk = None;
        inner.entering = None;
        inner.live = false;
        inner.board = Board::default();
        inner.stop.clone()
    }

    // What the window asks for.

    /// Goes to the desk that was chosen, or asks for one.
    pub async fn open(self: Arc<Self>) {
        let chosen = self.inner().settings.chosen.clone();
        match chosen {
            None => self.set_status(AppStatus::Choose { offered: None }),
            Some(Chosen::Here) => self.start_here(false).await,
            Some(Chosen::At { address }) => match Address::of(&address) {
                Ok(address) => self.join(address).await,
                Err(error) => self.set_status(failed("This desk's address is not taken any more", error.to_string())),
            },
        }
    }

    /// Connects to a team's desk, for the first time.
    ///
    /// # Errors
    /// When the address is none, or no desk answers there.
    pub async fn connect(self: &Arc<Self>, text: &str) -> Told<()> {
        let address = Address::read(text).map_err(|error| error.to_string())?;
        let desk = desk_at(address)?;
        let info = desk.look().await.map_err(|error| error.to_string())?;
        if info.setup_needed {
            return Err(
                "This desk is not set up yet. Open the setup link that its server printed, then come back.".into()
            );
        }
        self.change_settings(|settings| {
            settings.chosen = desk.address.origin().parse().ok().map(|address| Chosen::At { address });
        })?;
        self.clone().join(desk.address).await;
        Ok(())
    }

    /// Goes on at a team's desk with the session that is kept, or asks for one.
    async fn join(self: Arc<Self>, address: Address) {
        self.begin_anew();
        let origin = address.origin();
        let desk = match desk_at(address) {
            Ok(desk) => desk,
            Err(words) => return self.set_status(failed("This computer can't speak to the desk", words)),
        };
        if let Some((token, kept_in)) = self.kept(&origin).await {
            return self.enter(desk.with(token), kept_in);
        }
        self.set_status(AppStatus::Starting);
        match desk.look().await {
            Ok(info) => self.ask_to_sign_in(&desk, &info.name, differs(&info.version, env!("CARGO_PKG_VERSION"))),
            Err(error) => self.set_status(failed("Your desk does not answer", error.to_string())),
        }
    }

    fn ask_to_sign_in(&self, desk: &Desk, name: &str, note: Option<String>) {
        let (address, name) = (desk.address.origin(), name.to_owned());
        self.set_status(AppStatus::SignedOut { address, desk: name, here: false, waiting: false, note });
    }

    async fn kept(&self, desk: &str) -> Option<(SecretString, KeptIn)> {
        let (keychain, desk) = (self.keychain.clone(), desk.to_owned());
        let found = tauri::async_runtime::spawn_blocking(move || keychain.find(&desk));
        tokio::time::timeout(KEYCHAIN_PATIENCE, found).await.ok()?.ok()?
    }

    /// Opens the browser to sign in, or to set the desk up.
    ///
    /// # Errors
    /// When the browser can't be opened, or there is no desk.
    pub async fn sign_in(self: &Arc<Self>) -> Told<()> {
        match self.status() {
            AppStatus::Setup { .. } => self.open_setup().await,
            AppStatus::SignedOut { here: true, .. } => self.enter_here().await,
            AppStatus::SignedOut { address, desk, .. } => {
                let address = Address::read(&address).map_err(|error| error.to_string())?;
                self.ask_browser(desk_at(address)?, desk).await
            }
            _ => Ok(()),
        }
    }

    /// Sends the browser to the desk's page that signs the app in, and waits for what it brings back.
    async fn ask_browser(self: &Arc<Self>, desk: Desk, name: String) -> Told<()> {
        let stop = self.begin_anew();
        let proof = Proof::fresh().map_err(|_| "This computer has no random bytes to give.".to_owned())?;
        // Where no port can be had, the system brings the code by the app's own address.
        let door = Door::open().await.inspect_err(|error| tracing::warn!(%error, "no port for the sign-in")).ok();
        let back =
            door.as_ref().map_or_else(|| "countersign://sign-in".to_owned(), |door| door.redirect_uri().to_owned());
        let mut page = Url::parse(&desk.address.with_path("/sign-in/app")).map_err(|error| error.to_string())?;
        page.query_pairs_mut()
            .append_pair("code_challenge", &proof.challenge())
            .append_pair("redirect_uri", &back)
            .append_pair("state", proof.state());
        self.open_page(&desk.address, &page)?;
        let address = desk.address.origin();
        let entering = Entering { desk, name: name.clone(), proof: proof.clone() };
        self.inner().entering = Some(entering.clone());
        self.set_status(AppStatus::SignedOut { address, desk: name, here: false, waiting: true, note: None });
        let shell = self.clone();
        tauri::async_runtime::spawn(async move {
            let waited = async {
                match door {
                    Some(door) => door.code(proof.state()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                code = tokio::time::timeout(SIGN_IN_PATIENCE, waited) => match code {
                    Ok(code) => shell.redeem(entering, code).await,
                    Err(_) => shell.ask_to_sign_in(&entering.desk, &entering.name, None),
                },
            }
        });
        Ok(())
    }

    /// Exchanges the code that came back.
    async fn redeem(self: Arc<Self>, entering: Entering, code: String) {
        let Entering { desk, name, proof } = entering;
        let body = AppTokenBody { code, code_verifier: proof.verifier().expose_secret().to_owned() };
        let note = match desk.redeem(&body).await {
            Ok(Some(AppToken { token, .. })) => {
                let token = SecretString::from(token);
                let kept_in = self.keep(&desk.address.origin(), &token).await;
                window::show(&self.app);
                return self.enter(desk.with(token), kept_in);
            }
            Ok(None) => "That took too long, or the page was used already. Sign in once more.".to_owned(),
            Err(error) => error.to_string(),
        };
        self.begin_anew();
        self.ask_to_sign_in(&desk, &name, Some(note));
    }

    async fn keep(&self, desk: &str, token: &SecretString) -> KeptIn {
        let (keychain, desk, token) = (self.keychain.clone(), desk.to_owned(), token.clone());
        let kept = tauri::async_runtime::spawn_blocking(move || keychain.keep(&desk, &token));
        match tokio::time::timeout(KEYCHAIN_PATIENCE, kept).await {
            Ok(Ok(Ok(kept_in))) => kept_in,
            other => {
                tracing::error!(?other, "the session can't be kept; the next start asks for it again");
                KeptIn::Memory
            }
        }
    }

    /// Somebody is signed in.
    fn enter(self: Arc<Self>, desk: Desk, kept_in: KeptIn) {
        let stop = self.begin_anew();
        let (address, here) = (desk.address.origin(), self.is_here());
        let session = {
            let mut inner = self.inner();
            inner.desk = Some(desk.clone());
            inner.kept_in = kept_in;
            inner.session += 1;
            inner.session
        };
        self.set_status(AppStatus::Ready { address, here, session });
        stream::spawn(self, desk, stop);
    }

    fn is_here(&self) -> bool {
        self.inner().settings.chosen == Some(Chosen::Here)
    }

    /// The desk says that the session is over.
    pub async fn session_over(self: &Arc<Self>, note: Option<&str>) {
        let Some(desk) = self.inner().desk.take() else { return };
        self.begin_anew();
        self.forget(&desk).await;
        self.show_board();
        let name = match &*self.status_name() {
            "" => desk.address.origin(),
            name => name.to_owned(),
        };
        let here = self.is_here();
        let (address, note) = (desk.address.origin(), note.map(ToOwned::to_owned));
        self.set_status(AppStatus::SignedOut { address, desk: name, here, waiting: false, note });
    }

    fn status_name(&self) -> String {
        match self.status() {
            AppStatus::SignedOut { desk, .. } => desk,
            _ => String::new(),
        }
    }

    async fn forget(&self, desk: &Desk) {
        let (keychain, origin) = (self.keychain.clone(), desk.address.origin());
        let forgotten = tauri::async_runtime::spawn_blocking(move || keychain.forget(&origin));
        if tokio::time::timeout(KEYCHAIN_PATIENCE, forgotten).await.is_err() {
            tracing::warn!("the keychain does not answer");
        }
    }

    /// Leaves the desk, to choose another one.
    ///
    /// # Errors
    /// When that can't be written down.
    pub async fn leave_desk(self: &Arc<Self>) -> Told<()> {
        let desk = self.inner().desk.take();
        self.begin_anew();
        if let Some(desk) = desk {
            desk.sign_out().await;
            self.forget(&desk).await;
        }
        #[cfg(desktop)]
        self.stop_bundled().await;
        self.change_settings(|settings| settings.chosen = None)?;
        self.show_board();
        self.set_status(AppStatus::Choose { offered: None });
        Ok(())
    }

    /// Makes one of the interface's calls.
    ///
    /// # Errors
    /// When the call is none of the interface's, nobody is signed in, or no answer comes.
    pub async fn call(self: &Arc<Self>, call: AppCall) -> Told<AppAnswer> {
        if !may_call(&call.method, &call.path) {
            tracing::warn!(method = call.method, "the window asked for a call that is none of the interface's");
            return Err("The app does not make this call.".to_owned());
        }
        let desk = self.inner().desk.clone().ok_or("You are not signed in.")?;
        let leaves = call.method == "DELETE" && call.path == "/api/session";
        let answer = desk.call(call).await.map_err(|error: Unreached| error.to_string())?;
        if answer.status == 401 {
            self.session_over(Some("Your session is over. Sign in again.")).await;
        } else if leaves && answer.status < 300 {
            self.session_over(None).await;
        }
        Ok(answer)
    }

    /// Opens one of the desk's pages in the browser, signed in where the desk is in the box.
    ///
    /// # Errors
    /// When it is none of its pages, or the browser can't be opened.
    pub async fn open_in_browser(&self, path: &str) -> Told<()> {
        if !may_open(path) {
            return Err("The app does not open this page.".to_owned());
        }
        let desk = self.inner().desk.clone().ok_or("You are not signed in.")?;
        let mut page = Url::parse(&desk.address.with_path(path)).map_err(|error| error.to_string())?;
        if let Some(ticket) = self.ticket().await? {
            page.set_fragment(Some(ticket.expose_secret()));
        }
        self.open_page(&desk.address, &page)
    }

    /// Opens a page, if it belongs to this desk: nothing else is ever opened.
    fn open_page(&self, desk: &Address, page: &Url) -> Told<()> {
        if !desk.has(page) {
            return Err("The app opens pages of your desk only.".to_owned());
        }
        self.app.opener().open_url(page.as_str(), None::<&str>).map_err(|error| {
            tracing::error!(%error, "the browser can't be opened");
            "Your browser could not be opened. Open your desk in it by hand.".to_owned()
        })
    }

    // What comes from outside.

    /// Follows a link. Anybody can make one, so it opens and offers, and does nothing more.
    pub async fn follow(self: Arc<Self>, link: DeepLink) {
        match link {
            DeepLink::Request { id, desk } => self.show_request_of(id, desk),
            DeepLink::Connect { address } => self.offer(&address),
            DeepLink::SignIn { code, state } => {
                let entering = self.inner().entering.clone().filter(|entering| entering.proof.state() == state);
                match entering {
                    Some(entering) => self.redeem(entering, code).await,
                    None => tracing::warn!("a sign-in came back that nobody waits for"),
                }
            }
        }
    }

    fn show_request_of(&self, id: RequestId, desk: Option<Address>) {
        let ours = self.inner().desk.as_ref().map(|desk| desk.address.clone());
        match desk {
            Some(other) if ours.is_some_and(|ours| ours != other) => {
                let words = format!("It leads to {}, and this app is connected to another desk.", other.origin());
                notices::say(&self.app, "This link is for another desk", &words);
            }
            _ => self.go(&format!("/requests/{id}")),
        }
    }

    fn offer(&self, address: &Address) {
        window::show(&self.app);
        match self.status() {
            AppStatus::Choose { .. } => self.set_status(AppStatus::Choose { offered: Some(address.origin()) }),
            _ => {
                let words = format!("To connect to {}, first choose “Use another desk” in the app.", address.origin());
                notices::say(&self.app, "This app has a desk already", &words);
            }
        }
    }

    /// Shows the window at a place.
    pub fn go(&self, place: &str) {
        self.inner().place = Some(place.to_owned());
        window::show(&self.app);
        self.tell(PLACE_EVENT, ());
    }

    /// Where somebody is to be taken; said once.
    #[must_use]
    pub fn take_place(&self) -> Option<String> {
        self.inner().place.take()
    }

    // What the stream brings.

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

    /// Draws the tray and the badge anew.
    pub fn show_board(&self) {
        let view = self.tray_view();
        tray::draw(&self.app, &view);
    }

    /// What the tray shows.
    #[must_use]
    pub fn tray_view(&self) -> tray::View {
        let inner = self.inner();
        tray::View {
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
    pub fn note_shortcut(&self, keys: &str) {
        self.inner().shortcut = Some(keys.to_owned());
    }
}

#[cfg(desktop)]
impl Shell {
    /// Chooses the desk in the box.
    ///
    /// # Errors
    /// When that can't be written down.
    pub async fn run_here(self: &Arc<Self>) -> Told<()> {
        self.change_settings(|settings| settings.chosen = Some(Chosen::Here))?;
        self.clone().start_here(true).await;
        Ok(())
    }

    /// Starts the desk in the box; `by_hand`: somebody is at the window, and the browser may open.
    async fn start_here(self: Arc<Self>, by_hand: bool) {
        let stop = self.begin_anew();
        self.set_status(AppStatus::Starting);
        let mut bundled = self.bundled.lock().await;
        if bundled.is_none() {
            let port = self.inner().settings.port;
            match Bundled::start(&self.folders.data.join("desk"), port).await {
                Ok(started) => *bundled = Some(started),
                Err(trouble) => {
                    tracing::error!(error = %trouble, "the desk on this computer does not start");
                    return self.set_status(failed("The desk on this computer does not start", trouble.to_string()));
                }
            }
        }
        let Some(running) = bundled.as_ref() else { return };
        let (port, address, needs_setup) = (running.port, running.address.origin(), running.setup_page().is_some());
        drop(bundled);
        if let Err(error) = self.change_settings(|settings| settings.port = Some(port)) {
            tracing::warn!(error, "the port can't be written down");
        }
        if !needs_setup {
            if let Err(words) = self.enter_here().await {
                self.set_status(failed("The desk on this computer does not let the app in", words));
            }
            return;
        }
        self.set_status(AppStatus::Setup { address });
        if by_hand && let Err(error) = self.open_setup().await {
            tracing::warn!(error, "the setup page was not opened");
        }
        self.wait_for_setup(stop);
    }

    fn wait_for_setup(self: Arc<Self>, stop: CancellationToken) {
        tauri::async_runtime::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(SETUP_LOOK) => {}
                }
                let needed = match self.bundled.lock().await.as_ref() {
                    Some(bundled) => bundled.setup_page().is_some(),
                    None => return,
                };
                if !needed {
                    if let Err(words) = self.enter_here().await {
                        self.set_status(failed("The desk on this computer does not let the app in", words));
                    }
                    return window::show(&self.app);
                }
            }
        });
    }

    async fn open_setup(&self) -> Told<()> {
        let bundled = self.bundled.lock().await;
        let Some(bundled) = bundled.as_ref() else { return Ok(()) };
        let Some(page) = bundled.setup_page() else { return Ok(()) };
        self.open_page(&bundled.address, &page)
    }

    /// Comes in at the desk in the box: whoever runs it needs no key.
    async fn enter_here(self: &Arc<Self>) -> Told<()> {
        let (session, address) = {
            let bundled = self.bundled.lock().await;
            let bundled = bundled.as_ref().ok_or("The desk on this computer does not run.")?;
            let session = bundled.desk().open_within_process().await.map_err(|error| error.to_string())?;
            (session.ok_or("Nobody has set this desk up yet.")?, bundled.address.clone())
        };
        self.clone().enter(desk_at(address)?.with(session.token.into()), KeptIn::Memory);
        Ok(())
    }

    /// What signs the browser in at the desk in the box; none at a team's, where the browser has its own session.
    async fn ticket(&self) -> Told<Option<SecretString>> {
        match self.bundled.lock().await.as_ref() {
            Some(bundled) => bundled.desk().ticket_within_process().await.map(Some).map_err(|error| error.to_string()),
            None => Ok(None),
        }
    }

    /// Stops the desk in the box, if it runs.
    pub async fn stop_bundled(&self) {
        let bundled = self.bundled.lock().await.take();
        if let Some(bundled) = bundled {
            bundled.stop().await;
        }
    }
}

/// On a phone there is no desk in the box.
#[cfg(mobile)]
impl Shell {
    /// Not on a phone.
    ///
    /// # Errors
    /// Always.
    pub async fn run_here(self: &Arc<Self>) -> Told<()> {
        Err("A phone can't run a desk. Connect to your team's.".to_owned())
    }

    async fn start_here(self: Arc<Self>, _by_hand: bool) {
        self.set_status(AppStatus::Choose { offered: None });
    }

    async fn open_setup(&self) -> Told<()> {
        Ok(())
    }

    async fn enter_here(self: &Arc<Self>) -> Told<()> {
        Ok(())
    }

    async fn ticket(&self) -> Told<Option<SecretString>> {
        Ok(None)
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
