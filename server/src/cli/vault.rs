//! `countersign vault rotate`: a new master key, and every sealed record wrapped under it.

use super::open::DeskArguments;
use super::{CliError, say};
use crate::audit::Entry;
use crate::serve::master_key_source;
use crate::store;
use crate::store::sealed::RewrapError;
use crate::vault::{Vault, finish_rotation, start_rotation};

/// What `vault` does.
#[derive(clap::Subcommand)]
pub enum VaultCommand {
    /// Make a new master key and wrap everything sealed under it; stop the server first
    Rotate(DeskArguments),
}

/// How many records are wrapped in one transaction.
const BATCH: i64 = 500;

pub(super) async fn run(command: VaultCommand) -> Result<(), CliError> {
    let VaultCommand::Rotate(arguments) = command;
    let desk = arguments.open().await?;
    // A running server holds the old key and would go on sealing with it.
    let _lock = crate::serve::lock(&desk.data)?;
    let source = master_key_source(arguments.raw()?.master_key_file.as_deref(), &desk.data);
    // Both keys stand in the file until the last record is wrapped anew, so a crash in between loses nothing.
    start_rotation(&source)?;
    let vault = Vault::open(&source)?;
    let key = vault.key_id();
    // First: whoever opened the desk before, such as an `apply` that is under way, seals nothing more under the old key.
    desk.store
        .write(move |connection| {
            Box::pin(async move { Ok::<_, CliError>(store::desk::set_vault_key(connection, key).await?) })
        })
        .await?;
    let mut wrapped = 0;
    for table in store::sealed::Table::ALL {
        let mut after = String::new();
        loop {
            let (vault, from) = (vault.clone(), after.clone());
            let batch = desk
                .store
                .write(move |connection| {
                    Box::pin(async move {
                        store::sealed::rewrap(connection, table, &from, BATCH, |sealed| vault.rewrap(sealed)).await
                    })
                })
                .await;
            let batch: store::sealed::Rewrapped = batch.map_err(told)?;
            wrapped += batch.changed;
            match batch.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    let entry = Entry::new(desk.clock.now(), super::open::actor(), "vault.rotated", key);
    desk.store
        .write(move |connection| {
            Box::pin(async move { store::audit::append(connection, entry).await.map_err(CliError::from) })
        })
        .await?;
    // Last: until then the file holds both keys.
    finish_rotation(&source)?;
    say(format_args!("Wrapped {wrapped} sealed records under a new master key. Back the key file up again."));
    Ok(())
}

fn told(error: RewrapError) -> CliError {
    match error {
        RewrapError::Store(error) => error.into(),
        RewrapError::Vault(error) => error.into(),
    }
}
