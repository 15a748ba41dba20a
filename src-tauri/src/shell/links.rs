//! What the window asks for, and what links from outside do: the desk's own calls and pages, and nothing else.

use super::{Shell, Told};
use crate::address::Address;
use crate::deep_link::DeepLink;
use crate::desk::Unreached;
use crate::path::{may_call, may_open};
use crate::settings::Chosen;
use crate::{notices, window};
use countersign_domain::ids::RequestId;
use countersign_wire::app::{AppAnswer, AppCall, AppStatus, PLACE_EVENT};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use tauri_plugin_opener::OpenerExt as _;
use url::Url;

impl Shell {
    /// Makes one of the interface's calls.
    ///
    /// # Errors
    /// When the call is none of the interface's, nobody is signed in, or no answer comes.
    pub async fn call(self: &Arc<Self>, call: AppCall) -> Told<AppAnswer> {
        if !may_call(&call.method, &call.path) {
            tracing::warn!(method = call.method, "the window asked for a call that is none of the interface's");
            return Err("The app does not make this call.".to_owned());
        }
        let (desk, session) = {
            let inner = self.inner();
            (inner.desk.clone().ok_or("You are not signed in.")?, inner.session)
        };
        let leaves = call.method == "DELETE" && call.path == "/api/session";
        let answer = desk.call(call).await.map_err(|error: Unreached| error.to_string())?;
        if answer.status == 401 {
            self.session_over(session, Some("Your session is over. Sign in again.")).await;
        } else if leaves && answer.status < 300 {
            self.session_over(session, None).await;
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
    pub(super) fn open_page(&self, desk: &Address, page: &Url) -> Told<()> {
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
        match (desk, self.our_address()) {
            (Some(other), None) => self.offer(&other),
            (Some(other), Some(ours)) if ours != other => {
                let words = format!("It leads to {}, and this app is connected to another desk.", other.origin());
                notices::say(&self.app, "This link is for another desk", &words);
            }
            _ => self.go(&format!("/requests/{id}")),
        }
    }

    /// Where the desk is that was chosen, whether it is reached yet or not.
    fn our_address(&self) -> Option<Address> {
        let inner = self.inner();
        let chosen = || match inner.settings.chosen.as_ref()? {
            Chosen::Here => format!("http://localhost:{}", inner.settings.port?).parse().ok(),
            Chosen::At { address } => Some(address.clone()),
        };
        let known = inner.desk.as_ref().map(|desk| desk.address.clone());
        known.or_else(|| Address::of(&chosen()?).ok())
    }

    fn offer(&self, address: &Address) {
        window::show(&self.app);
        match self.status() {
            AppStatus::Choose { .. } => self.set_status(AppStatus::Choose { offered: Some(address.origin()) }),
            // It is asked which desk in a moment.
            AppStatus::Starting if self.our_address().is_none() => self.inner().offered = Some(address.origin()),
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
}
