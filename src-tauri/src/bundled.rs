//! The desk in the box: the server, within this process, for this computer alone.

use crate::address::Address;
use countersign_server::config::{Config, ConfigError, DataFolder, Environment, PublicUrl, loopbacks};
use countersign_server::connectors::DEFAULT_TIMEOUT;
use countersign_server::desk::Desk;
use countersign_server::notify::LONGEST_TRY;
use countersign_server::{ServeError, start};
use secrecy::{ExposeSecret as _, SecretString};
use std::io;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

/// The first port that is tried.
const FIRST_PORT: u16 = countersign_server::config::DEFAULT_PORT;
/// How many are tried at the first start; later it is the one that was found.
const PORTS: u16 = 20;

/// Why it does not run; sentences for people.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Somebody else has its port.
    #[error(
        "Port {0}, by which your agents reach the desk, is taken: by another program, or by a Countersign that runs already. Close it, then try again."
    )]
    PortTaken(u16),
    /// No port can be had.
    #[error("No port can be listened on: {0}.")]
    NoPort(io::Error),
    /// The folder can't be used.
    #[error("{}.", upper_first(&.0.to_string()))]
    Config(#[from] ConfigError),
    /// It did not start.
    #[error("{}.", sentence(.0))]
    Serve(#[from] ServeError),
}

/// A text as a sentence begins.
fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What a server says at a terminal, without the advice that is for one.
fn sentence(error: &ServeError) -> String {
    match error {
        ServeError::Locked(folder) => format!(
            "Another Countersign uses the data folder {folder}: this app was started twice, or `countersign serve` runs \
             on it. Stop the other one, then try again"
        ),
        other => other.to_string(),
    }
}

/// A desk that runs.
pub struct Bundled {
    /// Where it answers.
    pub address: Address,
    /// Its port.
    pub port: u16,
    desk: Desk,
    setup_link: Option<SecretString>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), ServeError>>,
}

impl Bundled {
    /// Starts it on a folder, at the port that it had, or at the first that is free.
    ///
    /// # Errors
    /// Says what stands in the way.
    pub async fn start(folder: &Path, port: Option<u16>) -> Result<Self, Trouble> {
        let data = DataFolder::prepare(folder)?;
        let (listeners, port) = bind(port).await?;
        let public_url = PublicUrl::localhost(port)?;
        let address = Address::of(public_url.url()).map_err(|error| Trouble::NoPort(io::Error::other(error)))?;
        let config = Config {
            public_url,
            data,
            master_key_file: None,
            demo: false,
            call_timeout: DEFAULT_TIMEOUT,
            message_timeout: LONGEST_TRY,
            environment: Environment::default(),
        };
        let started = start(config, listeners).await?;
        let (desk, setup_link) = (started.desk().clone(), started.setup_link().cloned());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(started.run(async {
            // An error means that the app lets go of it, which is a stop too.
            let _ = stopped.await;
        }));
        Ok(Self { address, port, desk, setup_link, stop, running })
    }

    /// The desk itself.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The page that sets it up, while nobody has.
    #[must_use]
    pub fn setup_page(&self) -> Option<Url> {
        self.setup_link.as_ref().filter(|_| self.desk.info().setup_needed)?.expose_secret().parse().ok()
    }

    /// Stops it; calls that run may end.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        match self.running.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the desk on this computer stopped badly"),
            Err(error) => tracing::error!(%error, "the desk on this computer broke"),
        }
    }
}

/// Both loopbacks, where the machine has both.
async fn bind(kept: Option<u16>) -> Result<(Vec<TcpListener>, u16), Trouble> {
    let ports = kept.map_or(FIRST_PORT..=FIRST_PORT + PORTS, |port| port..=port);
    for port in ports {
        match bind_at(port).await {
            Ok(listeners) => return Ok((listeners, port)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && kept.is_none() => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(Trouble::PortTaken(port)),
            Err(error) => return Err(Trouble::NoPort(error)),
        }
    }
    Err(Trouble::PortTaken(FIRST_PORT))
}

async fn bind_at(port: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in loopbacks(port) {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if address.is_ipv6() && error.kind() != io::ErrorKind::AddrInUse => {
                tracing::debug!(%error, "this machine has no IPv6 loopback");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_desk_comes_back_at_its_port_and_names_it_when_another_program_has_it() {
        countersign_server::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let bundled = Bundled::start(folder.path(), None).await.unwrap();
        let port = bundled.port;
        assert!(bundled.setup_page().unwrap().path().starts_with("/setup"));
        bundled.stop().await;

        let again = Bundled::start(folder.path(), Some(port)).await.unwrap();
        assert_eq!(again.address.origin(), format!("http://localhost:{port}"));
        let other = tempfile::tempdir().unwrap();
        let taken = Bundled::start(other.path(), Some(port)).await.err().unwrap();
        assert!(taken.to_string().contains(&format!("Port {port}")), "{taken}");
        let locked = Bundled::start(folder.path(), None).await.err().unwrap();
        assert!(locked.to_string().contains("Another Countersign uses"), "{locked}");
        again.stop().await;
    }

    #[tokio::test]
    async fn a_folder_that_is_none_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a-file");
        std::fs::write(&file, "").unwrap();
        let trouble = Bundled::start(&file, None).await.err().unwrap();
        assert!(trouble.to_string().contains("is not a folder"), "{trouble}");
    }
}
