//! How the app comes in at a desk, and leaves it: an address, a sign-in in the browser, a session that is kept.

use super::{Entering, Shell, Told, desk_at, failed};
use crate::address::Address;
use crate::clock::moment;
use crate::desk::{Desk, differs};
use crate::loopback::Door;
use crate::pkce::Proof;
use crate::settings::Chosen;
use crate::sse::Patience;
use crate::stream::jitter;
use crate::{notices, stream, window};
use countersign_wire::app::{AppStatus, KeptIn, PLACE_EVENT};
use countersign_wire::session::{AppToken, AppTokenBody, DeskInfo};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;

/// How long the browser is waited for.
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How long the keychain may take: one that is locked asks the person, who may be away.
const KEYCHAIN_PATIENCE: Duration = Duration::from_secs(60);
/// How long after it let the app in again the desk on this computer is believed that it does not.
const LET_IN_AGAIN: Duration = Duration::from_secs(60);

impl Shell {
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

    /// Goes on at a team's desk with the session that is kept, or asks for one. While the desk does not answer it is
    /// asked again: a computer that starts may have no network yet.
    pub(super) async fn join(self: Arc<Self>, address: Address) {
        let stop = self.begin_anew();
        let origin = address.origin();
        let desk = match desk_at(address) {
            Ok(desk) => desk,
            Err(words) => return self.set_status(failed("This computer can't speak to the desk", words)),
        };
        self.set_status(AppStatus::Starting);
        let looked = desk.look().await;
        if stop.is_cancelled() {
            return;
        }
        match looked {
            Ok(info) => self.come_in(desk, &origin, info, &stop).await,
            Err(error) => {
                self.set_status(failed("Your desk does not answer", error.to_string()));
                self.look_again(desk, origin, stop);
            }
        }
    }

    fn look_again(self: Arc<Self>, desk: Desk, origin: String, stop: CancellationToken) {
        tauri::async_runtime::spawn(async move {
            let mut patience = Patience::default();
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(patience.lose(jitter())) => {}
                }
                if let Ok(info) = desk.look().await {
                    return self.come_in(desk, &origin, info, &stop).await;
                }
            }
        });
    }

    async fn come_in(self: Arc<Self>, desk: Desk, origin: &str, info: DeskInfo, stop: &CancellationToken) {
        let kept = self.kept(origin).await;
        if stop.is_cancelled() {
            return;
        }
        let note = differs(&info.version, env!("CARGO_PKG_VERSION"));
        match kept {
            Some((token, kept_in)) => {
                self.inner().name = info.name;
                if let Some(note) = note {
                    notices::say(&self.app, "Desk and app differ", &note);
                }
                self.enter(desk.with(token), kept_in);
            }
            None => self.ask_to_sign_in(&desk, &info.name, note),
        }
    }

    fn ask_to_sign_in(&self, desk: &Desk, name: &str, note: Option<String>) {
        let (address, name) = (desk.address.origin(), name.to_owned());
        self.inner().name.clone_from(&name);
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
    pub(super) async fn redeem(self: Arc<Self>, entering: Entering, code: String) {
        let Entering { desk, name, proof } = entering;
        let body = AppTokenBody { code, code_verifier: proof.verifier().expose_secret().to_owned() };
        let note = match desk.redeem(&body).await {
            // Whoever went to another desk meanwhile does not want to be let in here any more.
            _ if !self.still_enters(&proof) => return,
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

    fn still_enters(&self, proof: &Proof) -> bool {
        self.inner().entering.as_ref().is_some_and(|entering| entering.proof.state() == proof.state())
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
    pub(super) fn enter(self: Arc<Self>, desk: Desk, kept_in: KeptIn) {
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
        stream::spawn(self, desk, session, stop);
    }

    fn is_here(&self) -> bool {
        self.inner().settings.chosen == Some(Chosen::Here)
    }

    /// The desk says that this session is over, which may be one of before.
    pub async fn session_over(self: &Arc<Self>, session: u32, note: Option<&str>) {
        let ended = {
            let mut inner = self.inner();
            if inner.session == session { inner.desk.take() } else { None }
        };
        let Some(desk) = ended else { return };
        self.begin_anew();
        self.forget(&desk).await;
        let here = self.is_here();
        // The desk on this computer lets the app in as often as it asks; not in a circle, though.
        if here && note.is_some() && self.may_be_let_in() && self.enter_here().await.is_ok() {
            return;
        }
        let name = match &*self.inner().name {
            "" => desk.address.origin(),
            name => name.to_owned(),
        };
        let (address, note) = (desk.address.origin(), note.map(ToOwned::to_owned));
        self.set_status(AppStatus::SignedOut { address, desk: name, here, waiting: false, note });
    }

    fn may_be_let_in(&self) -> bool {
        let mut inner = self.inner();
        let may = inner.let_in_at.is_none_or(|at| at.elapsed() > LET_IN_AGAIN);
        inner.let_in_at = Some(moment());
        may
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
        // First of all, so that nothing has happened where it can't be written down.
        self.change_settings(|settings| settings.chosen = None)?;
        let desk = self.inner().desk.take();
        self.begin_anew();
        if let Some(desk) = desk {
            desk.sign_out().await;
            self.forget(&desk).await;
        }
        self.stop_bundled().await;
        // The next desk begins at its queue.
        self.inner().place = Some("/requests".to_owned());
        self.tell(PLACE_EVENT, ());
        self.set_status(AppStatus::Choose { offered: None });
        Ok(())
    }
}
