//! The server as a whole: opens the desk, answers at its doors, and stops without losing anything.

use crate::auth::passkeys::{PasskeyError, Passkeys};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, DataFolder};
use crate::connectors::Connectors;
use crate::desk::health::start_metrics;
use crate::desk::house::{ensure_desk, ensure_push_key, open_vault, settle_address};
use crate::desk::{Desk, DeskError, Parts};
use crate::http;
use crate::listen;
use crate::scheduler;
use crate::store::{Store, StoreError};
use crate::vault::{MasterKeySource, VaultError};
use secrecy::SecretString;
use std::fs::File;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Why the server does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server has the data folder.
    #[error("another Countersign server uses the data folder {0}; stop it, or name another folder with --data-dir")]
    Locked(String),
    /// The data folder can't be used.
    #[error("the data folder {0} can't be used: {1}")]
    Folder(String, io::Error),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key can't be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Passkeys can't work with this address.
    #[error(transparent)]
    Passkeys(#[from] PasskeyError),
    /// The desk can't be opened.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A socket failed.
    #[error("a socket failed: {0}")]
    Socket(#[from] io::Error),
}

/// A server that is ready to answer; [`Started::run`] lets it.
pub struct Started {
    desk: Desk,
    listeners: Vec<TcpListener>,
    setup_link: Option<SecretString>,
    data: DataFolder,
    lock: File,
}

/// How long a stop waits for calls that are under way.
const LAST_CALLS: Duration = Duration::from_secs(20);
/// How long a stop waits for answers that are being written.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Opens the desk and sets right what the last stop left: after this, `/readyz` would be true.
///
/// # Errors
/// When the folder is locked or unusable, or the database, key or address is not as it must be.
pub async fn start(config: Config, listeners: Vec<TcpListener>) -> Result<Started, ServeError> {
    start_with(config, listeners, Arc::new(SystemClock)).await
}

/// [`start`] with another clock, for tests.
///
/// # Errors
/// As [`start`].
pub async fn start_with(
    config: Config,
    listeners: Vec<TcpListener>,
    clock: SharedClock,
) -> Result<Started, ServeError> {
    install_crypto();
    start_metrics();
    let lock = lock(&config.data)?;
    let store = Store::open(&config.data).await?;
    let row = ensure_desk(&store, &clock).await?;
    let key = master_key_source(config.master_key_file.as_deref(), &config.data);
    let vault = open_vault(&store, &row, &key).await?;
    settle_address(&store, &row, &config.public_url).await?;
    let push_key = ensure_push_key(&store, &vault, &row).await?;
    let probe_key = SecretString::from(row.probe_key.clone());
    let passkeys = Passkeys::new(config.public_url.rp_id(), config.public_url.url(), &row.name, &probe_key)?;
    let parts = Parts {
        store,
        vault: Arc::new(vault),
        connectors: Connectors::new(),
        passkeys,
        clock,
        public_url: config.public_url,
        demo: config.demo,
        call_timeout: config.call_timeout,
        message_timeout: config.message_timeout,
        environment: config.environment,
        push_key,
    };
    let desk = Desk::open(parts).await?;
    let lost = desk.recover().await?;
    if lost > 0 {
        tracing::warn!(lost, "calls were under way when the desk last stopped; their outcome is unknown");
    }
    let setup_link = desk.setup_link().await?;
    Ok(Started { desk, listeners, setup_link, data: config.data, lock })
}

/// Chooses the cryptography that TLS uses in this process. [`start`] does it; whoever makes an HTTP client before that
/// does it first.
pub fn install_crypto() {
    // Refused only when another part of the process was faster, and then it is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Starts and runs until `shutdown`: the whole server.
///
/// # Errors
/// As [`start`] and [`Started::run`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    start(config, vec![listener]).await?.run(shutdown).await
}

impl Started {
    /// The desk.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The one-time setup link, while nobody has set the desk up. To be shown at the terminal, never logged.
    #[must_use]
    pub const fn setup_link(&self) -> Option<&SecretString> {
        self.setup_link.as_ref()
    }

    /// Answers until `shutdown`, then takes no new work, lets calls end or be marked, and tells streams to come back.
    ///
    /// # Errors
    /// When a socket fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let (stop, stopping) = watch::channel(false);
        let mut background = JoinSet::new();
        scheduler::spawn(&mut background, &self.desk);
        let router = http::router(self.desk.clone(), stopping.clone());
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            doors.spawn(listen::answer(listener, router.clone(), stopping.clone()));
        }
        tokio::select! {
            () = shutdown => tracing::info!("stopping: no new work, running calls may end"),
            Some(ended) = doors.join_next() => ended.map_err(io::Error::other)??,
        }
        // Whoever listens to this may be gone already.
        let _ = stop.send(true);
        self.desk.begin_no_more();
        background.shutdown().await;
        let _ = tokio::time::timeout(LAST_WORDS, async { while doors.join_next().await.is_some() {} }).await;
        if tokio::time::timeout(LAST_CALLS, self.desk.quiet()).await.is_err() {
            tracing::warn!("calls are still under way; the next start will call their outcome unknown");
        }
        self.desk.outgoing().stop().await;
        if let Err(error) = self.desk.store().settle(&self.data).await {
            tracing::warn!(%error, "the database's log could not be folded into its file; the next start does it");
        }
        drop(self.lock);
        Ok(())
    }
}

/// Takes the data folder for this process. The lock goes with the process, however it ends.
pub(crate) fn lock(folder: &DataFolder) -> Result<File, ServeError> {
    let name = folder.path().display().to_string();
    let path = folder.path().join("countersign.lock");
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| ServeError::Folder(name.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::Locked(name)),
        Err(std::fs::TryLockError::Error(error)) => Err(ServeError::Folder(name, error)),
    }
}

/// Where the master key comes from: the environment, a named file, or the data folder.
#[must_use]
pub fn master_key_source(file: Option<&std::path::Path>, data: &DataFolder) -> MasterKeySource {
    match (std::env::var("COUNTERSIGN_MASTER_KEY"), file) {
        (Ok(value), _) => MasterKeySource::Value(SecretString::from(value)),
        (Err(_), Some(path)) => MasterKeySource::File(path.to_owned()),
        (Err(_), None) => MasterKeySource::DataFolder(data.path().to_owned()),
    }
}
