//! `countersign backup`: a consistent copy of the database, while the server runs.

use super::open::DeskArguments;
use super::{CliError, say};
use std::path::PathBuf;

/// What `backup` takes.
#[derive(clap::Args)]
pub struct BackupArguments {
    /// The file to write; it must not exist yet
    file: PathBuf,
    #[command(flatten)]
    desk: DeskArguments,
}

pub(super) async fn run(arguments: BackupArguments) -> Result<(), CliError> {
    let file = &arguments.file;
    if file.exists() {
        return Err(CliError::Told(format!("{} exists already; a backup overwrites nothing", file.display())));
    }
    let desk = arguments.desk.open().await?;
    desk.store.copy_to(file).await?;
    say(format_args!("Wrote {}.", file.display()));
    say("Calls, results and credentials in it are sealed under the master key. Keep that apart from it:");
    let key = arguments.desk.raw()?.master_key_file.unwrap_or_else(|| desk.data.path().join("master.key"));
    say(format_args!("  {}", key.display()));
    Ok(())
}
