//! The only place with SQL. One seam for writing, [`Store::write`]; a pool for reading.
//!
//! A use case is one transaction: it is queued to the one writer, which runs many in one commit, each in a savepoint
//! of its own, and answers after the commit. So an answer always means that it is on the disk.

pub mod agents;
pub mod app_codes;
pub mod audit;
pub mod ceremonies;
mod connection;
pub mod connectors;
pub mod decisions;
pub mod delegations;
pub mod deliveries;
pub mod desk;
pub mod events;
pub mod grants;
mod heads;
pub mod links;
pub mod mcp_sessions;
pub mod migrations;
pub mod outside_links;
pub mod passkeys;
pub mod policies;
pub mod push;
pub mod requests;
pub mod row;
pub mod sealed;
pub mod sessions;
mod thread;
pub mod timers;
pub mod users;
mod writer;

use crate::config::DataFolder;
use futures::future::BoxFuture;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use writer::Task;

pub use connection::Connection;

/// What can go wrong with the store. None of it is the caller's fault, and none of it is sent to them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no: disk full, read-only, locked.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that can't be read: the file was changed by something else, or by a newer version.
    #[error("a stored row can't be read: {0}")]
    Row(String),
    /// The migrations did not run.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database can't be opened at all.
    #[error("the database {0} can't be used: {1}")]
    Open(String, Box<Self>),
    /// The writer has stopped.
    #[error("the store has stopped")]
    Stopped,
}

impl StoreError {
    /// Whether a unique constraint was in the way, so that the caller can say which name is taken.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// The desk's database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: mpsc::Sender<Box<dyn Task>>,
    readers: AnyPool,
    outbox: Arc<Notify>,
}

/// How many use cases may wait for the writer before callers wait to be queued.
const QUEUE: usize = 4_096;

impl Store {
    /// Opens the SQLite database in a data folder, brings it up to date and starts the writer.
    ///
    /// # Errors
    /// When the file can't be opened, read or written, or a migration fails.
    pub async fn open(folder: &DataFolder) -> Result<Self, StoreError> {
        let opened = Self::open_in(folder).await;
        opened.map_err(|error| StoreError::Open(folder.database().display().to_string(), Box::new(error)))
    }

    async fn open_in(folder: &DataFolder) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        private(&folder.database()).map_err(sqlx::Error::Io)?;
        let url = folder.database_url();
        let (writer, queue) = mpsc::channel(QUEUE);
        let outbox = Arc::new(Notify::new());
        thread::start(url.clone(), queue, Arc::clone(&outbox)).await?;
        let readers = AnyPoolOptions::new()
            .min_connections(1)
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            // A file does not go away as a server does, and the question would double each read's turns.
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("PRAGMA busy_timeout = 5000").await?;
                    connection.execute("PRAGMA query_only = 1").await?;
                    Ok(())
                })
            })
            .connect(&url)
            .await?;
        Ok(Self { writer, readers, outbox })
    }

    /// Runs a use case as one transaction and answers after it is durable. An error rolls back this use case alone.
    ///
    /// # Errors
    /// The use case's own error, or [`StoreError`] as one when the commit failed: then nothing happened.
    pub async fn write<T, E, F>(&self, use_case: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (task, answer) = writer::task(use_case);
        self.writer.send(task).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// Rings after a commit that put something into the outbox.
    #[must_use]
    pub fn outbox_bell(&self) -> &Notify {
        &self.outbox
    }

    /// A connection for reading; it can't write.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn read(&self) -> Result<Connection, StoreError> {
        Ok(Connection::pooled(self.readers.acquire().await?))
    }

    /// A connection for reading that sees the same moment with everything it reads.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn read_steadily(&self) -> Result<Connection, StoreError> {
        Ok(Connection::steady(self.readers.begin().await?))
    }

    /// Moves what the log holds into the database file, so that whoever copies the stopped desk's file has it all. What
    /// was committed is safe without it.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn settle(&self, folder: &DataFolder) -> Result<(), StoreError> {
        self.readers.close().await;
        let mut connection = connect(&folder.database_url()).await?;
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        connection.close().await?;
        Ok(())
    }

    /// Writes a consistent copy of the database to a new file. The server may run meanwhile.
    ///
    /// # Errors
    /// When the file can't be written.
    pub async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        private(file).map_err(sqlx::Error::Io)?;
        let mut connection = self.readers.acquire().await?;
        // A reader may not write, not even another file.
        connection.execute("PRAGMA query_only = 0").await?;
        let copied =
            sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy().into_owned()).execute(&mut *connection).await;
        connection.execute("PRAGMA query_only = 1").await?;
        copied?;
        Ok(())
    }
}

/// Makes a new database's file its owner's alone; SQLite gives its log the same mode. One that is there keeps its mode.
fn private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        opened => opened.map(drop),
    }
}

async fn connect(url: &str) -> Result<AnyConnection, StoreError> {
    let options = sqlx::any::AnyConnectOptions::from_str(url)?;
    let mut connection = AnyConnection::connect_with(&options).await?;
    for pragma in [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = 1",
        "PRAGMA busy_timeout = 5000",
    ] {
        connection.execute(pragma).await?;
    }
    Ok(connection)
}
