//! Opening a desk for a command, beside a server that may be running on it.

use super::CliError;
use crate::audit::Actor;
use crate::clock::{SharedClock, SystemClock};
use crate::config::{DataFolder, PublicUrl, RawConfig, data_folder, data_path};
use crate::desk::house::{ensure_desk, open_vault};
use crate::serve::master_key_source;
use crate::store::Store;
use crate::store::desk::DeskRow;
use crate::vault::Vault;
use std::path::PathBuf;
use std::sync::Arc;

/// Which desk a command is about.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DeskArguments {
    /// The folder with the database and the master key
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL address (comes in a later version)
    #[arg(long)]
    pub database_url: Option<String>,
    /// A file that holds the master key, instead of the one in the data folder
    #[arg(long)]
    pub master_key_file: Option<PathBuf>,
    /// The configuration file; countersign.toml in this folder when left out
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// A desk, opened for a command.
pub struct OpenDesk {
    /// The database.
    pub store: Store,
    /// What seals and opens.
    pub vault: Vault,
    /// The clock.
    pub clock: SharedClock,
    /// The desk's row, made if this is the first that happens to it.
    pub row: DeskRow,
    /// Where the desk lives.
    pub data: DataFolder,
    /// The address that is configured here, if one is.
    pub configured_url: Option<String>,
}

impl DeskArguments {
    /// Flags over environment over file.
    ///
    /// # Errors
    /// When the file or a variable can't be read.
    pub fn raw(&self) -> Result<RawConfig, CliError> {
        let flags = RawConfig {
            data_dir: self.data_dir.clone(),
            database_url: self.database_url.clone(),
            master_key_file: self.master_key_file.clone(),
            ..RawConfig::default()
        };
        Ok(RawConfig::gather(&flags, self.config.as_deref())?)
    }

    /// Opens a desk that is there.
    ///
    /// # Errors
    /// When there is none, or as [`Self::open_or_make`].
    pub async fn open(&self) -> Result<OpenDesk, CliError> {
        let raw = self.raw()?;
        let folder = data_path(&raw)?;
        if raw.database_url.is_none() && !folder.join("countersign.sqlite").is_file() {
            let advice = "name its folder with --data-dir; `countersign serve` makes a new desk";
            return Err(CliError::Told(format!("there is no desk in {}; {advice}", folder.display())));
        }
        self.open_or_make().await
    }

    /// Opens the desk, and makes it where there is none.
    ///
    /// # Errors
    /// When the folder, the database or the key can't be used.
    pub async fn open_or_make(&self) -> Result<OpenDesk, CliError> {
        let raw = self.raw()?;
        let data = data_folder(&raw)?;
        let store = Store::open(&data).await?;
        let clock: SharedClock = Arc::new(SystemClock);
        let row = ensure_desk(&store, &clock).await?;
        let vault = open_vault(&store, &row, &master_key_source(raw.master_key_file.as_deref(), &data)).await?;
        Ok(OpenDesk { store, vault, clock, row, data, configured_url: raw.public_url })
    }
}

impl OpenDesk {
    /// The address that people use: configured here, or the one that the server was last started with.
    ///
    /// # Errors
    /// When neither is there.
    pub fn public_url(&self) -> Result<PublicUrl, CliError> {
        let known = self.configured_url.as_ref().or(self.row.public_url.as_ref());
        let text = known.ok_or_else(|| {
            CliError::Told("the desk's address is not known yet; start the server once, or set public_url".into())
        })?;
        Ok(PublicUrl::read(text)?)
    }
}

/// Who types, for the record: `cli:<os user>`, as the system says and not the environment, which cron leaves empty and
/// anybody may set.
#[must_use]
pub fn actor() -> Actor {
    Actor::Cli(whoami::username().ok().filter(|name| !name.chars().any(char::is_control)).unwrap_or_else(nameless))
}

/// A user that the system has no name for, as often in a container.
#[cfg(unix)]
fn nameless() -> String {
    format!("uid {}", rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn nameless() -> String {
    "unknown".to_owned()
}
