//! The desk in the box, where there is one.

use super::{Shell, Told};
#[cfg(desktop)]
use super::{desk_at, failed};
#[cfg(desktop)]
use crate::{bundled::Bundled, settings::Chosen, window};
use countersign_wire::app::AppStatus;
#[cfg(desktop)]
use countersign_wire::app::KeptIn;
use secrecy::SecretString;
use std::sync::Arc;
#[cfg(desktop)]
use std::time::Duration;
#[cfg(desktop)]
use tokio_util::sync::CancellationToken;

/// How often the desk in the box is asked whether it was set up.
#[cfg(desktop)]
const SETUP_LOOK: Duration = Duration::from_millis(300);

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
    pub(super) async fn start_here(self: Arc<Self>, by_hand: bool) {
        let stop = self.begin_anew();
        self.set_status(AppStatus::Starting);
        let mut bundled = self.bundled.lock().await;
        if stop.is_cancelled() {
            return;
        }
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

    pub(super) async fn open_setup(&self) -> Told<()> {
        let bundled = self.bundled.lock().await;
        let Some(bundled) = bundled.as_ref() else { return Ok(()) };
        let Some(page) = bundled.setup_page() else { return Ok(()) };
        self.open_page(&bundled.address, &page)
    }

    /// Comes in at the desk in the box: whoever runs it needs no key.
    pub(super) async fn enter_here(self: &Arc<Self>) -> Told<()> {
        let (session, address) = {
            let bundled = self.bundled.lock().await;
            let bundled = bundled.as_ref().ok_or("The desk on this computer does not run.")?;
            let session = bundled.desk().open_within_process().await.map_err(|error| error.to_string())?;
            self.inner().name = bundled.desk().info().name;
            (session.ok_or("Nobody has set this desk up yet.")?, bundled.address.clone())
        };
        self.clone().enter(desk_at(address)?.with(session.token.into()), KeptIn::Memory);
        Ok(())
    }

    /// What signs the browser in at the desk in the box; none at a team's, where the browser has its own session.
    pub(super) async fn ticket(&self) -> Told<Option<SecretString>> {
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

    pub(super) async fn start_here(self: Arc<Self>, _by_hand: bool) {
        self.set_status(AppStatus::Choose { offered: None });
    }

    pub(super) async fn open_setup(&self) -> Told<()> {
        Ok(())
    }

    pub(super) async fn enter_here(self: &Arc<Self>) -> Told<()> {
        Ok(())
    }

    pub(super) async fn ticket(&self) -> Told<Option<SecretString>> {
        Ok(None)
    }

    /// Nothing runs.
    pub async fn stop_bundled(&self) {}
}
